"""The engines of this machine, and how each is started."""

from __future__ import annotations

from collections.abc import Callable

from civiclake.engine import cluster, connect_server, sql_server
from civiclake.engine.service import Service
from civiclake.settings import Settings

START_TIMEOUT_S = 120.0


def services(settings: Settings) -> list[tuple[Service, Callable[[Settings], None]]]:
    """Each with the function that starts it, in the order in which they need each other; only the
    analysts' where jobs run elsewhere."""
    found: list[tuple[Service, Callable[[Settings], None]]] = []
    if settings.engine.remote is None:
        found += cluster.services(settings)
        found.append((connect_server.service(settings), connect_server.start))
    found.append((sql_server.service(settings), sql_server.start))
    return found
