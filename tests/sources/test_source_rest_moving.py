"""Rows that move while somebody pages: which records count, and when a walk begins again."""

from __future__ import annotations

import pytest
from rest_trees import IDS, pages, tree, trees
from source_city import COLUMNS, UPDATED, Api, City
from source_refusals import refused

from civiclake.errors import SourceError

__all__ = ["trees"]


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_record_that_moves_to_the_next_page_counts_once(city: City, api: Api, style: str) -> None:
    api.plan("", {"first": [tree("t00", 11)]})
    dataset = city.api(style, {"total": None}, load="snapshot")
    manifest = city.extract(dataset, "n1")
    assert city.ids(manifest) == IDS
    assert sum(page["records"] for page in pages(city)) == 11
    assert manifest.folded == {"identical_rows": 1}


def test_of_two_versions_the_newest_counts(city: City, api: Api) -> None:
    newer = tree("t04", 11, species="elm")
    api.plan("", {"delete": ["t04"], "first": [tree("t00")], "last": [newer]})
    manifest = city.extract(city.api("page", {"total": None}), "n1")
    found = {row[0]: row[1] for row in city.records(manifest)}
    assert found["t04"] == "elm"
    assert manifest.folded == {"differing_rows": 1}
    api.put([tree(name) for name in IDS])
    api.plan("", {"last": [tree("t01", 9, species="elm")]})
    again = city.extract(city.api("page", {"total": None}), "n2")
    assert {row[0]: row[1] for row in city.records(again)}["t01"] == "oak"


def test_records_that_share_a_key_are_counted_and_told(
    city: City, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.put([tree("t01"), tree("t01"), tree("t01", height=9), tree("t02"), tree("t02", 9)])
    manifest = city.extract(city.api("whole"), "n1")
    # Of the same time the last one counts: the first two t01 are other, the older t02 is, too.
    assert manifest.folded == {"differing_rows": 3}
    assert "3 records of one walk have a key that came before (0 the same, 3 other)" in caplog.text
    assert city.landing.manifest(manifest.dataset, "n1") == manifest
    api.put([tree(name) for name in IDS])
    assert city.extract(city.api("page"), "n2").folded == {}


def test_of_a_change_log_every_entry_counts_once(city: City, api: Api) -> None:
    operation = {"name": "op", "logicalType": "string", "required": True}
    dataset = city.api(
        "page", {"total": None}, load="changes", columns=[*COLUMNS, UPDATED, operation],
        operation="op", operations={"I": "insert", "D": "delete"},
    )  # fmt: skip
    log = [tree(name, 8, op="I") for name in IDS[:4]]
    log += [tree("t01", 9, op="D"), tree("t01", 10, op="I"), tree("t02", 10, op="D")]
    api.put(log)
    # One more at the front pushes the last of each page onto the next one.
    api.plan("", {"first": [tree("t00", 8, op="I")]})
    first = city.commit(dataset, "n1")
    wanted = [(e["tree_id"], e["updated_at"], e["op"]) for e in log]
    found = [(row[0], *row[-2:]) for row in city.records(first)]
    assert sorted(entry for entry in found if entry[0] != "t00") == sorted(wanted)
    assert first.watermark_to == "2026-01-01T10:00:00Z"
    api.put([*log, tree("t01", 12, op="D")])
    second = city.commit(dataset, "n2")  # with an hour's overlap
    assert sorted((row[0], row[-1]) for row in city.records(second)) == [
        ("t01", "D"), ("t01", "D"), ("t01", "I"), ("t02", "D"),
    ]  # fmt: skip


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_record_that_is_jumped_over_is_found_by_walking_again(
    city: City, api: Api, style: str
) -> None:
    api.plan("", {"delete": ["t01"]})  # t05 slips onto the page that was read already
    manifest = city.extract(city.api(style, load="snapshot"), "n1")
    assert city.ids(manifest) == IDS[1:]


def test_a_register_that_never_holds_still_is_refused(city: City, api: Api) -> None:
    edits = [{"delete": [IDS[n]]} for n in range(3)]
    api.plan("", edits[0], "", "", edits[1], "", edits[2])
    words = ("does not hold still", "9 records (the total went from 10 to 9), 8 records")
    refused(city, city.api("page", load="snapshot"), SourceError, *words)
