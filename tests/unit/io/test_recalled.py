"""Which commits the ledger may not have heard of, and what is read of them."""

from __future__ import annotations

from typing import Any

from civiclake.io.lake.delta_log import Commit, read_said
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.ledger import Circumstances, Entry, Recorder
from civiclake.io.ops.recall import read, said, unheard


def commit(version: int, told: dict[str, Any], rows: int = 0, operation: str = "MERGE") -> Commit:
    return Commit(version, operation, {}, rows, 0, told)


def entry(batch_id: str) -> Entry:
    result = BatchResult(dataset="a.b", batch_id=batch_id, attempt=2, status="failed")
    return Entry(result, Recorder(), Circumstances("1.2.0", "r", None, "2016-01-02"))


def test_what_a_commit_says_is_the_try_that_made_it() -> None:
    counted = BatchResult(
        dataset="a.b", batch_id="b2", attempt=2, status="failed", read=9, inserted=3, updated=2,
        unchanged=4, deleted=1, corrected=2, revoked=1,
    )  # fmt: skip
    told = {**said(entry("b2"), counted), "token": 7}
    found = read(commit(5, told))
    result = found.result
    assert (result.status, result.batch_id, result.attempt) == ("merged", "b2", 2)
    assert (result.read, result.inserted, result.updated, result.deleted) == (5, 3, 2, 1)
    assert (result.unchanged, result.quarantined, result.balances) == (0, 0, True)
    assert ("kind", "corrected", 2, 0.0) in found.recorder.outcomes
    assert ("account", "inserted", 3, 0.0) in found.recorder.outcomes
    assert (found.by.token, found.by.contract_version, found.by.watermark_to) == (
        7, "1.2.0", "2016-01-02",
    )  # fmt: skip
    mart = read(commit(5, {**said(entry("n1")), "token": 7}, rows=11))
    assert (mart.result.read, mart.result.inserted) == (11, 11)


def test_only_what_was_committed_since_the_ledger_was_complete_is_looked_at() -> None:
    account = said(entry("b"))
    history = [
        commit(9, {}, operation="OPTIMIZE"),
        commit(8, {"token": 8, "undoes": 7}, operation="RESTORE"),
        commit(7, {**account, "token": 7}),
        commit(6, {"words": "by hand"}),
        commit(5, {**account, "token": 5}),
        commit(4, {"batch_id": "b", "attempt": 1, "token": 4}),  # of a former version
        commit(3, {**account, "token": 3}),
        commit(2, {**account, "token": 2}),
    ]
    assert [c.version for c in unheard(history, -1)] == [5, 3, 2]
    assert [c.version for c in unheard(history, 3)] == [5]
    assert list(unheard(history, 7)) == []


def test_words_that_a_person_left_in_a_commit_are_no_account() -> None:
    for text in (None, "", "as Ana asked", "[1]", '"x"', '{"token'):
        assert read_said(text) == {}
    assert read_said('{"token": 3}') == {"token": 3}
