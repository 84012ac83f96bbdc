"""The rows of ``marts.education_learners``: counts of groups that are large enough to be told."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from civiclake.applications.education.districts import carried, places
from civiclake.applications.sentences import Sentence, gaps

COUNTS = ("stayed", "changed_school", "moved_up", "away", "left_school", "ended")
"""What becomes of a learner in the next school year."""
_ALWAYS = ("not_followed", "moved_within_year")
_KEYS = ["school_year", "district_code", "grade"]
TYPES: Mapping[str, str] = {
    "school_year": "integer",
    "district_code": "string",
    "grade": "integer",
    "district_name": "string",
    "is_urban": "boolean",
    "former_code": "string",
    "schools": "integer",
    "learners": "integer",
    **dict.fromkeys(_ALWAYS, "integer"),
    **dict.fromkeys(COUNTS, "integer"),
    "gap": "string",
}


def followed(
    counts: pd.DataFrame, schools: pd.DataFrame, divisions: pd.DataFrame, smallest_group: int
) -> pd.DataFrame:
    """One row for each year, district and grade with learners.

    Args:
        counts: of learners by year, district and grade.
        schools: ``district_code`` of each.
        divisions: ``code``, ``name``, ``former_code``, ``is_urban``.
        smallest_group: a group of fewer learners keeps its row and loses its counts.

    Returns:
        The columns of :data:`TYPES`.
    """
    numbers = ["learners", *_ALWAYS, *COUNTS]
    today = carried(counts, divisions)
    rows = today.groupby(_KEYS, as_index=False)[numbers].sum()
    rows = rows.merge(places(divisions, rows), how="left", on="district_code")
    stand = carried(schools, divisions)["district_code"].value_counts()
    rows["schools"] = rows["district_code"].map(stand).fillna(0)
    years = set(rows["school_year"])
    has_next = (rows["school_year"] + 1).isin(years)
    is_small = rows["learners"] < smallest_group
    rows["gap"] = gaps(rows, _sentences(is_small, has_next, smallest_group))
    for name in numbers:
        rows[name] = rows[name].where(~is_small & (has_next | (name not in COUNTS)))
    return rows.sort_values(_KEYS, ignore_index=True)


def _sentences(is_small: pd.Series, has_next: pd.Series, smallest_group: int) -> list[Sentence]:
    return [
        (lambda _: is_small, f"fewer than {smallest_group} learners: withheld"),
        (
            lambda _: ~is_small & ~has_next,
            "there are no lists of the next school year: what became of them is not known",
        ),
        (
            lambda rows: ~is_small & has_next & (rows["not_followed"] > 0),
            "who is not recognised cannot be followed and is in no other count",
        ),
    ]
