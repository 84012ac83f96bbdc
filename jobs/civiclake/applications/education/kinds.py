"""The kinds of school that a mart's contract names: their ages, and the city's own floors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from civiclake.errors import UserError

MEASURES = ("seats_per_child", "teachers_per_child", "spending_per_child_yuan")
"""What there is a floor for."""
_WANTED = (
    "wanted is such as kinds: {primary: {ages: [6, 11], seats_per_child: 0.9,"
    " teachers_per_child: 0.05, spending_per_child_yuan: 9000}}"
)


@dataclass(frozen=True)
class Kind:
    """A kind of school."""

    name: str
    from_age: int
    """Completed years on the first day of a school year."""
    to_age: int
    """The highest, inclusive."""
    floors: Mapping[str, float]
    """By measure, what each child should have at least; a measure without one has no floor."""


def kinds(parameters: Mapping[str, Any]) -> tuple[Kind, ...]:
    """The kinds that the parameters of a mart name.

    Raises:
        UserError: there is none, ages are no range, or a floor is no number above 0.
    """
    given = parameters.get("kinds")
    if not isinstance(given, Mapping) or not given:
        raise UserError(f"parameters: kinds: {given!r} names no kind of school; {_WANTED}")
    return tuple(_kind(str(name), said) for name, said in given.items())


def _kind(name: str, said: Any) -> Kind:
    at = f"parameters: kinds: {name}"
    if not isinstance(said, Mapping) or set(said) - {"ages", *MEASURES}:
        raise UserError(f"{at}: {said!r} should have ages and floors; {_WANTED}")
    ages = said.get("ages")
    if not (
        isinstance(ages, list)
        and len(ages) == 2
        and all(isinstance(age, int) for age in ages)
        and 0 <= ages[0] <= ages[1] <= 30
    ):
        raise UserError(
            f"{at}: ages: {ages!r} should be the lowest and the highest, such as [6, 11]"
        )
    floors = {measure: said[measure] for measure in MEASURES if measure in said}
    for measure, floor in floors.items():
        if isinstance(floor, bool) or not isinstance(floor, int | float) or not floor > 0:
            raise UserError(f"{at}: {measure}: {floor!r} is no floor; a number above 0 is allowed")
    return Kind(name, ages[0], ages[1], {m: float(f) for m, f in floors.items()})


@dataclass(frozen=True)
class Begins:
    """The day on which every school year begins."""

    month: int
    day: int

    def years_before(self, year: int, years: int) -> date:
        """The same day some years before the one on which that school year begins."""
        return date(year - years, self.month, self.day)


def begins(parameters: Mapping[str, Any]) -> Begins:
    """When the parameters say that a school year begins, such as ``09-01``.

    Raises:
        UserError: it is no day of the year.
    """
    said = parameters.get("year_begins")
    month, _, day = str(said).partition("-")
    if not (month.isdigit() and day.isdigit() and 1 <= int(month) <= 12 and 1 <= int(day) <= 28):
        raise UserError(
            f"parameters: year_begins: {said!r} should be month and day up to the 28th, such as"
            " '09-01'"
        )
    return Begins(int(month), int(day))


def positive(parameters: Mapping[str, Any], name: str, example: float) -> float:
    """A number above 0 among the parameters.

    Raises:
        UserError: it is missing or none.
    """
    said = parameters.get(name)
    if isinstance(said, bool) or not isinstance(said, int | float) or not said > 0:
        raise UserError(
            f"parameters: {name}: {said!r}; a number above 0 is allowed, such as {example:g}"
        )
    return float(said)
