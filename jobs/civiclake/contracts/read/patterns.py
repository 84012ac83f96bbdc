"""Regular expressions: what Java, which judges the rows, and Python read alike.

Rules run in Spark, so in Java; people try their patterns in Python, and Great Expectations takes
the same suite to other engines. A pattern that the two read differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

TRUE_END = r"(?![\s\S])"
"""The end of the text and nothing else, in Java as in Python. ``$`` also stands before a line feed
at the end, and ``\\z`` is new in Python 3.14."""
_REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")
_GROUPS = {
    "(?P": "a named group is written otherwise in Java; use a plain one",
    "(?(": "Java knows no conditions",
    "(?#": "Java knows no comments in a group",
    "(?a": "Java knows no flag 'a'",
    "(?L": "Java knows no flag 'L'",
    "(?u": "the flag 'u' means something else in Java",
}
_MULTILINE = re.compile(r"\(\?[a-z]*m")


def fault(pattern: str) -> str | None:
    """What is wrong with a regular expression, or None."""
    for place, part, in_class in _parts(pattern):
        wrong = _in_class(pattern, place) if in_class else _outside(pattern, place, part)
        if wrong:
            return f"read otherwise by Java than by Python at character {place + 1}: {wrong}"
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        return f"not a regular expression: {error}"
    return None


def whole(pattern: str) -> str:
    """A regular expression that only a value as a whole matches, a line feed at its end too."""
    return f"^(?:{pattern}){TRUE_END}"


def with_true_end(regex: str) -> str:
    """The same regular expression with every ``$`` as the end of the value.

    Left as it is where a flag makes ``$`` the end of any line.
    """
    if _MULTILINE.search(regex):
        return regex
    parts = [
        f"(?:{part}{TRUE_END})" if part == "$" and not in_class else part
        for _, part, in_class in _parts(regex)
    ]
    return "".join(parts)


def _in_class(pattern: str, place: int) -> str | None:
    if pattern[place] == "[":
        return r"a bracket in brackets is a class of its own; write \["
    if pattern.startswith("&&", place):
        return r"'&&' in brackets is an intersection; write \&&"
    return None


def _outside(pattern: str, place: int, part: str) -> str | None:
    if part in (r"\p", r"\P"):
        return rf"Python knows no '{part}'; write the characters as ranges"
    if part == r"\Z":
        return r"'\Z' stands before a line feed at the end, too; write $"
    if part == "{" and not _REPEAT.match(pattern, place):
        return r"a brace that counts nothing; write \{"
    if part == "(":
        found = (why for begin, why in _GROUPS.items() if pattern.startswith(begin, place))
        return next(found, None)
    return None


def _parts(pattern: str) -> Iterator[tuple[int, str, bool]]:
    """Every character or escape: its place, its text, and whether it stands within brackets."""
    place, in_class = 0, False
    first = -1  # a bracket that closes stands for itself where the class begins
    while place < len(pattern):
        part = pattern[place : place + 2] if pattern[place] == "\\" else pattern[place]
        opens = part == "[" and not in_class
        yield place, part, in_class and part != "]"
        if opens:
            in_class = True
            first = place + (2 if pattern.startswith("^", place + 1) else 1)
        elif part == "]" and place != first:
            in_class = False
        place += len(part)
