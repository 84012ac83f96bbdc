"""Names of the connectors that a source of type ``custom`` may ask for."""

from __future__ import annotations

from importlib.metadata import entry_points

GROUP = "civiclake.connectors"
"""Entry points of this group are connectors of third parties."""
BUILT_IN = {"jdbc": "civiclake.io.sources.jdbc"}
"""Our own connectors of that type, by the module that holds them."""


def names() -> list[str]:
    """All that can be asked for here; nothing is imported for it."""
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})
