"""The alerts of a mart against its own columns: what they name must be there, and may be told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from civiclake.contracts.alert import OWN
from civiclake.contracts.inputs import LINKS, MARTS, Readable, of_mart
from civiclake.contracts.mart_query import FICKLE, TEXT
from civiclake.contracts.model import Alert, Column, Mart
from civiclake.contracts.read.faults import Place, choice, did_you_mean
from civiclake.contracts.read.owners import CHANNEL
from civiclake.contracts.read.query import Query, UnreadableQuery

RESERVED = "alerts"
"""The mart that holds all alerts, which no folder makes."""
_MORE_THAN_A_ROW = re.compile(r"\b(select|over)\b", re.IGNORECASE)
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double")
_NAMED = re.compile(r"(?<![:\w]):(?=[A-Za-z_])(\w+)")


def alert_faults(mart: Mart, known: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Every fault of a mart's ``alerts``, with its place below the ``civiclake`` entry.

    Args:
        mart: its contract.
        known: ids of all that marts may read; their departments may be owners.
    """
    if mart.name == RESERVED:
        yield (), f"marts.{RESERVED} holds the alerts of all marts; give this mart another name"
    departments = {name.partition(".")[0] for name in known} - {MARTS, LINKS, "ops"}
    names = [alert.name for alert in mart.alerts]
    for index, alert in enumerate(mart.alerts):
        place = ("alerts", index)
        if alert.name in names[:index]:
            yield (*place, "name"), f"{alert.name!r} stands twice; keep one, or rename one"
        for field, message in _faults(mart, alert, departments):
            yield (*place, *field), message


def _faults(mart: Mart, alert: Alert, departments: Collection[str]) -> Iterator[tuple[Place, str]]:
    columns = {column.name: column for column in mart.columns}
    named: list[tuple[Place, str]] = [(("of", n), name) for n, name in enumerate(alert.of)]
    named += [(("since",), alert.since), (("newest_by",), alert.newest_by)]
    named += [(("says",), name) for name in alert.said]
    named += [(("sure",), alert.sure)] if alert.sure is not None else []
    for field, name in named:
        yield from ((field, message) for message in _column_faults(name, columns))
    if "{" in alert.left_over or "}" in alert.left_over:
        yield ("says",), f"is {alert.says!r}, whose braces don't close; allowed is {{column}}"
    yield from _type_faults(alert, columns)
    yield from ((("where",), message) for message in _where_faults(mart, alert, columns))
    yield from ((("rows",), message) for message in _rows_faults(mart, alert, columns))
    yield from _owner_faults(alert, departments)


def _column_faults(name: str, columns: Mapping[str, Column]) -> Iterator[str]:
    if name not in columns:
        hint = did_you_mean(name, columns)
        yield f"is {name!r}; allowed is a column of the mart: {choice(columns)}{hint}"
    elif columns[name].protection is not None:
        yield (
            f"names {name!r}, which is restricted; an alert is sent by mail, so name columns that"
            " tell nobody's pseudonym"
        )


def _type_faults(alert: Alert, columns: Mapping[str, Column]) -> Iterator[tuple[Place, str]]:
    """Two dates, and a number."""
    told = {"since"} if alert.since == alert.newest_by else set()
    for field, name in (("since", alert.since), ("newest_by", alert.newest_by)):
        kind = columns[name].spark_type if name in columns else "date"
        if kind != "date":
            message = f"is {name!r}, of type {kind}; allowed is a column with logicalType: date"
            yield (field,), message
        elif name in columns and not columns[name].required and field not in told:
            message = f"is {name!r}, which may be empty; let the column be required"
            yield (field,), message
    if alert.sure is not None and alert.sure in columns:
        kind = columns[alert.sure].spark_type
        if kind not in _NUMBERS and not kind.startswith("decimal"):
            yield ("sure",), f"is {alert.sure!r}, of type {kind}; allowed is a column of numbers"


def _where_faults(mart: Mart, alert: Alert, columns: Mapping[str, Column]) -> Iterator[str]:
    """It is a condition on one row of the mart, and on nothing else."""
    own = of_mart(mart.id, mart.columns)
    told = f"is {alert.where!r}"
    try:
        query = Query(f"SELECT ({alert.where}) FROM {own.name}")
    except UnreadableQuery as error:
        yield f"{told}: {error}"
        return
    found = [f"{told}: {one.message}" for one in query.faults([own.name])]
    found += [f"{told}: {message}" for message in _unknown(own, query)]
    yield from found
    bare = TEXT.sub("''", alert.where)
    if found:
        return
    if ";" in bare or FICKLE.search(bare) or _MORE_THAN_A_ROW.search(bare):
        yield f"{told}; it should hang on one row of the mart alone"
    only = columns.get(alert.where.strip())
    if only is not None and only.spark_type != "boolean":
        kind = only.spark_type
        yield f"{told}, a column of type {kind}; allowed is a condition, such as is_alarm"


def _unknown(own: Readable, query: Query) -> Iterator[str]:
    lower = {name.lower() for name in own.columns}
    for name in query.used:
        if name.lower() not in lower:
            hint = did_you_mean(name, own.columns)
            yield f"the mart has no column {name!r}; allowed are {choice(own.columns)}{hint}"


def _rows_faults(mart: Mart, alert: Alert, columns: Mapping[str, Column]) -> Iterator[str]:
    """The rows behind it are found by values that may be told."""
    if alert.rows is not None and alert.rows not in (OWN, *mart.behind):
        allowed = [*mart.behind, OWN]
        hint = did_you_mean(alert.rows, allowed)
        yield (
            f"is {alert.rows!r}; allowed is what stands under behind, or {OWN!r} (the mart's rows):"
            f" {choice(allowed)}{hint}"
        )
        return
    name = mart.rows_of(alert)
    if name is None:
        return
    for column in _NAMED.findall(TEXT.sub("''", mart.behind[name].where)):
        if column in columns and columns[column].protection is not None:
            yield (
                f"is {name!r}, whose rows are found by :{column}, which is restricted; let rows"
                " name another one, or find them by what may be told"
            )


def _owner_faults(alert: Alert, departments: Collection[str]) -> Iterator[tuple[Place, str]]:
    said = alert.owner
    if said is None or "@" in said or said.startswith(CHANNEL) or said in departments:
        return
    hint = did_you_mean(said, departments)
    yield (
        ("owner",),
        f"is {said!r}; allowed is a department ({choice(sorted(departments))}), an address such as"
        f" desk@health.example.org, or {CHANNEL}<connection>{hint}",
    )
