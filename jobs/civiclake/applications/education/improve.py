"""What opening classes or moving teachers would do for the places below the city's floors.

Rows of ``marts.education_supply`` in, tables out; the integer programs are
:mod:`civiclake.statistics.allocation`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.statistics.allocation import Allocation, move, open_new
from civiclake.statistics.inequality import gini
from civiclake.statistics.measured import Floats
from civiclake.statistics.shortfall import Shortfall

COLUMNS = (
    "district_code", "district_name", "kind", "children", "seats", "classes", "teachers_fte",
    "seats_per_child_floor", "teachers_per_child_floor",
)  # fmt: skip
"""What is read of the mart's rows of one school year."""
_SHOWN = 5
"""Names of places that a sentence lists."""


@dataclass(frozen=True)
class Asked:
    """What may be done, and where."""

    classes: int
    """To be opened at most."""
    teachers: int
    """To be moved at most, each full-time and to a place of the same kind of school."""
    within: Sequence[str] = ()
    """Codes or names of the districts that take part; all, if there are none."""
    kinds: Sequence[str] = ()
    """Kinds of school that take part; all, if there are none."""
    class_size: int | None = None
    """Seats of a new class; None: what the kind's classes have on average in the city now."""
    time_limit_s: float = 60


@dataclass(frozen=True)
class Change:
    """What one of the two would do."""

    what: str
    """``classes`` or ``teachers``."""
    places: pd.DataFrame
    """By place: ``district_code``, ``district_name``, ``kind``, ``children``, ``before`` and
    ``after`` (seats or teachers), both per child, ``floor_per_child``, ``given`` and ``taken``."""
    before: Shortfall
    after: Shortfall
    gini_before: float | None
    gini_after: float | None
    used: int
    bound_gap: float
    told: tuple[str, ...]
    """What was left out, what was not done, and why."""


def improve(rows: pd.DataFrame, asked: Asked) -> tuple[Change, ...]:
    """Where classes would be opened and teachers moved, before and after.

    First what lowers the severity of the shortfall most, which is the worst off first; of that
    with the fewest classes or moves, and of those the first by district and kind.

    Args:
        rows: :data:`COLUMNS` of one school year.
        asked: what may be done, and where.

    Returns:
        One change for each of the two that is asked for.

    Raises:
        UserError: nothing is asked, a district or kind is not among the rows, or no place has a
            floor.
    """
    if asked.classes < 0 or asked.teachers < 0 or not asked.classes + asked.teachers:
        raise UserError(
            f"{asked.classes} classes and {asked.teachers} teachers: at least one of one of them is"
            " wanted"
        )
    all_rows = rows.sort_values(["district_code", "kind"], ignore_index=True)
    some = _chosen(all_rows, asked)
    found = []
    if asked.classes:
        size = _class_sizes(all_rows, asked.class_size)
        ready, told = _ready(some, "seats", size)
        seats = ready["kind"].map(size)
        done = open_new(
            ready["children"], ready["seats"], ready["floor"], asked.classes, seats,
            time_limit_s=asked.time_limit_s,
        )  # fmt: skip
        sizes = ", ".join(f"{kind} {size[kind]}" for kind in sorted(set(ready["kind"])))
        found.append(_change("classes", ready, done, [f"seats of a new class: {sizes}", *told]))
    if asked.teachers:
        ready, told = _ready(some, "teachers_fte")
        done = move(
            ready["children"], ready["teachers_fte"], ready["floor"], asked.teachers,
            ready["kind"], time_limit_s=asked.time_limit_s,
        )  # fmt: skip
        found.append(_change("teachers", ready, done, told))
    return tuple(found)


def _chosen(rows: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    names = {*rows["district_code"], *rows["district_name"].dropna()}
    _check("district", asked.within, names)
    _check("kind", asked.kinds, set(rows["kind"]))
    here = pd.Series(True, index=rows.index)
    if asked.within:
        here &= rows["district_code"].isin(asked.within) | rows["district_name"].isin(asked.within)
    if asked.kinds:
        here &= rows["kind"].isin(asked.kinds)
    return rows[here]


def _check(what: str, said: Sequence[str], known: Collection[str]) -> None:
    for name in said:
        if name not in known:
            raise UserError(f"{what} {name!r}: allowed are {', '.join(sorted(known)) or 'none'}")


def _class_sizes(rows: pd.DataFrame, said: int | None) -> dict[str, int]:
    """Seats of a new class by kind; a kind without classes has none."""
    if said is not None:
        if said < 1:
            raise UserError(f"class size {said}: 1 or more seats are allowed")
        return dict.fromkeys(rows["kind"].unique(), said)
    known = rows[rows["seats"].notna() & (rows["classes"] > 0)]
    sums = known.groupby("kind")[["seats", "classes"]].sum()
    return {
        str(kind): max(1, round(seats / classes))
        for kind, seats, classes in sums.itertuples(name=None)
    }


def _ready(
    rows: pd.DataFrame, have: str, sizes: dict[str, int] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Places that can take part, with their ``floor``, and sentences about the others."""
    floor = "seats_per_child_floor" if have == "seats" else "teachers_per_child_floor"
    told, ready = [], rows.assign(floor=rows[floor])
    reasons = [
        (ready[have].isna(), f"their {have} are not known"),
        (ready["floor"].isna(), "the city has no floor for them"),
    ]
    if sizes is not None:
        reasons.append((~ready["kind"].isin(sizes), "no class tells how many seats one has"))
    for is_out, why in reasons:
        out = ready[is_out.reindex(ready.index, fill_value=False)]
        if len(out):
            names = [f"{row.district_code} {row.kind}" for row in out.head(_SHOWN).itertuples()]
            more = ", ..." if len(out) > _SHOWN else ""
            told.append(f"left out are {len(out)} places: {why} ({', '.join(names)}{more})")
        ready = ready.drop(out.index)
    if not len(ready):
        raise UserError(f"no place can take part: {'; '.join(told) or 'there is none'}")
    numbers = {name: ready[name].astype(float) for name in ("children", have, "floor")}
    return ready.assign(**numbers).reset_index(drop=True), told


def _change(what: str, ready: pd.DataFrame, done: Allocation, told: Sequence[str]) -> Change:
    have = "seats" if what == "classes" else "teachers_fte"
    children = ready["children"].to_numpy(np.float64)
    before = ready[have].to_numpy(np.float64)
    each = [_per_child(amount, children) for amount in (before, done.after)]
    places = ready[["district_code", "district_name", "kind"]].assign(
        children=children.astype(np.int64),
        before=before,
        after=done.after,
        per_child_before=each[0],
        per_child_after=each[1],
        floor_per_child=ready["floor"],
        given=done.given,
        taken=done.taken,
    )
    inhabited = children > 0
    even = [gini(values[inhabited], children[inhabited]).value for values in each]
    sentences = [*told]
    if done.bound_gap:
        sentences.append(f"not proven best: up to {done.bound_gap:.2%} more might be had")
    if done.gap:
        sentences.append(done.gap)
    return Change(
        what=what,
        places=places,
        before=done.before_shortfall,
        after=done.after_shortfall,
        gini_before=even[0],
        gini_after=even[1],
        used=done.units_used,
        bound_gap=done.bound_gap,
        told=tuple(sentences),
    )


def _per_child(amount: Floats, children: Floats) -> Floats:
    """NaN where there is no child."""
    some = children > 0
    found = np.full(len(amount), np.nan)
    found[some] = amount[some] / children[some]
    return found
