"""What a mart's query may not do: asked by the check, and again before every build.

It stands apart from the contract (`mart`) because the parser takes a process longer to import than
most commands take to begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from civiclake.contracts.inputs import Readable, address
from civiclake.contracts.model import Mart
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.contracts.read.query import Query, QueryFault, UnreadableQuery
from civiclake.contracts.read.shown import TableColumns, named_columns, shown_columns

COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
FICKLE = re.compile(
    r"\b(current_date|current_timestamp|current_time|curdate|now|localtimestamp|rand|randn|uuid|"
    r"shuffle|monotonically_increasing_id|input_file_name|tablesample)\b",
    re.IGNORECASE,
)
"""What gives another value at another time, or hangs on more than a row's group."""


def query_faults(mart: Mart, text: str, readable: Mapping[str, Readable]) -> list[QueryFault]:
    """What the query does that a mart may not: asked by the check, and before every build.

    Args:
        mart: its contract.
        text: the whole file.
        readable: what marts may read, by id; of an input that is missing no column is judged.
    """
    try:
        query = Query(text)
    except UnreadableQuery as error:
        return [error.fault]
    known = {one.name: one for name, one in readable.items() if name in mart.inputs}
    found = query.faults([_name(name) for name in mart.inputs])
    if not found:
        found = list(_restricted_faults(mart, query, known)) or list(_column_faults(mart, query))
    if mart.refresh_by is not None or mart.groups:
        bare = TEXT.sub("''", COMMENT.sub("", query.text))
        fickle = sorted({word.lower() for word in FICKLE.findall(bare)})
        if fickle:
            said = (
                f"{', '.join(fickle)} gives another value each time, but its contract says"
                " refresh_by; leave one of them out"
            )
            found.append(QueryFault(None, said))
    return found


def _column_faults(mart: Mart, query: Query) -> Iterator[QueryFault]:
    """The query gives the contract's columns, all of them and no other."""
    given = query.columns
    if given is None:
        return
    wanted = [column.name for column in mart.columns]
    missing = [name for name in wanted if name not in {g.lower() for g in given}]
    more = [name for name in given if name.lower() not in wanted]
    said = []
    if missing:
        said.append(f"gives no column {choice(missing)}, which its contract has")
    if more:
        hint = did_you_mean(more[0], missing or wanted)
        said.append(f"gives column {choice(more)}, which its contract has not{hint}")
    if said:
        yield QueryFault(None, f"{' and '.join(said)}; allowed are {choice(wanted)}")


def _restricted_faults(
    mart: Mart, query: Query, known: Mapping[str, Readable]
) -> Iterator[QueryFault]:
    """Columns that stop at ``protect``, and pseudonyms that are given out unsaid."""
    tables = {name: _columns(one) for name, one in known.items()}
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
            f" is to count it, to compare, join and group by it, or to say so in mart.yaml:"
            f" shows: [{name}]",
        )
    if not given or not given <= set(mart.shows):
        return
    for column in mart.columns:
        if column.protection is not None:
            continue
        shown = {f"{known[t].id}.{n}" for t, n in shown_columns(query, tables, column.name)}
        if shown and not query.is_union:
            yield QueryFault(
                None,
                f"column {column.name!r} gives out {', '.join(sorted(shown))}, but its contract"
                f" calls it {column.classification!r}; allowed is 'restricted' with"
                " {protect: pseudonym}",
            )


def _columns(one: Readable) -> TableColumns:
    """What a query may know of an input, beside the pipeline's own columns."""
    return TableColumns(tuple(one.columns), one.restricted, one.dropped)


def _name(input_id: str) -> str:
    return ".".join(address(input_id))
