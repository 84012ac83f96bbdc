"""A person's rules on a mart, judged by Great Expectations as a dataset's are."""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame

from civiclake.contracts.model import Mart
from civiclake.errors import BatchHeld
from civiclake.io.ops.ledger import Entry
from civiclake.io.verdict import data_docs, gx
from civiclake.settings import Settings

log = logging.getLogger(__name__)


def take_verdict(settings: Settings, mart: Mart, frame: DataFrame, entry: Entry) -> None:
    """Let Great Expectations judge what is to be written; its page is kept whatever it says.

    Where a mart is refreshed by groups, these are the rows of the groups that changed: as a
    dataset's suite judges a delivery, and not the table.

    Raises:
        BatchHeld: a critical rule failed, or could not be judged.
    """
    rules = tuple(rule for rule in mart.rules if rule.origin == "suite")
    if not rules:
        return
    verdict = gx.judge(frame, mart.model_copy(update={"rules": rules}), entry.result.batch_id)
    page = data_docs.write(settings.data_docs_dir, mart, entry.result.batch_id, verdict.page)
    entry.result.data_docs = str(page)
    for found in verdict.rules:
        if not found.success and found.error is None:
            rows = found.unexpected_rows or 0
            entry.recorder.count("rule", found.rule.id, rows)
            entry.result.warnings[found.rule.id] = rows
    problems = gx.holding(verdict, ())
    if problems:
        raise BatchHeld(
            f"marts.{mart.name} is held and its last figures stay served: {'; '.join(problems)};"
            f" ask {mart.owner.name} ({mart.owner.contact}), or correct the rule and run it again"
        )
