"""What MariaDB's and MySQL's driver reports, as sentences that name an owner and no password."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import pymysql
from pymysql.constants import CR, ER

from civiclake.contracts.model import Dataset
from civiclake.io.sources import tls
from civiclake.io.sources.tables import Fault, sentence

_FAULTS = {
    ER.ACCESS_DENIED_ERROR: Fault.LOGIN,
    ER.DBACCESS_DENIED_ERROR: Fault.NO_DATABASE,
    ER.BAD_DB_ERROR: Fault.NO_DATABASE,
    ER.TABLEACCESS_DENIED_ERROR: Fault.FORBIDDEN,
    ER.COLUMNACCESS_DENIED_ERROR: Fault.FORBIDDEN,
    ER.VIEW_INVALID: Fault.FORBIDDEN,
    ER.NO_SUCH_TABLE: Fault.MISSING,
    ER.BAD_FIELD_ERROR: Fault.MISSING,
    ER.TABLE_DEF_CHANGED: Fault.MISSING,
    ER.CON_COUNT_ERROR: Fault.UNREACHABLE,
    ER.SERVER_SHUTDOWN: Fault.UNREACHABLE,
    ER.LOCK_WAIT_TIMEOUT: Fault.UNREACHABLE,
    ER.LOCK_DEADLOCK: Fault.UNREACHABLE,
    CR.CR_SSL_CONNECTION_ERROR: Fault.TLS,
}
_FIRST_OF_CLIENT, _LAST_OF_CLIENT = 2000, 2999
"""Numbers of what the client finds by itself: no connection, or a lost one."""
_KILLED = 1927


@contextlib.contextmanager
def translated(dataset: Dataset) -> Iterator[None]:
    """Turn the driver's errors inside the block into ours."""
    try:
        yield
    except pymysql.err.MySQLError as error:
        beneath = getattr(error, "original_exception", None)
        if isinstance(beneath, ssl.SSLError):
            raise sentence(dataset, Fault.TLS, tls.reason(beneath)) from None
        raise sentence(dataset, _fault(number(error)), _text(error)) from None


def number(error: pymysql.err.MySQLError) -> int:
    """The error's number; 0 when it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def _fault(code: int) -> Fault:
    if code in _FAULTS:
        return _FAULTS[code]
    if code in (0, _KILLED) or _FIRST_OF_CLIENT <= code <= _LAST_OF_CLIENT:
        return Fault.UNREACHABLE
    return Fault.REFUSED


def _text(error: pymysql.err.MySQLError) -> str:
    return str(error.args[1]) if len(error.args) > 1 else str(error)
