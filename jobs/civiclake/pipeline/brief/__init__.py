"""The city's brief: pages that open from disk, of what the marts say and who delivered.

`gather` and `departments` ask the lake; `sheet` is what a page holds, as plain data; `numbers`,
`charts`, `maps` and `render` make HTML of it and know no lake.
"""
