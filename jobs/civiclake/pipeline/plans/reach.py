"""How far is near enough: a length or a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from civiclake.errors import UserError

_SAID = re.compile(r"(?P<amount>[0-9]+(?:\.[0-9]+)?)[ ]?(?P<unit>m|km|min)")
_MOST = {"m": 100_000.0, "min": 600.0}


class Unit(StrEnum):
    """What ways are measured in."""

    METRES = "m"
    MINUTES = "min"


@dataclass(frozen=True)
class Reach:
    """A length or a time; whoever has a way up to it is served."""

    amount: float
    unit: Unit

    def __str__(self) -> str:
        return shown(self.amount, self.unit)

    @classmethod
    def of(cls, said: str) -> Reach:
        """Read ``1500m``, ``1.5km`` or ``15min``.

        Raises:
            UserError: it is none of these, not above 0, or farther than any city.
        """
        found = _SAID.fullmatch(said.strip())
        if found is None:
            raise UserError(
                f"within {said!r}: a length such as 1500m or 1.5km, or a time such as 15min is"
                " allowed"
            )
        unit = Unit.MINUTES if found["unit"] == "min" else Unit.METRES
        amount = float(found["amount"]) * (1000 if found["unit"] == "km" else 1)
        if not 0 < amount <= _MOST[unit]:
            raise UserError(f"within {said!r}: above 0 and up to {_MOST[unit]:g}{unit} is allowed")
        return cls(amount, unit)


def shown(amount: float, unit: Unit) -> str:
    """A way as people read it."""
    if unit is Unit.METRES:
        return f"{amount:,.0f} m"
    return f"{amount:.1f}".removesuffix(".0") + " min"
