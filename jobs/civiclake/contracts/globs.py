"""Patterns of file names: whether two can match one name."""

from __future__ import annotations

import re
from functools import cache

_PARTS = re.compile(r"\*+|\[!?\]?[^\]]*\]|.", re.DOTALL)
_ANY = "?"


def meet(first: str, second: str, *, star_takes_slash: bool) -> bool:
    """Whether some name matches both patterns.

    Args:
        first: a pattern of ``*``, ``?`` and ``[...]``.
        second: another one.
        star_takes_slash: whether ``*`` goes on into folders, as in names of S3 objects; else only
            ``**`` does.
    """
    a, b = _parts(first), _parts(second)

    def takes(star: str, part: str) -> bool:
        return part != "/" or star_takes_slash or len(star) > 1

    @cache
    def meets(i: int, j: int) -> bool:
        if i == len(a) and j == len(b):
            return True
        if i < len(a) and a[i][0] == "*":
            return meets(i + 1, j) or (j < len(b) and takes(a[i], b[j]) and meets(i, j + 1))
        if j < len(b) and b[j][0] == "*":
            return meets(i, j + 1) or (i < len(a) and takes(b[j], a[i]) and meets(i + 1, j))
        if i == len(a) or j == len(b):
            return False
        same = a[i] == b[j] or (_ANY in (a[i], b[j]) and "/" not in (a[i], b[j]))
        return same and meets(i + 1, j + 1)

    return meets(0, 0)


def _parts(pattern: str) -> tuple[str, ...]:
    """The pattern's characters; a class counts as any character, so that none is missed."""
    found = (_ANY if len(p) > 1 and p[0] == "[" else p for p in _PARTS.findall(pattern))
    return tuple(found)
