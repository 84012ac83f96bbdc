"""Texts that seem to mean "no value": words, errors of spreadsheets, numbers out of all range."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from civiclake.contracts.draft.guessed import GuessedType

_WORDS = frozenset({
    "na", "n/a", "n.a.", "n.a", "<na>", "nan", "null", "none", "nil", "missing", "unknown",
    "-", "--", "---", "–", "—", ".", "..", "...", "…", "?", "*", "**", "\\n", "#n/a", "#na",  # noqa: RUF001
    "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#getting_data", "#spill!",
    "#calc!",
})  # fmt: skip
"""In small letters; a spreadsheet's errors are among them."""
_SENTINELS = frozenset({"-9", "-99", "-999", "-9999", "-99999", "-999999", "999", "9999", "99999",
                        "999999", "9999999"})  # fmt: skip
_FAR = 5
"""A number that means "none" lies so many times as far out as the farthest that is one."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_MOSTLY = 0.9
_SHOWN = 3


def absent_words(counted: Mapping[str, int]) -> tuple[str, ...]:
    """The texts of a column that are known as words for "no value", most frequent first."""
    found = [v for v in counted if v.casefold() in _WORDS]
    return tuple(sorted(found, key=lambda v: (-counted[v], v)))


def sentinels(counted: Mapping[str, int]) -> tuple[str, ...]:
    """Numbers such as -999 that lie far outside of what else stands in the column."""
    suspects = [v for v in counted if v.removesuffix(".0") in _SENTINELS]
    rest = [float(v) for v in counted if v not in suspects]
    if not suspects or not rest:
        return ()
    low, high = min(rest), max(rest)
    bound = _FAR * max(abs(low), abs(high))

    def is_out(value: str) -> bool:
        number = float(value)
        if number < 0:
            return number < low and (low >= 0 or abs(number) > bound)
        return number > bound and counted[value] > 1

    return tuple(sorted((v for v in suspects if is_out(v)), key=float))


def said_absent(
    found: GuessedType, words: Collection[str], counted: Mapping[str, int]
) -> GuessedType:
    """The type of what remains, with those texts declared as absent."""
    shown = ", ".join(f"{word!r} {counted[word]:,} times" for word in words)
    before = found.extension.get("absent", [])
    return replace(
        found,
        extension=found.extension | {"absent": [*words, *before]},
        notes=(f"taken for no value: {shown}", *found.notes),
    )


def mostly_numbers(counted: Mapping[str, int]) -> bool:
    """Whether a column would be one of numbers but for a few texts."""
    total = sum(counted.values())
    numbers = sum(n for v, n in counted.items() if _NUMBER.fullmatch(v))
    return _MOSTLY * total <= numbers < total and not _zeros(counted)


def doubts(counted: Mapping[str, int]) -> tuple[str, ...]:
    """What keeps a column of numbers text, or may mean "no value" in one of texts."""
    others = sorted((v for v in counted if not _NUMBER.fullmatch(v)), key=lambda v: -counted[v])
    if mostly_numbers(counted):
        return (
            f"numbers but for {_shown(others, counted)}: if that means no value, say so by"
            " `absent`, else ask for numbers",
        )
    words = absent_words(counted)
    if words:
        return (f"holds {_shown(words, counted)}: if it means no value, say so by `absent`",)
    return ()


def _zeros(counted: Mapping[str, int]) -> bool:
    """Whether the digits are names, such as 007."""
    return any(len(v) > 1 and v[0] == "0" and v.isdigit() for v in Counter(counted))


def _shown(values: Collection[str], counted: Mapping[str, int]) -> str:
    first = [f"{v[:30]!r} {counted[v]:,} times" for v in list(values)[:_SHOWN]]
    more = len(values) - len(first)
    return ", ".join(first) + (f" and {more} other texts" if more else "")
