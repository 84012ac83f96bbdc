"""A mart's contract against those of its inputs: what it names must be there.

Faults of its query are :mod:`civiclake.contracts.mart_query`'s.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from civiclake.contracts.alert_check import alert_faults
from civiclake.contracts.inputs import LINKS, Readable
from civiclake.contracts.ledger_columns import LEDGER
from civiclake.contracts.mart import MartDraft
from civiclake.contracts.mart_query import FICKLE, TEXT
from civiclake.contracts.model import Mart
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.query import Query, UnreadableQuery

_KEY = re.compile(r"(?<![:\w]):(?=[A-Za-z_])(\w+)")
"""A value of the mart's row; ``::`` is a cast."""
_WHOLE = ("tinyint", "smallint", "int", "bigint")
_MORE_THAN_A_ROW = re.compile(r"\b(select|over)\b", re.IGNORECASE)


def check_mart(
    draft: MartDraft,
    readable: Mapping[str, Readable],
    known: Collection[str],
    faults: Faults,
) -> None:
    """Note what is wrong with a mart's contract by those of its inputs.

    Args:
        draft: its folder.
        readable: what marts may read, as far as it is sound, by id.
        known: ids of all that marts may read, sound or not.
        faults: grows.
    """
    mart = draft.mart
    if mart is None:
        return
    for place, message in _faults(mart, readable, known):
        draft.document.fault(faults, (*draft.place, *place), message)


def _faults(
    mart: Mart, readable: Mapping[str, Readable], known: Collection[str]
) -> Iterator[tuple[Place, str]]:
    yield from _of_inputs(mart, known)
    yield from _of_ledger(mart)
    yield from _of_groups(mart, readable)
    yield from _of_restricted(mart, readable)
    said = mart.parameters.get("smallest_group", mart.smallest_group)
    if said != mart.smallest_group:
        message = f"is {said!r}, but smallest_group of the contract is {mart.smallest_group!r}"
        yield ("parameters", "smallest_group"), f"{message}; say it there alone"
    yield from _of_group_size(mart)
    if mart.parameters and mart.is_query:
        yield ("parameters",), "goes with a function; write the value into the query"
    yield from _of_behind(mart, readable)
    yield from alert_faults(mart, known)


def _of_group_size(mart: Mart) -> Iterator[tuple[Place, str]]:
    """Persons are counted by a column of whole numbers, and not without a least number."""
    whole = [c.name for c in mart.columns if c.spark_type in _WHOLE and not c.key_position]
    if mart.group_size is None:
        return
    if mart.smallest_group is None:
        yield ("group_size",), "counts whom smallest_group is of; name that, too"
    elif mart.group_size not in whole:
        hint = did_you_mean(mart.group_size, whole)
        message = f"is {mart.group_size!r}; allowed is a column of whole numbers: {choice(whole)}"
        yield ("group_size",), f"{message}{hint}"


def _of_inputs(mart: Mart, known: Collection[str]) -> Iterator[tuple[Place, str]]:
    tables: dict[str, str] = {}
    for index, name in enumerate(mart.inputs):
        place = ("inputs", index)
        if name not in known:
            hint = did_you_mean(name, known)
            yield place, f"there is no input {name!r}; allowed are {choice(known)}{hint}"
        elif name in mart.inputs[:index]:
            yield place, f"{name!r} stands twice; keep one"
        table = name.partition(".")[2] if name.startswith((LINKS, "marts.")) else name
        other = tables.setdefault(table.replace(".", "_"), name)
        if other != name:
            yield place, f"{name!r} has a table of the same name as {other!r}; rename one of them"


def _of_ledger(mart: Mart) -> Iterator[tuple[Place, str]]:
    """What is made of the ledger alone is owed when its contract says so, for nothing arrives."""
    if mart.latency_seconds is None and set(mart.inputs) <= set(LEDGER):
        yield (
            ("inputs",),
            f"are of the ledger alone ({choice(mart.inputs)}), which no delivery brings; let"
            " slaProperties promise a latency",
        )


def _of_groups(mart: Mart, readable: Mapping[str, Readable]) -> Iterator[tuple[Place, str]]:
    columns = {column.name: column for column in mart.columns}
    if mart.groups and mart.refresh_by is None:
        yield ("groups",), "wants refresh_by beside it: the mart's column, such as 'day'"
    if mart.refresh_by is not None and not mart.groups:
        yield (
            ("refresh_by",),
            "wants groups beside it, such as {health.visits: to_date(visited_at)}",
        )
    if mart.refresh_by is not None and mart.refresh_by not in columns:
        hint = did_you_mean(mart.refresh_by, columns)
        yield (
            ("refresh_by",),
            f"is {mart.refresh_by!r}; allowed is a column of the mart: {choice(columns)}{hint}",
        )
    elif mart.refresh_by is not None and columns[mart.refresh_by].key_position is None:
        yield (
            ("refresh_by",),
            f"is {mart.refresh_by!r}, which is not of the key: groups that are replaced one by one"
            " could not be told apart; let it be of the key",
        )
    for name, expression in mart.groups.items():
        place = ("groups", name)
        if name not in mart.inputs:
            hint = did_you_mean(name, mart.inputs)
            yield place, f"{name!r} is no input; allowed are {choice(mart.inputs)}{hint}"
        elif name.startswith(f"{LINKS}."):
            yield place, "links don't tell their changes; leave it out, and they are read whole"
        elif name in readable:
            for message in _expression_faults(readable[name], expression):
                yield place, message


