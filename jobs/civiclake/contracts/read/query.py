"""What a query reads: judged by a parser of Spark's SQL, not by the look of its text.

Only a plain query over named tables of ``unified`` and ``marts`` passes. Everything that could read
something else (a path, another layer, a name that is made at run time, a function that runs code)
is refused by its kind. The jobs' engine holds the plan against the same list once more, when Spark
itself has resolved it (``jvm/``: QueryReads).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from civiclake.contracts.read.faults import choice, did_you_mean

_TABLE_FUNCTIONS = {
    "range", "sequence", "explode", "explode_outer", "posexplode", "posexplode_outer", "inline",
    "inline_outer", "stack", "json_tuple",
}  # fmt: skip
"""They make rows of their arguments, and read nothing."""
_RUN_CODE = {
    "reflect", "java_method", "try_reflect", "identifier", "input_file_name",
    "input_file_block_start", "input_file_block_length", "table_changes", "read_files",
    "from_avro", "to_avro", "schema_of_avro", "from_protobuf", "to_protobuf", "python_worker_logs",
}  # fmt: skip
"""They run code, make names at run time, or tell of files."""
_SUBSTITUTED = re.compile(r"\$\{")
"""Spark puts settings and variables of its environment there before it parses."""


@dataclass(frozen=True)
class QueryFault:
    """What is wrong, and where in the text."""

    line: int | None
    message: str

    def told(self, file: str) -> str:
        """The sentence, with its place."""
        return f"{self.place(file)}: {self.message}"

    def place(self, file: str) -> str:
        """The file, and the line where it is known."""
        return file if self.line is None else f"{file}:{self.line}"


class Query:
    """One parsed query.

    Args:
        text: as a person wrote it.

    Raises:
        UnreadableQuery: it is not one query that can be read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = _parsed(text)
        self._ctes = {cte.alias.lower(): cte for cte in self.tree.find_all(exp.CTE)}

    def faults(self, tables: Collection[str]) -> list[QueryFault]:
        """What it does beside reading these tables.

        Args:
            tables: names with layer, such as ``unified.health_visits``.
        """
        found = [*self._foreign_tables(tables), *self._closed_kinds()]
        for name, cte in self._ctes.items():
            if name in {table.lower().partition(".")[2] for table in tables}:
                message = f"WITH names {name}, as an input is named; give it another name"
                found.append(QueryFault(_line(cte), message))
        return sorted(set(found), key=lambda fault: (fault.line or 0, fault.message))

    @property
    def columns(self) -> list[str] | None:
        """Names that it gives its columns; None where a star stands for some."""
        names = [name for name in self.tree.named_selects if name]
        return names if names and "*" not in names else None

    @property
    def used(self) -> list[str]:
        """Names of all columns that it uses, each once."""
        return list(dict.fromkeys(column.name for column in self.tree.find_all(exp.Column)))

    @property
    def tables(self) -> list[str]:
        """Names with layer of the tables that it reads, each once."""
        found = (f"{t.db}.{t.name}".lower() for t in self.tree.find_all(exp.Table) if t.db)
        return list(dict.fromkeys(found))

    @property
    def has_own_names(self) -> bool:
        """Whether it names columns itself that it then uses: those of a WITH or of a subquery."""
        return bool(self._ctes) or self.tree.find(exp.Subquery) is not None

    @property
    def is_union(self) -> bool:
        """Whether its columns come from several queries, by their places."""
        return self.tree.find(exp.SetOperation) is not None

    def bound(self, tables: Collection[str]) -> str:
        """The same text with the layer taken away before these tables, and nowhere else.

        Args:
            tables: names with layer; views of the session have these names without it.
        """
        known = {table.lower() for table in tables}
        cuts = set()
        for node in self.tree.find_all(exp.Table, exp.Column):
            layer = node.args.get("db")
            name = node.this if isinstance(node, exp.Table) else node.args.get("table")
            if not (isinstance(layer, exp.Identifier) and isinstance(name, exp.Identifier)):
                continue
            if f"{layer.name}.{name.name}".lower() in known:
                cuts.add((layer.meta["start"], name.meta["start"]))
        text = self.text
        for start, end in sorted(cuts, reverse=True):
            text = text[:start] + text[end:]
        return text

    def renamed(self, names: Mapping[str, str]) -> str:
        """The same text with these tables read by other names, or at a version.

        Args:
            names: what stands for a table, by its name with layer.
        """
        cuts = []
        for table in self.tree.find_all(exp.Table):
            layer, name = table.args.get("db"), table.this
            known = names.get(f"{table.db}.{table.name}".lower())
            if known is not None and isinstance(layer, exp.Identifier):
                cuts.append((layer.meta["start"], name.meta["end"] + 1, known))
        text = self.text
        for start, end, known in sorted(cuts, reverse=True):
            text = text[:start] + known + text[end:]
        return text

    def _foreign_tables(self, tables: Collection[str]) -> Iterator[QueryFault]:
        known = {table.lower() for table in tables}
        shown = sorted(tables)
        for table in self.tree.find_all(exp.Table):
            if table.find_ancestor(exp.Hint):
                continue  # it names what is read elsewhere
            said, name = _said(table), table.name.lower()
            if not isinstance(table.this, exp.Identifier):
                if _function(table.this) not in {*_TABLE_FUNCTIONS, *_RUN_CODE}:
                    message = (
                        f"reads {said}; allowed are its inputs alone, as {choice(shown)}, and the"
                        f" table functions {choice(sorted(_TABLE_FUNCTIONS))}"
                    )
                    yield QueryFault(_line(table), message)
            elif table.catalog or f"{table.db}.{name}".lower() not in known:
                if not table.db and not table.catalog and name in self._ctes:
                    continue
                hint = did_you_mean(said, shown)
                message = f"reads {said}; allowed are its inputs alone, as {choice(shown)}{hint}"
                yield QueryFault(_line(table), message)
            elif table.args.get("version") or table.args.get("when"):
                message = (
                    f"reads {said} AS OF a version or a time; leave that out: all inputs are read"
                    " at the versions that the mart's commit writes down"
                )
                yield QueryFault(_line(table), message)

    def _closed_kinds(self) -> Iterator[QueryFault]:
        for node in self.tree.walk():
            if isinstance(node, (exp.DML, exp.DDL, exp.Command, exp.QueryTransform)) and not (
                isinstance(node, exp.Query)
            ):
                what = "TRANSFORM" if isinstance(node, exp.QueryTransform) else node.key.upper()
                yield QueryFault(_line(node), f"holds {what}; allowed is a query (SELECT, WITH)")
            elif isinstance(node, exp.Func) and _function(node) in _RUN_CODE:
                message = (
                    f"calls {_function(node)}, which runs code or reads what no input names; leave"
                    " it out"
                )
                yield QueryFault(_line(node), message)


