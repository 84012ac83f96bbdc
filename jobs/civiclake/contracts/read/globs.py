"""Patterns of file names: whether two can match one name."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache

_PARTS = re.compile(r"\*+|\[!?\]?[^\]]*\]|.", re.DOTALL)
_ANY = "?"
_ASCII = "".join(map(chr, range(32, 127))).replace("/", "")


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
        return _share(a[i], b[j]) and meets(i + 1, j + 1)

    return meets(0, 0)


def _parts(pattern: str) -> tuple[str, ...]:
    """The pattern's characters, runs of stars and classes of characters."""
    return tuple(_PARTS.findall(pattern))


@cache
def _share(first: str, second: str) -> bool:
    """Whether some character fits both a character or class and another one."""
    if "/" in (first, second):
        return first == second
    # Of two classes one of ASCII's characters tells: no file is named by others alone.
    tried = next((part for part in (first, second) if len(part) == 1 and part != _ANY), _ASCII)
    return any(fnmatchcase(c, first) and fnmatchcase(c, second) for c in tried)