def _of_restricted(mart: Mart, readable: Mapping[str, Readable]) -> Iterator[tuple[Place, str]]:
    """``shows`` and ``reads_restricted`` name pseudonyms of inputs."""
    inputs = [readable[name] for name in mart.inputs if name in readable]
    if len(inputs) < len(set(mart.inputs)):
        return
    pseudonyms = {f"{one.id}.{name}" for one in inputs for name in one.restricted}
    for field, said in (("shows", mart.shows), ("reads_restricted", mart.reads_restricted)):
        for index, name in enumerate(said):
            if name not in pseudonyms:
                hint = did_you_mean(name, pseudonyms)
                yield (
                    (field, index),
                    f"{name!r} is no restricted column of an input; allowed are"
                    f" {choice(sorted(pseudonyms))}{hint}",
                )
    hidden = [c.name for c in mart.columns if c.protection is not None]
    if hidden and not mart.shows:
        yield (
            ("shows",),
            f"is missing: column {hidden[0]!r} is restricted, so it must name the pseudonym that"
            " the mart gives out, such as 'health.visits.citizen_id'",
        )
    if mart.is_query:
        if mart.reads_restricted:
            yield ("reads_restricted",), "goes with a function; a query is judged by its text"
        return
    for name in mart.shows:
        if name in pseudonyms and name not in mart.reads_restricted:
            yield (
                ("reads_restricted",),
                f"does not name {name}, which the mart shows: a function is handed the restricted"
                " columns that stand here, and no others",
            )
    if mart.shows and not hidden:
        yield (
            ("shows",),
            "is said, but no column of the mart is restricted; let the one that holds it be so,"
            " with {protect: pseudonym}",
        )


def _of_behind(mart: Mart, readable: Mapping[str, Readable]) -> Iterator[tuple[Place, str]]:
    """``behind`` says of columns of the mart how their rows are found and what these give."""
    columns = [column.name for column in mart.columns]
    for name, behind in mart.behind.items():
        if name not in columns:
            hint = did_you_mean(name, columns)
            yield ("behind", name), f"is no column of the mart; allowed are {choice(columns)}{hint}"
        if behind.input not in mart.inputs:
            hint = did_you_mean(behind.input, mart.inputs)
            message = f"is {behind.input!r}; allowed is an input: {choice(mart.inputs)}{hint}"
            yield ("behind", name, "input"), message
        elif behind.input in readable:
            one = readable[behind.input]
            for word in ("where", "gives", "when"):
                sql = getattr(behind, word)
                for message in _where_faults(mart, one, sql):
                    yield ("behind", name, word), message


def _expression_faults(one: Readable, expression: str) -> Iterable[str]:
    """A group is an expression of one row, so it reads nothing else either."""
    try:
        query = Query(f"SELECT ({expression}) FROM {one.name}")
    except UnreadableQuery as error:
        return [f"is {expression!r}: {error}"]
    found = [f"is {expression!r}: {told.message}" for told in query.faults([one.name])]
    found += _unknown_columns(one, query)
    if not found and not query.used:
        found.append(f"is {expression!r}, which names no column of {one.id}")
    bare = TEXT.sub("''", expression)
    if ";" in bare or FICKLE.search(bare) or _MORE_THAN_A_ROW.search(bare):
        found.append(f"is {expression!r}; it should hang on one row of {one.id} alone")
    return found


def _where_faults(mart: Mart, one: Readable, where: str) -> Iterable[str]:
    """SQL over rows of an input, with the values of a row of the mart."""
    bare = TEXT.sub("''", where)
    named = _KEY.findall(bare)
    columns = [column.name for column in mart.columns]
    found = []
    for name in dict.fromkeys(named):
        if name not in columns:
            hint = did_you_mean(name, columns)
            found.append(
                f"names :{name}; allowed are the columns of the mart, as"
                f" {choice(f':{column}' for column in columns)}{hint}"
            )
    try:
        query = Query(f"SELECT 1 FROM {one.name} WHERE ({_KEY.sub('NULL', where)})")
    except UnreadableQuery as error:
        return [*found, f"is {where!r}: {error}"]
    found += [f"is {where!r}: {told.message}" for told in query.faults([one.name])]
    return [*found, *_unknown_columns(one, query)]


def _unknown_columns(one: Readable, query: Query) -> Iterator[str]:
    known = {name.lower() for name in one.columns}
    for name in query.used:
        if name.lower() not in known and not name.startswith("_"):
            hint = did_you_mean(name, one.columns)
            yield f"{one.id} serves no column {name!r}; allowed are {choice(one.columns)}{hint}"
