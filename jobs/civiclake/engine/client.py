"""A small client of the analysts' door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

from pyhive import exc, hive
from thrift.Thrift import TException

from civiclake.errors import EngineError, UserError
from civiclake.local.process import port_open
from civiclake.settings import Settings

_BATCH = 1000
Row = tuple[Any, ...]


def query(
    settings: Settings, sql: str, user: str, password: str
) -> tuple[list[str], Iterator[Row]]:
    """Run one statement as that analyst: the columns, and the rows as they come.

    Raises:
        EngineError: the server does not answer.
        UserError: the login or the statement is refused, or the statement is wrong; one
            sentence.
    """
    connection = _connect(settings, user, password)
    try:
        cursor = connection.cursor(arraysize=_BATCH)
        cursor.execute(sql.strip().rstrip(";"))
        described = cursor.description or ()
    except (exc.Error, TException, OSError) as error:
        connection.close()
        raise UserError(sentence(error)) from None
    dates = [i for i, column in enumerate(described) if column[1] == "DATE_TYPE"]
    rows = _rows(connection, cursor if described else None, dates)
    return [str(column[0]) for column in described], rows


def _connect(settings: Settings, user: str, password: str) -> Any:
    host, port = settings.engine.host, settings.engine.sql_port
    if not user or not password:
        raise UserError("wrong user name or password: both must be given")
    if not port_open(host, port):
        raise EngineError(
            f"the sql engine does not answer at {host}:{port}: run `civiclake engine up`"
        )
    try:
        return hive.connect(host=host, port=port, username=user, password=password, auth="CUSTOM")
    except (exc.Error, TException, OSError) as error:
        said = str(error)
        if "Error validating" in said or "user name or password" in said:
            raise UserError(f"wrong user name or password for {user!r}") from None
        raise EngineError(f"no session at {host}:{port}: {sentence(error)}") from None


def _rows(connection: Any, cursor: Any, dates: list[int]) -> Iterator[Row]:
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
                for place in dates:  # the driver leaves dates as text
                    values[place] = values[place] and date.fromisoformat(values[place])
                yield tuple(values)


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
