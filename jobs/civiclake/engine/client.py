"""A small client of the analysts' door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from typing import Any

from pyhive import exc, hive
from thrift.Thrift import TException

from civiclake.engine import restarts
from civiclake.errors import EngineError, UserError
from civiclake.local.ports import port_open
from civiclake.settings import Settings

_BATCH = 1000
Row = tuple[Any, ...]


class _Cursor(hive.Cursor):  # type: ignore[misc] # the driver carries no types
    """The driver's cursor without its own reading of timestamps, which knows four-digit years."""

    @property
    def description(self) -> Any:
        """As the server describes the columns; a timestamp is the text that it comes as."""
        told = self.described
        return told and [(n, _TEXT if k == _MOMENT else k, *more) for n, k, *more in told]

    @property
    def described(self) -> Any:
        """As the server describes the columns."""
        return super().description


_TEXT, _MOMENT, _DAY = "STRING_TYPE", "TIMESTAMP_TYPE", "DATE_TYPE"
_READ: Mapping[str, Callable[[str], Any]] = {
    _MOMENT: datetime.fromisoformat,
    _DAY: date.fromisoformat,
}


def query(
    settings: Settings, sql: str, user: str, password: str
) -> tuple[list[str], Iterator[Row]]:
    """Run one statement as that analyst: the columns, and the rows as they come.

    Days and times before the year 1 or after 9999, which Spark knows and Python does not, are
    the text that Spark writes: ``+10000-01-01 04:59:59``.

    Raises:
        EngineError: the server does not answer.
        UserError: the login or the statement is refused, or the statement is wrong; one
            sentence.
    """
    connection = _connect(settings, user, password)
    try:
        cursor = _Cursor(connection, arraysize=_BATCH)
        cursor.execute(sql.strip().rstrip(";"))
        described = cursor.described or ()
    except (exc.Error, TException, OSError) as error:
        connection.close()
        raise UserError(sentence(error)) from None
    readers = {i: _READ[kind] for i, (_, kind, *_) in enumerate(described) if kind in _READ}
    rows = _rows(connection, cursor if described else None, readers)
    return [str(column[0]) for column in described], rows


def _connect(settings: Settings, user: str, password: str) -> Any:
    host, port = settings.engine.host, settings.engine.sql_port
    if not user or not password:
        raise UserError("wrong user name or password: both must be given")
    if not port_open(host, port):
        note = restarts.read(settings.run_dir, "sql").note()
        todo = f"it {note}; try again" if note else "run `civiclake engine up`"
        raise EngineError(f"the sql engine does not answer at {host}:{port}: {todo}")
    try:
        return hive.connect(host=host, port=port, username=user, password=password, auth="CUSTOM")
    except (exc.Error, TException, OSError) as error:
        said = str(error)
        if "Error validating" in said or "user name or password" in said:
            raise UserError(f"wrong user name or password for {user!r}") from None
        raise EngineError(f"no session at {host}:{port}: {sentence(error)}") from None


def _rows(
    connection: Any, cursor: Any, readers: Mapping[int, Callable[[str], Any]]
) -> Iterator[Row]:
    """Fetch batch by batch; the connection is closed at the end, or when nobody asks more."""
    with closing(connection):
        while cursor is not None:
            try:
                batch = cursor.fetchmany(_BATCH)
            except (exc.Error, TException, OSError) as error:
                raise UserError(sentence(error)) from None
            if not batch:
                return
            for row in batch:
                values = list(row)
                for place, read in readers.items():
                    values[place] = values[place] and _read(values[place], read)
                yield tuple(values)


def _read(text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError:  # a year that Python does not know
        return text


def sentence(error: BaseException) -> str:
    """What the server said, in one sentence without its Java."""
    status = getattr(error.args[0], "status", None) if error.args else None
    said = getattr(status, "errorMessage", None) or str(error)
    # Behind the sentence come the stack, the place in the statement, or the plan.
    said = re.split(r"\n\s*at |\n\nJVM stacktrace|\n== SQL|\nsqlState|;\n", said)[0]
    before = None
    while before != said:
        before = said
        said = re.sub(r"^\s*(?:[\w.$]+\.[\w$]+: |Error running query: )", "", said)
        said = re.sub(r"^\s*\[[A-Z0-9_.]+\] (?=[\w.$]+\.[\w$]+: |\[)", "", said)
    said = said.removeprefix("[CIVICLAKE_REFUSED] ")
    said = re.sub(r"\s*SQLSTATE: \w+", "", said)
    return re.sub(r"\s+", " ", said).strip().removesuffix(";") or type(error).__name__
