"""Sending alerts by Airflow's notifiers: each once, and again and again until it is gone.

Which connection: that of the owner (a contract's ``support`` entry ``airflow:<connection>``), else
that of ``[alerts]`` in ``conf/``. What was sent stands in ``<state>/run/alerts-told.json``; what
stands in ``alerts.jsonl`` and not there waits.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nightly import messages
from nightly.places import state_dir
from nightly.plan import CityPlan

log = logging.getLogger(__name__)

Line = Mapping[str, Any]
_BEFORE = timedelta(hours=1)
"""Alerts written before a connection was there are not sent, but for those just before."""
_KEPT = timedelta(days=60)
_ADDRESS = re.compile(r"[^\s<>,;\"'()]+@[^\s<>,;\"'()]+")


def connection_of(line: Line) -> str:
    """Airflow connection by which an alert is to be sent; nothing without one."""
    return str(line.get("channel") or city_connection())


def city_connection() -> str:
    """The connection of all owners that have none of their own; nothing without one."""
    return os.environ.get("CIVICLAKE_ALERTS__CONNECTION") or ""


def owners_connections(city: CityPlan) -> dict[str, list[str]]:
    """Connections that owners have for themselves, with their names."""
    found: dict[str, list[str]] = {}
    owners = [d.answers for p in city.departments for d in p.datasets]
    for owner in dict.fromkeys([*owners, *(mart.answers for mart in city.marts)]):
        if owner.channel:
            found.setdefault(owner.channel, []).append(owner.name)
    return found


def addresses(contact: str) -> list[str]:
    """The mail addresses in a contact."""
    return _ADDRESS.findall(contact.replace("mailto:", " "))


def recipients(line: Line) -> list[str]:
    """Who gets an alert by mail: its owner, else the city's operators."""
    operators = os.environ.get("CIVICLAKE_ALERTS__OPERATORS") or ""
    return addresses(str(line.get("contact") or "")) or addresses(operators)


def waiting() -> list[Line]:
    """Alerts that are to be sent and were not yet, oldest first."""
    from nightly import alerts

    told = _read()
    since = datetime.fromisoformat(told["since"]) if told["since"] else datetime.now(UTC) - _BEFORE
    return [
        line
        for line in alerts.written()
        if connection_of(line) and _at(line) >= since and digest(line) not in told["told"]
    ]


def words(city: CityPlan) -> list[str]:
    """Who is told how, and what waits, for people."""
    left = waiting()
    if not left:
        return ways(city)
    since = f"{_at(left[0]).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return [*ways(city), f"{len(left)} alerts wait to be sent, the oldest since {since}"]


def ways(city: CityPlan) -> list[str]:
    """Who is told how."""
    found = [
        f"{', '.join(names)}: told by the Airflow connection {name}"
        for name, names in sorted(owners_connections(city).items())
    ]
    connection, others = city_connection(), "all others" if found else "owners"
    if connection:
        found.append(f"{others}: told by the Airflow connection {connection}")
    else:
        found.append(
            f"{others}: not told, for no connection is configured; alerts are lines of"
            " run/alerts.jsonl"
        )
    return found


def tell_waiting(first: Sequence[Line] = ()) -> bool:
    """Send what waits, these first; whether none of these waits any more.

    It raises nothing: whoever has an alert to write must not fail of its sending.
    """
    if first and not any(connection_of(line) for line in first):
        return True
    try:
        with _alone() as told:
            left = _send_all(told, [*first, *waiting()])
    except (OSError, ValueError) as error:
        log.warning("alerts wait: %s can't be written: %s", _told_file(), error)
        return False
    return not any(digest(line) in left for line in first if connection_of(line))


def digest(line: Line) -> str:
    """What tells an alert from all others."""
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()[:24]


def _send_all(told: dict[str, Any], lines: Sequence[Line]) -> dict[str, str]:
    """Send each that was not; what is left, and why."""
    left: dict[str, str] = {}
    down: dict[str, str] = {}
    for line in lines:
        key, connection = digest(line), connection_of(line)
        if not connection or key in told["told"] or key in left:
            continue
        if connection in down:
            left[key] = down[connection]
            continue
        try:
            messages.send(connection, line, recipients(line), key)
        except messages.NotSent as error:
            left[key] = str(error)
            if error.is_down:
                down[connection] = str(error)
        else:
            told["told"][key] = datetime.now(UTC).isoformat()
            _write(told)  # at once: what follows may fail, and this one is not to be sent twice
    for reason in dict.fromkeys(left.values()):
        log.warning("%d alerts wait to be sent: %s", list(left.values()).count(reason), reason)
    return left


@contextmanager
def _alone() -> Iterator[dict[str, Any]]:
    """What was sent so far, while nobody else sends."""
    path = _told_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed with its holder, whose sending has a time limit
        told = _read()
        if not told["since"]:
            told["since"] = (datetime.now(UTC) - _BEFORE).isoformat()
            _write(told)
        yield told


def _read() -> dict[str, Any]:
    """What was sent; of a file that can't be read nothing is known, so that nothing is lost."""
    path = _told_file()
    try:
        found = json.loads(path.read_text())
        since = datetime.fromisoformat(found["since"]).isoformat()
        return {"since": since, "told": dict(found["told"])}
    except FileNotFoundError:
        return {"since": "", "told": {}}
    except (ValueError, KeyError, TypeError) as error:
        log.warning(
            "%s can't be read (%s): alerts of the last hour may be sent once more; wanted is the"
            " JSON that this program wrote there", path, error,
        )  # fmt: skip
        return {"since": "", "told": {}}


def _write(told: Mapping[str, Any]) -> None:
    """Whole, or not at all."""
    path = _told_file()
    oldest = (datetime.now(UTC) - _KEPT).isoformat()
    kept = {key: at for key, at in told["told"].items() if at >= oldest}
    since = max(told["since"], oldest)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps({"since": since, "told": kept}, indent=1))
    fresh.replace(path)


def _at(line: Line) -> datetime:
    try:
        found = datetime.fromisoformat(str(line["at"]))
    except (KeyError, ValueError):
        return datetime.now(UTC)  # whoever wrote it: it is told rather than not
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _told_file() -> Path:
    return state_dir() / "run" / "alerts-told.json"