class UnreadableQuery(Exception):
    """It is not one query that can be read; ``fault`` says why."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.fault = QueryFault(line, message)


def _parsed(text: str) -> exp.Query:
    substituted = _SUBSTITUTED.search(text)
    if substituted:
        line = text.count("\n", 0, substituted.start()) + 1
        raise UnreadableQuery(line, "holds '${', where Spark would put a setting; leave it out")
    try:
        found = [tree for tree in sqlglot.parse(text, dialect="spark") if tree is not None]
    except SqlglotError as error:
        told: dict[str, Any] = (getattr(error, "errors", None) or [{}])[0]
        near = f" near {told['highlight']!r}" if told.get("highlight") else ""
        said = str(told.get("description") or error).partition("\n")[0].rstrip(".")
        message = f"the query can't be read{near}: {said}; allowed is one query in Spark's SQL"
        raise UnreadableQuery(told.get("line"), message) from None
    if len(found) == 1 and isinstance(found[0], exp.Query):
        return found[0]
    what = " and ".join(tree.key.upper() for tree in found[:3]) or "nothing"
    raise UnreadableQuery(None, f"holds {what}; allowed is one query (SELECT, WITH)")


def _function(node: Any) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else str(node.key)


def _said(table: exp.Table) -> str:
    """A table as it was named, without alias and what else hangs on it."""
    parts = table.parts
    return ".".join(part.sql(dialect="spark") for part in parts)[:200]


def _line(node: exp.Expr) -> int | None:
    """Where it begins, as far as the parser keeps that: of the first word below it."""
    lines = [found.meta["line"] for found in node.walk() if "line" in found.meta]
    return min(lines, default=None)
