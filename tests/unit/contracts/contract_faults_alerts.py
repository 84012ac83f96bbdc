"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In what a mart's contract says of its alerts.
"""

from __future__ import annotations

from typing import Any

from contract_city import SmallCity
from contract_spoilers import Spoil, extension

RULE: dict[str, Any] = {
    "name": "crowd",
    "where": "is_alarm",
    "of": ["park_id"],
    "since": "day",
    "newest_by": "day",
    "sure": "trees",
    "says": "{trees} trees in {park_id}",
}
_QUERY = (
    "SELECT park_id, to_date(updated_at) AS day, count(*) AS trees, count(*) > 3 AS is_alarm"
    " FROM unified.parks_trees GROUP BY ALL"
)


def detector(*more: dict[str, Any], is_told: bool = True, **rule: Any) -> Spoil:
    """A mart with an alert that is sound, but for these words; and further alerts."""

    def spoil(city: SmallCity) -> None:
        behind = {"trees": {"input": "parks.trees", "where": "park_id = :park_id"}}
        behind = behind if is_told else {}
        alerts = [{n: v for n, v in {**RULE, **rule}.items() if v is not None}, *more]
        names = ("park_id", "day", "trees", "is_alarm")
        made = city.mart("x", _QUERY, columns=names, behind=behind, alerts=alerts)
        park, day, trees, alarm = made["schema"][0]["properties"]
        park.update(required=True)
        day.update(logicalType="date", primaryKey=True, primaryKeyPosition=2, required=True)
        park.update(primaryKeyPosition=1)
        trees.update(logicalType="integer", description="How many, a number.")
        alarm.update(logicalType="boolean")

    return spoil


def _with(column: str, rule: dict[str, Any] | None = None, **changes: Any) -> Spoil:
    """The same with another column."""

    def spoil(city: SmallCity) -> None:
        detector(**(rule or {}))(city)
        if "classification" in changes:
            city.made["x"]["customProperties"][0]["value"]["shows"] = ["parks.trees.keeper_id"]
        properties = city.made["x"]["schema"][0]["properties"]
        next(one for one in properties if one["name"] == column).update(changes)

    return spoil


def _named(city: SmallCity) -> None:
    city.mart("alerts")


_HIDDEN: dict[str, Any] = {
    "classification": "restricted",
    "customProperties": extension(protect="pseudonym"),
}
_PLACE = "marts/parks/x/mart.yaml"
FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "an alert without its sentence": (detector(says=None), "civiclake.value", "'says' is missing"),
    "an alert with a word too many": (detector(when="day"), "alerts.crowd.when", "unknown field"),
    "an alert with a name in capitals": (detector(name="A b"), "alerts.A b.name", "^[a-z]"),
    "an alert of nothing": (detector(of=[]), "alerts.crowd.of", "at least 1"),
    "an alert that stands twice": (
        detector(RULE),
        "alerts.crowd.name: 'crowd' stands twice",
        "keep one",
    ),
    "an alert of no column": (
        detector(of=["park"]),
        "alerts.crowd.of[0]: is 'park'",
        "allowed is a column of the mart: 'park_id', 'day', 'trees' or 'is_alarm'",
    ),
    "an alert that says no column": (
        detector(says="{tree} trees"),
        "alerts.crowd.says: is 'tree'",
        "did you mean 'trees'?",
    ),
    "an alert with half a brace": (
        detector(says="{trees} trees in {park_id"),
        "alerts.crowd.says",
        "braces don't close; allowed is {column}",
    ),
    "an alert since a number": (
        detector(since="trees"),
        "alerts.crowd.since: is 'trees', of type int",
        "allowed is a column with logicalType: date",
    ),
    "an alert since a day that may be empty": (
        _with("day", required=False),
        "alerts.crowd.newest_by: is 'day', which may be empty",
        "let the column be required",
    ),
    "an alert as sure as a text": (
        detector(sure="park_id"),
        "alerts.crowd.sure: is 'park_id', of type string",
        "a column of numbers",
    ),
    "an alert where there is a number": (
        detector(where="trees"),
        "alerts.crowd.where: is 'trees', a column of type int",
        "allowed is a condition",
    ),
    "an alert where there is no column": (
        detector(where="tree > 3"),
        "alerts.crowd.where: is 'tree > 3': the mart has no column 'tree'",
        "did you mean 'trees'?",
    ),
    "an alert that hangs on the day that it is": (
        detector(where="day > current_date()"),
        "alerts.crowd.where",
        "should hang on one row of the mart alone",
    ),
    "an alert that hangs on other rows": (
        detector(where="trees > (SELECT max(trees) FROM marts.x)"),
        "alerts.crowd.where",
        "should hang on one row of the mart alone",
    ),
    "an alert where something else is read": (
        detector(where="trees > (SELECT 1 FROM raw.parks_trees)"),
        "alerts.crowd.where",
        "reads raw.parks_trees",
    ),
    "an alert that can't be read": (
        detector(where="trees >"),
        "alerts.crowd.where",
        "can't be read",
    ),
    "an alert whose rows nothing tells": (
        detector(rows="park_id"),
        "alerts.crowd.rows: is 'park_id'",
        "allowed is what stands under behind, or 'own' (the mart's rows): 'trees' or 'own'",
    ),
    "an alert of nobody": (
        detector(owner="park"),
        "alerts.crowd.owner: is 'park'",
        "allowed is a department ('parks'), an address such as",
    ),
    "an alert of a pseudonym": (
        _with("park_id", {"is_told": False, "says": "many"}, **_HIDDEN),
        "alerts.crowd.of[0]: names 'park_id', which is restricted",
        "an alert is sent by mail",
    ),
    "an alert whose rows are found by a pseudonym": (
        _with("park_id", {"of": ["day"], "says": "many"}, **_HIDDEN),
        "alerts.crowd.rows: is 'trees', whose rows are found by :park_id, which is restricted",
        "let rows name another one",
    ),
    "a mart of the name of all alerts": (
        _named,
        "marts/parks/alerts/mart.yaml",
        "marts.alerts holds the alerts of all marts; give this mart another name",
    ),
}
