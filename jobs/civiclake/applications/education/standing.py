"""How districts stand in one measure, kinds of school taken together: the lowest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from civiclake.applications.education.kinds import MEASURES
from civiclake.errors import UserError

AMOUNTS = dict(zip(MEASURES, ("seats", "teachers_fte", "spending_yuan"), strict=True))
"""What each measure divides by the children."""


def columns(measure: str) -> tuple[str, ...]:
    """What is read of the rows of ``marts.education_supply`` of one year.

    Raises:
        UserError: there is no such measure.
    """
    if measure not in AMOUNTS:
        raise UserError(f"measure {measure!r}: allowed are {', '.join(AMOUNTS)}")
    return (
        "district_code", "district_name", "kind", "children", AMOUNTS[measure], f"{measure}_floor",
    )  # fmt: skip


def standing(rows: pd.DataFrame, measure: str, kinds: Sequence[str] = ()) -> pd.DataFrame:
    """What each district has for a child, of all kinds together or of some, and its floor.

    Amounts and children are added up before they are divided; the floor is what the kinds' floors
    ask for those children together.

    Args:
        rows: :func:`columns` of one school year.
        measure: such as ``seats_per_child``.
        kinds: of school; all, if there are none.

    Returns:
        ``district_code``, ``district_name``, ``children``, ``amount``, ``value``, ``floor``,
        ``is_below`` (missing where either is not defined) and ``gap``; the lowest first, then
        those without a value.

    Raises:
        UserError: there is no such measure or kind.
    """
    amount, floor = columns(measure)[4:]
    known = sorted(set(rows["kind"]))
    for kind in kinds:
        if kind not in known:
            raise UserError(f"kind {kind!r}: allowed are {', '.join(known) or 'none'}")
    some = rows[rows["kind"].isin(kinds)] if kinds else rows
    some = some.assign(
        children=some["children"].astype(float),
        amount=some[amount].astype(float),
        needed=some[floor].astype(float) * some["children"].astype(float),
    )
    is_asked = some["children"] > 0
    some["needed"] = some["needed"].mask(~is_asked, 0.0)
    found = some.groupby("district_code").agg(
        district_name=("district_name", "first"),
        children=("children", "sum"),
        amount=("amount", _all_known),
        needed=("needed", _all_known),
    )
    has = found["children"].where(found["children"] > 0)
    found["value"], found["floor"] = found["amount"] / has, found["needed"] / has
    both = found["value"].notna() & found["floor"].notna()
    found["is_below"] = (found["value"] < found["floor"]).astype("boolean").where(both)
    found["gap"] = np.select(
        [has.isna(), found["amount"].isna(), found["floor"].isna()],
        ["no child of these ages", "not told by all of its schools", "the city has no floor"],
        "",
    )
    found["gap"] = found["gap"].replace("", None)
    ordered = found.reset_index().sort_values(["value", "district_code"], ignore_index=True)
    return ordered.drop(columns="needed")


def _all_known(values: pd.Series) -> float:
    """The sum; NaN where one of them is not known, for the rest would not be the whole."""
    return float(values.sum()) if values.notna().all() else float("nan")
