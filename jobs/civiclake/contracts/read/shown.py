"""Which restricted columns a query gives out, followed through its subqueries.

A pseudonym may be counted, compared, joined and grouped by; to give it out is to publish a person
as one row, which a mart has to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from civiclake.contracts.read.query import Query

_TELLS_NOTHING = (exp.Count, exp.CountIf, exp.ApproxDistinct, exp.Predicate)
"""What is made of a column in these is a number or a yes."""


@dataclass(frozen=True)
class TableColumns:
    """What is known of one input's table."""

    served: tuple[str, ...]
    restricted: frozenset[str] = frozenset()
    """Those of them that are pseudonyms of what is restricted."""
    dropped: frozenset[str] = frozenset()
    """Restricted columns of the contract that stop at ``protect``."""


def shown_columns(
    query: Query, tables: Mapping[str, TableColumns], wanted: str | None = None
) -> set[tuple[str, str]]:
    """Restricted columns, as (table, column), whose values the query gives out.

    Args:
        query: it reads these tables alone.
        tables: by name with layer, such as ``unified.health_visits``.
        wanted: one of the query's columns, by name; None means all of them.
    """
    schema: dict[str, dict[str, object]] = {}
    for name, known in tables.items():
        layer, _, table = name.partition(".")
        schema.setdefault(layer, {})[table] = dict.fromkeys(known.served, "string")
    try:
        tree = qualify(
            query.tree.copy(), schema=dict(schema), dialect="spark",
            validate_qualify_columns=False, identify=False,
        )  # fmt: skip
        scope = build_scope(tree)
    except SqlglotError:  # what can't be followed is judged by its names alone
        return set(_by_name(query, tables))
    return _Follower(tables).of(scope, wanted) if scope else set(_by_name(query, tables))


def named_columns(query: Query, names: Collection[str]) -> set[str]:
    """Those of the names that the query uses for a column which nothing in it defines."""
    made = {alias.alias.lower() for alias in query.tree.find_all(exp.Alias)}
    made |= {column.name.lower() for alias in query.tree.find_all(exp.TableAlias)
             for column in alias.columns}  # fmt: skip
    used = {column.name.lower() for column in query.tree.find_all(exp.Column)}
    return {name for name in names if name.lower() in used - made}


def _by_name(query: Query, tables: Mapping[str, TableColumns]) -> Iterator[tuple[str, str]]:
    for select in query.tree.find_all(exp.Select):
        for column in (found for one in select.selects for found in _given(one)):
            for table, known in tables.items():
                hit = known.restricted if isinstance(column.this, exp.Star) else (
                    name for name in known.restricted if name.lower() == column.name.lower()
                )  # fmt: skip
                yield from ((table, name) for name in hit)


def _given(projection: exp.Expr) -> Iterator[exp.Column]:
    """Columns whose values a projection hands on."""
    if isinstance(projection, _TELLS_NOTHING):
        return
    if isinstance(projection, exp.Star):
        yield exp.Column(this=projection.copy())
    elif isinstance(projection, exp.Column):
        yield projection
    elif isinstance(projection, exp.Window):  # by what it is parted and ordered, it does not give
        yield from _given(projection.this)
    elif isinstance(projection, exp.If):
        for branch in (projection.args.get("true"), projection.args.get("false")):
            if branch is not None:
                yield from _given(branch)
    elif not isinstance(projection, exp.Query):
        for child in projection.iter_expressions():
            yield from _given(child)


class _Follower:
    """Follows columns from a query's own down to its tables."""

    def __init__(self, tables: Mapping[str, TableColumns]) -> None:
        self._tables = {name.lower(): (name, columns) for name, columns in tables.items()}
        self._seen: set[tuple[int, str | None]] = set()

    def of(self, scope: Scope, wanted: str | None = None) -> set[tuple[str, str]]:
        """Restricted columns in what a scope gives: in one of its columns, or in any.

        Args:
            scope: a query, and what its names stand for.
            wanted: the column, by name; None means all.
        """
        if (id(scope), wanted) in self._seen:
            return set()
        self._seen.add((id(scope), wanted))
        found: set[tuple[str, str]] = set()
        if scope.set_operation_scopes:
            for branch in scope.set_operation_scopes:
                found |= self.of(branch)  # columns of a union are matched by place, not by name
            return found
        if not isinstance(scope.expression, exp.Query):  # rows made by a function or LATERAL
            for column in scope.expression.find_all(exp.Column):
                found |= self._of_column(scope, column)
            return found
        for projection in scope.expression.selects:
            if wanted is None or projection.alias_or_name.lower() in (wanted.lower(), "*"):
                found |= self._of_projection(scope, projection)
        return found

    def _of_projection(self, scope: Scope, projection: exp.Expr) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for column in _given(projection):
            found |= self._of_column(scope, column)
        inner = {id(query.expression): query for query in scope.subquery_scopes}
        for node in projection.find_all(exp.Query):
            if id(node) in inner and not node.find_ancestor(exp.Predicate):
                found |= self.of(inner[id(node)])
        return found

    def _of_column(self, scope: Scope, column: exp.Column) -> set[tuple[str, str]]:
        name = None if isinstance(column.this, exp.Star) else column.name
        source = scope.sources.get(column.table)
        outer = scope.parent
        while source is None and outer is not None and column.table:
            source, outer = outer.sources.get(column.table), outer.parent
        if isinstance(source, Scope):
            return self.of(source, name)
        if isinstance(source, exp.Table):
            return self._of_table(f"{source.db}.{source.name}", name)
        return {hit for table in self._tables for hit in self._of_table(table, name)}

    def _of_table(self, table: str, name: str | None) -> set[tuple[str, str]]:
        shown, known = self._tables.get(table.lower(), (table, TableColumns(())))
        hits = (c for c in known.restricted if name is None or c.lower() == name.lower())
        return {(shown, hit) for hit in hits}
