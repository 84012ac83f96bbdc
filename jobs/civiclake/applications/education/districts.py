"""Today's districts: what was written under a former code counts where that district went."""

from __future__ import annotations

import pandas as pd

UNKNOWN = "this district is not among the divisions: its figures stand under the code as written"
CARRIED = "counts children or schools that are written under a former code"
NOWHERE = "none"
"""Instead of a district's code where none is told."""


def carried(rows: pd.DataFrame, divisions: pd.DataFrame) -> pd.DataFrame:
    """``district_code`` as today's, and ``is_carried``.

    A code that a division has taken over and that is none itself is carried to that division; one
    that is neither stays as it is.

    Args:
        rows: with ``district_code``.
        divisions: ``code``, ``former_code``.
    """
    today = rows["district_code"].map(_successors(divisions))
    code = today.fillna(rows["district_code"]).fillna(NOWHERE)
    return rows.assign(district_code=code, is_carried=today.notna())


def _successors(divisions: pd.DataFrame) -> dict[str, str]:
    """A former code that is none any more, to the division that has taken it over."""
    former = divisions.dropna(subset=["former_code"])
    former = former[~former["former_code"].isin(divisions["code"])]
    first = former.sort_values("code").drop_duplicates("former_code")
    return dict(zip(first["former_code"], first["code"], strict=True))


def places(divisions: pd.DataFrame, *others: pd.DataFrame) -> pd.DataFrame:
    """All divisions, and the codes besides that something is written under.

    Returns:
        ``district_code``, ``district_name``, ``is_urban``, ``former_code``: the one whose rows are
        counted here. The last three are missing where the code is no division.
    """
    known = divisions.rename(columns={"code": "district_code", "name": "district_name"})
    written = {code for other in others for code in other["district_code"]}
    besides = sorted(written - set(known["district_code"]))
    more = pd.DataFrame({"district_code": besides})
    former = {code: before for before, code in _successors(divisions).items()}
    known = known.assign(former_code=known["district_code"].map(former).astype(object))
    columns = ["district_code", "district_name", "is_urban", "former_code"]
    return pd.concat([known, more], ignore_index=True)[columns].astype({"is_urban": "boolean"})
