"""What a mart's query may not do: asked by the check, and again before every build.

It stands apart from the head (`mart`) because the parser takes a process longer to import than most
commands take to begin.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from civiclake.contracts.model import Dataset, Mart, Protection
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.contracts.read.query import Query, QueryFault, UnreadableQuery
from civiclake.contracts.read.shown import TableColumns, named_columns, shown_columns

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
_WORD = re.compile(r"`?\b([A-Za-z_]\w*)\b`?(\s*\()?")
_SQL_WORDS = {
    "and", "as", "between", "bigint", "case", "date", "day", "else", "end", "hour", "in", "int",
    "interval", "is", "month", "not", "null", "or", "string", "then", "timestamp", "true", "when",
    "year",
}  # fmt: skip
_FICKLE = re.compile(
    r"\b(current_date|current_timestamp|current_time|curdate|now|localtimestamp|rand|randn|uuid|"
    r"shuffle|monotonically_increasing_id|input_file_name|tablesample)\b",
    re.IGNORECASE,
)
"""What gives another value at another time, or hangs on more than a row's group."""


def query_faults(mart: Mart, text: str, datasets: Iterable[Dataset]) -> list[QueryFault]:
    """What the query does that a mart may not: asked by the check, and before every build.

    Args:
        mart: its head.
        text: the whole file.
        datasets: the contracts of its inputs; of one that is missing no column is judged.
    """
    try:
        query = Query(text)
    except UnreadableQuery as error:
        return [error.fault]
    known = {_table(d.id): d for d in datasets if d.id in mart.inputs}
    found = query.faults([_table(name) for name in mart.inputs])
    if not found:
        found = list(_restricted_faults(mart, query, known))
    if mart.refresh_by is not None or mart.groups:
        found += [QueryFault(None, said) for said in _refresh_faults(mart, query)]
    for name, expression in mart.groups.items():
        found += _group_query_faults(name, expression)
    return found


def _restricted_faults(
    mart: Mart, query: Query, known: Mapping[str, Dataset]
) -> Iterator[QueryFault]:
    """Columns that stop at ``protect``, and pseudonyms that are given out unsaid."""
    tables = {table: _columns(dataset) for table, dataset in known.items()}
    for table, columns in tables.items():
        served = ", ".join(columns.served)
        free = columns.dropped - {c for other in tables.values() for c in other.served}
        for name in sorted(named_columns(query, free)):
            yield QueryFault(
                None,
                f"names {name!r} of {known[table].id}, which is restricted and stops at `protect`;"
                f" allowed are the columns that unified serves: {served}",
            )
    given = {f"{known[table].id}.{name}" for table, name in shown_columns(query, tables)}
    for name in sorted(given - set(mart.shows)):
        yield QueryFault(
            None,
            f"gives out {name}, which is restricted (a pseudonym of one person or place); allowed"
            " is to count it, to compare, join and group by it, or a line that says so:"
            f" '-- shows: {name}'",
        )
    pseudonyms = {f"{known[t].id}.{name}" for t, c in tables.items() for name in c.restricted}
    for name in mart.shows:
        if name not in pseudonyms and len(known) == len(mart.inputs):
            hint = did_you_mean(name, pseudonyms)
            yield QueryFault(
                None,
                f"shows: {name!r} is no restricted column of an input; allowed are"
                f" {choice(sorted(pseudonyms))}{hint}",
            )


def _columns(dataset: Dataset) -> TableColumns:
    """What a query may know of an input, beside the pipeline's own columns."""
    kept = dataset.unified_columns
    return TableColumns(
        served=tuple(c.name for c in kept),
        restricted=frozenset(c.name for c in kept if c.protection is Protection.PSEUDONYM),
        dropped=frozenset(c.name for c in dataset.columns if c.protection is Protection.DROP),
    )


def _table(dataset_id: str) -> str:
    return dataset_id.replace(".", "_", 1)


def _group_query_faults(name: str, expression: str) -> list[QueryFault]:
    """A group is an expression of one row, so it reads nothing else either."""
    try:
        query = Query(f"SELECT ({expression}) FROM unified.{_table(name)}")
    except UnreadableQuery as error:
        return [QueryFault(None, f"group: {expression!r}: {error}")]
    told = query.faults([_table(name)])
    return [QueryFault(None, f"group: {expression!r} {one.message}") for one in told]


def _refresh_faults(mart: Mart, query: Query) -> list[str]:
    """Why the mart could not be refreshed by groups."""
    faults = []
    given = query.columns
    if mart.refresh_by is None:
        faults.append("says group, but no refresh_by: wanted is the mart's column, such as 'day'")
    elif given is not None and mart.refresh_by.lower() not in {name.lower() for name in given}:
        hint = did_you_mean(mart.refresh_by, given)
        faults.append(
            f"refresh_by: the query gives no column {mart.refresh_by!r}; allowed are"
            f" {choice(given)}{hint}"
        )
    if not mart.groups:
        faults.append(
            "says refresh_by, but no group: wanted is a line such as"
            " '-- group: health.visits = to_date(visited_at)'"
        )
    bare = _TEXT.sub("''", _COMMENT.sub("", query.text))
    fickle = sorted({word.lower() for word in _FICKLE.findall(bare)})
    if fickle:
        faults.append(
            f"refresh_by: {', '.join(fickle)} gives another value each time; leave it out, or"
            " leave refresh_by out"
        )
    return faults


def group_faults(mart: Mart, columns: Mapping[str, Collection[str]]) -> list[str]:
    """What is wrong with the group lines, by the columns that the inputs serve.

    Args:
        mart: with its groups.
        columns: of each dataset, by its id.
    """
    faults = []
    for name, expression in mart.groups.items():
        known = columns.get(name)
        if known is None:
            continue
        bare = _TEXT.sub("''", expression)
        words = [word for word, opens in _WORD.findall(bare) if not opens]
        unknown = [w for w in words if w not in known and w.lower() not in _SQL_WORDS]
        for word in unknown:
            hint = did_you_mean(word, known)
            faults.append(
                f"group: {name} serves no column {word!r}; allowed are"
                f" {choice(sorted(known))}{hint}"
            )
        if not unknown and not any(word in known for word in words):
            faults.append(f"group: {expression!r} names no column of {name}")
        if ";" in bare or _FICKLE.search(bare) or re.search(r"\b(select|over)\b", bare, re.I):
            faults.append(f"group: {expression!r} should hang on one row of {name} alone")
    return faults
