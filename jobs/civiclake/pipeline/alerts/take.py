"""After a mart's commit: its alarming rows become alerts, each told once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from civiclake.contracts.derived import answers
from civiclake.contracts.model import Alert, Manifest, Mart
from civiclake.io.lake import delta_log, tables
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import alerts
from civiclake.io.ops.alerts import AlertRow
from civiclake.local.alerts import tell_once
from civiclake.pipeline.alerts.cases import Detector, Version, all_cases
from civiclake.pipeline.alerts.decide import decide
from civiclake.settings import Settings
from civiclake.state.held import held

log = logging.getLogger(__name__)
_WAIT_S = 300.0
"""Many marts write here in a night, a second or two each."""
_HISTORY = 100


def take(
    spark: SparkSession, settings: Settings, lock: TableLock, city: Manifest, mart: Mart
) -> list[AlertRow]:
    """Bring the alerts of a mart to what its rows say now.

    It is asked after every build, whether that has changed anything: what a former one has not come
    to is made good, and what is as it was is not written.

    Args:
        spark: session on the jobs' engine.
        settings: of this installation.
        lock: the right to write the mart, and so its alerts.
        city: the compiled contracts.
        mart: its contract.

    Returns:
        The alerts that were raised, updated or closed.

    Raises:
        UserError: a rule's condition can't be computed, or far too many rows meet it.
        FencedError: another process builds the mart by now.
    """
    known = alerts.read(spark, settings, mart.id)
    if not mart.alerts and all(row.is_closed for row in known):
        return []
    version, query = _version(spark, settings, mart)
    detector = Detector(spark, settings, mart, version)
    cases = list(all_cases(detector))
    rules = {alert.name: alert for alert in mart.alerts}
    facts = {name: _facts(city, mart, alert, version, query) for name, alert in rules.items()}
    with writing_alerts(settings):
        alerts.TABLE.create(spark, settings)
        # A person may have closed one meanwhile; nobody else writes this mart's.
        known = alerts.read(spark, settings, mart.id)
        now = datetime.now(UTC)
        changed = decide(
            known, cases, rules, lambda name: facts[name],
            lambda former: detector.why(rules[former.name], former), now,
        )  # fmt: skip
        lock.check()
        there = {row.alert_id for row in known}
        for row in changed:
            if row.alert_id not in there:
                _tell(settings, row)
        alerts.write(spark, settings, changed, known)
    for row in changed:
        log.info("alert %s %s: %s", row.alert_id, row.state, row.sentence)
    return changed


@contextmanager
def writing_alerts(settings: Settings) -> Iterator[None]:
    """One writer of ``marts.alerts`` at once: several marts' builds, and persons."""
    lock = settings.locks_dir / ".marts_alerts"
    with held(settings, lock, "writing marts.alerts", timeout_s=_WAIT_S):
        yield


def _tell(settings: Settings, row: AlertRow) -> None:
    """The line comes first: broken off after it, the same alert is raised again, and not told."""
    tell_once(
        settings.run_dir,
        f"alert {row.alert_id}",
        row.sentence,
        f"See `civiclake alerts show {row.alert_id}`; then `civiclake alerts acknowledge"
        f" {row.alert_id}`, and close it with what you found.",
        dataset=row.mart,
        owner=row.owner,
        contact=row.contact,
        **({"channel": row.channel} if row.channel else {}),
    )


def _version(spark: SparkSession, settings: Settings, mart: Mart) -> tuple[Version, str]:
    """The mart's newest rows, and the digest of the step that made them."""
    for commit in delta_log.commits(spark, settings, tables.MARTS, mart.name, _HISTORY):
        if commit.operation in tables.SAME_ROWS:
            continue
        said = commit.said
        return Version(commit.version, said.get("inputs") or {}), str(said.get("query", ""))
    number = delta_log.newest(spark, settings, tables.MARTS, mart.name).version
    return Version(number, {}), ""


def _facts(
    city: Manifest, mart: Mart, alert: Alert, version: Version, digest: str
) -> Mapping[str, Any]:
    owner = answers(city, mart, alert)
    given = ", ".join(f"{name} = {value}" for name, value in mart.parameters.items())
    made = f" (digest {digest})" if digest else ""
    return {
        "mart": mart.id,
        "application": mart.application,
        "method": f"{mart.step}{made}{f' with {given}' if given else ''}; where {alert.where}",
        "inputs": json.dumps({name: mark[1] for name, mark in version.marks.items()}),
        "mart_version": version.number,
        "owner": owner.name,
        "contact": owner.contact,
        "channel": owner.channel or "",
    }
