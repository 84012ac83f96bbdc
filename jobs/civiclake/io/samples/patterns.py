"""The pattern of a dataset's files, from the name of one: no other dataset's files fit it."""

from __future__ import annotations

import glob
import re
from pathlib import Path

_PART = re.compile(r"((?<![^\W_])[0-9]+|(?<=[^\W\d_])[0-9]{3,})([-_.T ]?[0-9]+)*Z?")
"""A date, a time or a number that tells one delivery from another. One or two digits right behind
a letter are part of a name, as in pm25 or covid19."""
_PACKED = (".gz",)


def pattern(path: Path) -> tuple[str, str | None]:
    """The pattern that such a file's name fits, and what a person must look at.

    A date or number in the name stands for those of other deliveries; a name without one is
    the name of every delivery.
    """
    name = path.name
    stem, ending = _split(name)
    found, last = [], 0
    for part in _PART.finditer(stem):
        found += [glob.escape(stem[last : part.start()]), "[0-9]*"]
        last = part.end()
    made = "".join(found) + glob.escape(stem[last:] + ending)
    if last:
        return made, (
            f"files named like {name} are read, by the pattern `{made}`, and a row of a later one"
            " replaces that of an earlier one with its key: what the name alone says, such as the"
            " year of all rows, must stand in a column"
        )
    return made, (
        f"only files named {name} are read; if every delivery has a name of its own, say it by a"
        f" pattern such as `{glob.escape(stem)}_[0-9]*{ending}`"
    )


def _split(name: str) -> tuple[str, str]:
    """The name, and its ending with that of what is packed."""
    path = Path(name)
    ending = path.suffix
    if ending.lower() in _PACKED and Path(path.stem).suffix:
        ending = Path(path.stem).suffix + ending
    return name.removesuffix(ending) if ending else name, ending
