"""Finance: what the departments may spend, and what they have paid to whom."""

from __future__ import annotations

from datetime import date

from demo.city.chance import Draw
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import day_from, money
from demo.city.tables.employment import employer_code, employer_count, employer_name

DEPARTMENTS = (
    "transport", "medical", "health", "employment", "public_security", "culture", "education",
    "finance", "statistics", "meteorology", "geography", "environment",
)  # fmt: skip
_PURPOSES = ("wages", "buildings", "equipment", "services", "grants", "energy", "repairs")
_FIRST_DAY = date(2015, 12, 26)


def line_id(year: int, number: int) -> str:
    """Id of a budget line."""
    return f"{year}-{number:03d}"


def _line(city: City, index: int, changes: int) -> Row:
    year, number = 2014 + index // 84, index % 84
    chance = Draw(city.seed, "budget", index)
    planned = chance.between(1_000_000_00, 900_000_000_00)
    return (
        line_id(year, number),
        year,
        DEPARTMENTS[number // len(_PURPOSES)],
        _PURPOSES[number % len(_PURPOSES)],
        money(planned + 1_000_00 * changes),
        money(planned * chance.between(40, 99) // 100),
    )


BUDGET_LINES = Shape(
    id="finance.budget_lines",
    columns=("line_id", "year", "department", "purpose", "planned_amount", "spent_amount"),
    key=("line_id",),
    make=_line,
    count=lambda city: 84 * 2,
    defects=(
        Defect("range:planned_amount", "planned_amount", lambda amount: -amount),
        Defect("enum:purpose", "purpose", "gifts"),
    ),
)


def _payment_count(city: City) -> int:
    return max(180, city.residents // 5)


def _payment(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "payment", index)
    payee = chance.below(employer_count(city))
    per_day = max(1, _payment_count(city) // 6)
    return (
        f"Z{index:08d}",
        line_id(2015, chance.below(84)),
        employer_code(city, payee),
        employer_name(city.seed, payee),
        money(chance.between(10_000, 40_000_000) + 100 * changes),
        day_from(_FIRST_DAY, index // per_day),
    )


PAYMENTS = Shape(
    id="finance.payments",
    columns=("payment_id", "line_id", "payee_credit_code", "payee_name", "amount", "paid_on"),
    key=("payment_id",),
    make=_payment,
    count=_payment_count,
    defects=(
        Defect("range:amount", "amount", lambda amount: -amount),
        Defect("pattern:line_id", "line_id", "petty cash"),
        Defect("form:payee_credit_code", "payee_credit_code", "unknown"),
        Defect("type:paid_on", "paid_on", "2015-11-31"),
    ),
)
