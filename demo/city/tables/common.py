"""What the tables of several departments need."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from stdnum.cn import uscc

from demo.city import places
from demo.city.chance import Draw, shuffled

INDUSTRIES = "ACDEFGHIJKLMNOPQR"
"""Sections of GB/T 4754 that the sample city has enterprises of."""
FACILITIES = 40
VISITED = 38
"""The first so many facilities receive patients."""
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def money(cents: int) -> Decimal:
    """Yuan, from the hundredth parts."""
    return Decimal(cents).scaleb(-2)


def tenths(value: int) -> Decimal:
    """A measurement with one decimal."""
    return Decimal(value).scaleb(-1)


def day_from(first: date, days: int) -> date:
    """A day so many days after the first."""
    return first + timedelta(days=days)


def facility_id(number: int) -> str:
    """Id of the health facility of that number, from 1."""
    return f"F{number:04d}"


_SOME_NUMBER = "530100198001010012"


def mistyped(number: str | None) -> str:
    """A number whose last character is not the one that checks it, even where none was given."""
    number = number or _SOME_NUMBER
    return number[:-1] + ("1" if number[-1] == "0" else "0")


def public_place(seed: int, kind: str, number: int) -> places.Spot:
    """Where a public place stands."""
    chance = Draw(seed, kind, "place", number)
    return places.spot(chance, places.served_district(chance))


def credit_code(seed: int, registrar: str, number: int) -> str:
    """A valid credit code (GB 32100) that was never given out: its region is a whole city.

    Args:
        seed: of the city.
        registrar: the first two characters, such as 91 for an enterprise.
        number: of the organisation, below a hundred million.
    """
    body = f"{shuffled(seed, registrar, number, 100_000_000):08d}"
    rest = 11 - sum(w * int(c) for w, c in zip(_WEIGHTS, body, strict=True)) % 11
    organisation = body + {10: "X", 11: "0"}.get(rest, str(rest))  # GB 11714
    first = f"{registrar}530100{organisation}"
    return first + uscc.calc_check_digit(first)
