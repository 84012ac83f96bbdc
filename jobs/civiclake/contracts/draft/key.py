"""The key that a contract should have, and what is honest to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from civiclake.contracts.draft import unique_sets
from civiclake.contracts.draft.roles import Role

_MOST_COLUMNS = 24
"""So many columns, those most like a key first, are tried together."""
_ALTERNATIVES = 3
_FEW_LOST = 0.05
"""A set of columns that loses no more of the rows is worth naming."""
_WORDS = ("none", "absent", "not stated", "no value", "not given")
_CHANCE = 1.0
"""Fewer pairs than this would agree by chance: that none does is no sign of a key."""


@dataclass(frozen=True)
class Part:
    """One column as a possible part of a key."""

    name: str
    role: Role
    values: tuple[str | None, ...]
    may_be_absent: bool
    """Whether an absent value could be named by a word: it is a column of text."""

    @cached_property
    def empty(self) -> int:
        """Rows without a value."""
        return sum(1 for v in self.values if v is None or not v.strip())


@dataclass(frozen=True)
class Key:
    """A proposal."""

    columns: tuple[str, ...]
    reason: str
    absent_as: dict[str, str] = field(default_factory=dict)
    """Word that an absent value of a key's column is taken for."""

    @property
    def occurrence(self) -> str | None:
        """How rows are told apart when no key is."""
        return None if self.columns else "equals"


def propose(parts: Sequence[Part], repeated: int, seen: str) -> Key:
    """The key of a sample, if it has one.

    Args:
        parts: all columns that may be looked at, in their order.
        repeated: rows that are the same as an earlier one in every column of the source.
        seen: how much was looked at, in words.
    """
    usable = [p for p in parts if p.role is not Role.NONE and p.values]
    things = [p for p in usable if p.role is not Role.POSITION]
    full = [p for p in things if not p.empty]
    absent_too = [p for p in things if not p.empty or p.may_be_absent]
    numbered = [p for p in usable if not p.empty]
    tried: list[list[Part]] = []
    for chosen in (full, absent_too, numbered):
        if chosen in tried:
            continue
        tried.append(chosen)
        found = _search(chosen, seen)
        if found is not None:
            return found
    return Key((), _without_key(things, repeated, seen))


def _search(parts: Sequence[Part], seen: str) -> Key | None:
    tried = sorted(parts, key=lambda p: p.role)[:_MOST_COLUMNS]
    codes = [unique_sets.coded(p.values) for p in tried]
    found = unique_sets.search(codes)
    if not found.sets:
        return None
    place = {p.name: n for n, p in enumerate(parts)}

    def merit(chosen: tuple[int, ...]) -> tuple[object, ...]:
        roles = [tried[n].role for n in chosen]
        return (
            _by_chance(codes, chosen),
            len(chosen),
            sum(roles),
            sorted(place[tried[n].name] for n in chosen),
        )

    ranked = sorted(found.sets, key=merit)
    best = ranked[0]
    names = _names(tried, place, best)
    absent_as = {tried[n].name: _word(tried[n]) for n in best if tried[n].empty}
    return Key(names, _reason(tried, place, ranked, codes, found.finished, seen), absent_as)


def _names(
    tried: Sequence[Part], place: dict[str, int], chosen: tuple[int, ...]
) -> tuple[str, ...]:
    return tuple(sorted((tried[n].name for n in chosen), key=place.__getitem__))


def _by_chance(codes: Sequence[unique_sets.Codes], chosen: tuple[int, ...]) -> bool:
    """Whether columns drawn by lot would be unique together, too."""
    several = len(chosen) > 1
    return several and unique_sets.expected_pairs([codes[n] for n in chosen]) < _CHANCE


def _word(part: Part) -> str:
    """A word for an absent value that stands nowhere in the column."""
    taken = {(v or "").strip().casefold() for v in part.values}
    numbered = (f"none {n}" for n in range(2, len(taken) + 3))
    return next(word for word in (*_WORDS, *numbered) if word not in taken)


def _reason(
    tried: Sequence[Part],
    place: dict[str, int],
    ranked: Sequence[tuple[int, ...]],
    codes: Sequence[unique_sets.Codes],
    finished: bool,
    seen: str,
) -> str:
    best = ranked[0]
    said = [
        f"its values are all different in {seen} seen"
        if len(best) == 1
        else f"together they are unique in {seen} seen"
    ]
    if _by_chance(codes, best):
        said.append("so few rows would be unique by chance, too: say whether it is meant so")
    if any(tried[n].role is Role.POSITION for n in best):
        said.append(
            "it is the row's number in this export, and no key unless every delivery numbers a"
            " row alike"
        )
        said += _near([p for p in tried if p.role is not Role.POSITION])
    for part in (tried[n] for n in best if tried[n].empty):
        said.append(f"{part.name} is empty in {part.empty:,} of them, which `absent_as` names")
    others = [" + ".join(_names(tried, place, s)) for s in ranked[1 : _ALTERNATIVES + 1]]
    if others:
        more = len(ranked) - 1 - len(others)
        said.append(f"unique as well: {'; '.join(others)}" + (f" and {more} more" if more else ""))
    if not finished:
        said.append(
            f"the search was stopped after {unique_sets.SECONDS:.0f} s, so there may be better ones"
        )
    return "; ".join(said)


def _without_key(parts: Sequence[Part], repeated: int, seen: str) -> str:
    """Why there is none, and what one would cost."""
    if seen.startswith("all 0 "):
        said = "NO KEY: no row was seen"
    elif repeated:
        said = f"NO KEY: {repeated:,} of {seen} seen are the same as an earlier row in every column"
    else:
        said = (
            f"NO KEY WAS FOUND: no row repeats in {seen} seen, but no"
            f" {unique_sets.WIDEST} columns or fewer that may name things (what is counted or"
            " measured may not) tell all rows apart"
        )
    counted = "rows are told apart by their number among equals (`occurrence: equals`)"
    return "; ".join([said, *_near(parts), counted])


def _near(parts: Sequence[Part]) -> list[str]:
    """The columns that come nearest to a key, and the rows they would lose."""
    full = sorted((p for p in parts if not p.empty), key=lambda p: p.role)[: _MOST_COLUMNS // 2]
    if not full:
        return []
    codes = [unique_sets.coded(p.values) for p in full]
    rows = len(codes[0])
    named = [
        (unique_sets.lost_rows([codes[n]]), (n,))
        for n, p in enumerate(full)
        if p.role is Role.NAMED
    ]
    together, lost = unique_sets.nearest(codes)
    nearest = sorted([*named, (lost, together)], key=lambda item: (item[0], len(item[1])))
    lost, chosen = next(
        (item for item in nearest if len(item[1]) == 1 and item[0] <= _FEW_LOST * rows),
        nearest[0],
    )
    if lost > _FEW_LOST * rows:
        return []
    names = " + ".join(full[n].name for n in sorted(chosen))
    return [f"as a key {names} would lose {lost:,} of {rows:,} rows"]
