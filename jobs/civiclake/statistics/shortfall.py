"""Which people are below a floor, how far, and how severely.

Source: J. Foster, J. Greer and E. Thorbecke, "A class of decomposable poverty measures",
Econometrica 52 (1984), pp. 761-766. With z the floor, y_i what each of the n_i people of place i
has, and N all people: P_a = sum_i n_i max(0, (z - y_i) / z)^a / N. a = 0 is the share of people
below the floor, 1 how far they are below it on average, 2 its severity, which weighs the worst
off most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, floats, same_length

SAME = 1e-9
"""Shares that differ by less are alike."""


@dataclass(frozen=True)
class Shortfall:
    """The measures of Foster, Greer and Thorbecke, over people; None with a gap."""

    share_below: float | None
    """People of places below the floor, as a share."""
    depth: float | None
    """How far below it they are, as a share of the floor, averaged over all people."""
    severity: float | None
    """The same of the squares."""
    gap: str | None = None


def shortfall(
    people: Iterable[Any], have: Iterable[Any], floor_per_person: Iterable[Any]
) -> Shortfall:
    """How many are below the floor, how far, and how severely.

    Args:
        people: of each place.
        have: what each place has in all (seats, teachers, yuan).
        floor_per_person: what each person there should have at least, above 0.

    Raises:
        UserError: a value is missing, negative or no number, a floor is 0, or lengths differ.
    """
    who, has, floor = checked(people, have, floor_per_person)
    total = float(who.sum())
    if not total:
        return Shortfall(None, None, None, "no place with people in it")
    below = lacks(who, has, floor)
    return Shortfall(
        float(who[below > 0].sum()) / total,
        float((who * below).sum()) / total,
        float((who * below**2).sum()) / total,
    )


def checked(people: Any, have: Any, floor: Any) -> tuple[Floats, Floats, Floats]:
    """The three columns, sound: see :func:`shortfall`."""
    who = floats("people", people, lowest=0)
    has = floats("have", have, lowest=0)
    least = floats("floor_per_person", floor, lowest=0)
    same_length(people=who, have=has, floor_per_person=least)
    if (least <= 0).any():
        raise UserError("floor_per_person: one is 0, below which nobody can be; above 0 is allowed")
    return who, has, least


def lacks(people: Floats, have: Floats, floor: Floats) -> Floats:
    """How far each place is below its floor, as a share of it; 0 where nobody is."""
    needed = floor * people
    some = needed > 0
    share = np.zeros_like(needed)
    share[some] = np.maximum(0, 1 - have[some] / needed[some])
    return np.where(share < SAME, 0.0, share)
