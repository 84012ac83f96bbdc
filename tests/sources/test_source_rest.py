"""A real HTTP server: what a walk through its pages brings, and what is refused."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_trees import IDS, pages, tree, trees
from source_city import API_LOGINS, COLUMNS, ODD_COLUMNS, ODD_NAMES, UPDATED, Api, City, assert_odd
from source_refusals import refused

from civiclake.errors import BatchHeld, ContractError, SourceError, SourceUnavailable, UserError
from civiclake.io.sources.rest import client
from civiclake.local import ports

__all__ = ["trees"]

STYLES = ["page", "offset", "cursor", "link"]
LOGINS = {
    "bearer": {"PARKS_API_TOKEN": API_LOGINS.token},
    "basic": {"PARKS_API_USER": API_LOGINS.user, "PARKS_API_PASSWORD": API_LOGINS.password},
    "api_key": {"PARKS_API_API_KEY": API_LOGINS.api_key},
}
SECRETS = (API_LOGINS.token, API_LOGINS.password, API_LOGINS.api_key)


@pytest.mark.parametrize("style", ["whole", *STYLES])
def test_every_way_of_paging_brings_every_record(city: City, api: Api, style: str) -> None:
    manifest = city.extract(city.api(style), "n1")
    assert city.ids(manifest) == IDS
    assert city.records(manifest)[0] == ["t01", "oak", "12.5", "2026-01-01T10:00:00Z"]
    assert manifest.watermark_to == "2026-01-01T10:00:00Z"
    (file,) = manifest.files
    assert (file.origin, file.as_came) == (f"{api.address}/{style}/trees", "pages/index.jsonl")
    assert [page["records"] for page in pages(city)] == ([10] if style == "whole" else [4, 4, 2])
    assert len(api.plan()) == (1 if style == "whole" else 3)
    assert city.landed() == ["n1"]


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_server_that_gives_less_than_asked_and_no_total(city: City, api: Api, style: str) -> None:
    paging = {"total": None, "size_parameter": None, "size": 500}
    manifest = city.extract(city.api(style, paging, load="snapshot"), "n1")
    assert city.ids(manifest) == IDS  # 100 a page: an empty one tells the end
    assert [page["records"] for page in pages(city)] == [10, 0]


@pytest.mark.parametrize("auth", LOGINS)
def test_every_login(
    city: City, api: Api, trees: Any, auth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put(trees, auth)
    for name, value in LOGINS[auth].items():
        monkeypatch.setenv(name, value)
    dataset = city.api("link", rest={"auth": auth}, connection="parks_api")
    manifest = city.extract(dataset, "n1")
    assert city.ids(manifest) == IDS
    folder = city.landing.batch_dir(dataset.id, "n1")
    kept = "".join(p.read_text() for p in folder.rglob("*.json*") if p.suffix != ".gz")
    assert not [secret for secret in SECRETS if secret in kept]
    *_, last = LOGINS[auth]
    monkeypatch.setenv(last, "guessed")
    refused(city, dataset, SourceError, "refuses the login (401)", last, more_secrets=SECRETS)
    monkeypatch.delenv(last)
    with pytest.raises(UserError, match=f"{last} is not set"):
        city.extract(dataset, "n2")


def test_the_next_batch_asks_for_what_is_new(city: City, api: Api, trees: Any) -> None:
    dataset = city.api("page")
    future = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    api.put([*trees, {**tree("t98"), "updated_at": future}])
    assert city.commit(dataset, "n1").watermark_to == "2026-01-01T10:00:00Z"
    api.put([*trees, tree("t11", 12), tree("old", 8), tree("late", 9)])
    api.plan()
    second = city.commit(dataset, "n2")
    assert city.ids(second) == ["late", *IDS, "t11"]  # an hour's overlap
    assert second.watermark_to == "2026-01-01T12:00:00Z"
    assert "updated_since=2026-01-01T09%3A00%3A00Z" in api.plan()[0]
    quiet = city.api("page", overlap="0s", limits={"allow_empty": True})
    api.put(trees)
    assert city.commit(quiet, "n3").rows == 0
    assert city.landing.former(dataset.id).watermark() == "2026-01-01T12:00:00Z"


def test_a_sequence_that_counts_milliseconds(city: City, api: Api) -> None:
    """As ArcGIS tells when a feature was edited."""

    def edited(name: str, at: datetime) -> dict[str, Any]:
        return {"tree_id": name, "updated_at": int(at.timestamp() * 1000)}

    old, future = datetime(2016, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=9)
    answer = {"data": [edited("t1", old), edited("t2", future)], "meta": {"total": 2}}
    api.plan("body:" + json.dumps(answer), 'body:{"data": [], "meta": {"total": 0}}')
    counted = [{"property": "civiclake", "value": {"epoch": "ms"}}]
    columns = [COLUMNS[0], {**UPDATED, "customProperties": counted}]
    dataset = city.api("page", columns=columns, limits={"allow_empty": True})
    first = city.commit(dataset, "n1")
    assert city.ids(first) == ["t1", "t2"]
    assert first.watermark_to == "1451606400000"
    assert city.extract(dataset, "n2").watermark_to == "1451606400000"
    assert "updated_since=1451602800000" in api.plan()[1]  # an hour's overlap


def test_nested_missing_and_odd_values(city: City, api: Api) -> None:
    api.put(
        [
            {"tree_id": "t1", "species": "", "place": {"park": "a,b", "xy": [1, 2.50]}},
            {"tree_id": "t2", "species": None, "place": None, "height": 12345678901234567890.12},
            {"tree_id": "t3", "species": 'o"ak\n', "place": {"park": None}, "height": 7},
        ]
    )
    columns = [*COLUMNS, {"name": "park", "physicalName": "place.park", "logicalType": "string"}]
    columns.append({"name": "xy", "physicalName": "place.xy", "logicalType": "string"})
    manifest = city.extract(city.api("page", load="snapshot", columns=columns), "n1")
    assert city.records(manifest) == [
        ["t1", "", "", "a,b", "[1, 2.5]"],
        ["t2", "", "12345678901234567000", "", ""],
        ["t3", 'o"ak\n', "7", "", ""],
    ]


# -- bad days ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["status:503", "status:429:0", "status:500", "cut", "drop"])
def test_a_page_that_fails_is_asked_for_again_and_no_other(
    city: City, api: Api, fault: str
) -> None:
    api.plan("", fault, fault)
    assert city.ids(city.extract(city.api("cursor"), "n1")) == IDS
    asked = api.plan()
    assert len(asked) == 5 and len(set(asked)) == 3


def test_a_server_that_asks_to_wait_is_waited_for(city: City, api: Api) -> None:
    api.plan("status:429:1")
    began = time.monotonic()
    city.extract(city.api("page"), "n1")
    assert time.monotonic() - began > 1


def test_whatever_is_said_of_when_to_come_back_the_walk_goes_on(city: City, api: Api) -> None:
    day, number = "Wed, 21 Oct 2015", "9" * 400
    said = [f"{day} 07:28:00", f"{day} 07:28:00 -0000", f"{day} 07:28:00 +999999", day]
    for after in (*said, "soon", "\u00b2", number, "-1"):
        api.plan(f"status:503:{after}")
        assert city.ids(city.extract(city.api("whole"), "n1", again=True)) == IDS, after


def test_a_time_to_come_back_without_a_zone_is_gmt(city: City, api: Api) -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    api.plan(*[f"status:503:{at:%a, %d %b %Y %H:%M:%S}"] * 3)
    with pytest.raises(SourceUnavailable, match=r"asks to come back in (8[0-9]|90) s"):
        city.extract(city.api("whole"), "n1")


def test_the_pace_that_the_department_allows(city: City, api: Api) -> None:
    began = time.monotonic()
    city.extract(city.api("page", rest={"requests_per_second": 4}), "n1")
    assert time.monotonic() - began > 0.5


@pytest.mark.parametrize("style", ["page", "link"])
def test_the_pages_of_a_broken_walk_are_not_fetched_again(city: City, api: Api, style: str) -> None:
    dataset = city.api(style, load="snapshot")
    api.plan("", "", *["status:503:99"] * 3)
    with pytest.raises(SourceUnavailable, match="asks to come back in 99 s"):
        city.extract(dataset, "n1")
    assert len(api.plan()) == 5  # two pages, and three tries of the third
    assert city.landed() == ["n1.pages"]
    manifest = city.extract(dataset, "n1")
    assert city.ids(manifest) == IDS
    assert len(api.plan()) == 1
    assert city.landed() == ["n1"]


def test_where_rows_may_have_moved_unseen_the_walk_begins_again(city: City, api: Api) -> None:
    dataset = city.api("page", {"total": None}, load="snapshot")
    api.plan("", "", *["status:503:99"] * 9)
    with pytest.raises(SourceUnavailable):
        city.extract(dataset, "n1")
    api.plan()
    city.extract(dataset, "n1")
    assert len(api.plan()) == 4


def test_a_cursor_that_has_expired_begins_a_new_walk(city: City, api: Api) -> None:
    dataset = city.api("cursor", load="snapshot")
    api.plan("", *["status:503:99"] * 3)
    with pytest.raises(SourceUnavailable):
        city.extract(dataset, "n1")
    api.plan("status:410")
    assert city.ids(city.extract(dataset, "n1")) == IDS
    assert len(api.plan()) == 4


def test_a_server_that_is_down(
    city: City, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PARKS_API_URL", f"http://127.0.0.1:{ports.free_port(0)}")
    dataset = city.api("page")
    with pytest.raises(SourceUnavailable, match=r"does not answer \(ConnectError\)"):
        city.extract(dataset, "n1")
    assert caplog.text.count("trying again") == 2


def test_a_page_that_drips_is_given_up(
    city: City, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE_SECONDS", 0.3)
    monkeypatch.setattr(client, "_ATTEMPTS", 1)
    api.plan(*["drip"] * 3)
    with pytest.raises(SourceUnavailable, match="a page took over 0 s"):
        city.extract(city.api("page"), "n1")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("body:<!doctype html><p>Maintenance", "answers with a page for people (HTML)"),
        ("body:tree_id,species", "answers no JSON"),
        ('body:{"data": [], "data": []}', "names data more than once"),
        ('body:{"error": "no such day"}', "answers with an error (no such day)"),
        ('body:{"items": []}', "without a list of records: data is not in it (it holds items)"),
        ('body:{"data": [1], "meta": {"total": 1}}', "record 1 of 000001.json.gz is a number"),
        ('body:{"data": []}', "tells no total: meta.total is not in the answer"),
        ("status:404", "answers with status 404"),
        ("status:403", "refuses the login (403)"),
        ("redirect:http://203.0.113.9/elsewhere", "sends us to another place (http://203.0.113.9"),
    ],
)
def test_an_answer_that_is_no_page(city: City, api: Api, fault: str, words: str) -> None:
    api.plan(fault)
    refused(city, city.api("page", rest={"error": "error"}), SourceError, words)
    assert len(api.plan()) == 1


def test_a_page_beyond_measure(city: City, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAGE_BYTES", 1 << 20)
    api.plan(f"huge:{2 << 20}")
    refused(city, city.api("page"), SourceError, "a page of over 1 MiB", "rest.paging.size")


def test_a_redirect_on_the_same_host_is_followed(city: City, api: Api) -> None:
    api.plan("redirect:/page/trees?per_page=100")
    assert city.ids(city.extract(city.api("page"), "n1")) == IDS


def test_a_server_that_repeats_our_credentials_is_not_repeated(
    city: City, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKS_API_TOKEN", API_LOGINS.token)
    dataset = city.api("page", rest={"auth": "bearer", "error": "error"}, connection="parks_api")
    api.plan(f'body:{{"error": "unknown token {API_LOGINS.token}"}}')
    refused(city, dataset, SourceError, "unknown token ***", more_secrets=SECRETS)


def test_paging_that_turns_in_a_circle(city: City, api: Api) -> None:
    circle = 'body:{"data": [{"tree_id": "t1"}], "meta": {"total": 9, "next": "same"}}'
    api.plan(circle, circle)
    refused(city, city.api("cursor"), SourceError, "leads from page 2 back to one before")
    ignored = city.api("page", {"parameter": "p"})
    words = ("gives the same page again", "does not know the parameter p")
    refused(city, ignored, SourceError, *words, batch_id="bad2")


def test_columns_that_came_or_went(city: City, api: Api) -> None:
    api.put([tree("t1", crown="wide")])
    refused(city, city.api("page"), BatchHeld, "the records have crown, unknown to the contract")
    assert city.ids(city.extract(city.api("page", drift={"new_column": "ignore"}), "n1")) == ["t1"]
    api.put([tree("t1"), tree("t2", crown="wide")])
    kept = city.extract(city.api("page", drift={"new_column": "evolve"}), "n3")
    assert kept.files[0].header == ("tree_id", "species", "height", "updated_at", "crown")
    assert [row[-1] for row in city.records(kept)] == ["", "wide"]
    api.put([tree("t1", **{"_row": "wide"})])
    unfit = city.api("page", drift={"new_column": "evolve"})
    refused(city, unfit, BatchHeld, "column '_row', which raw can't keep", batch_id="bad3")
    api.put([{"tree_id": "t1", "updated_at": None}])
    refused(city, city.api("page"), BatchHeld, "no record has species, height", batch_id="bad2")
    sparing = city.api("page", rest={"omits_nulls": True})
    assert city.records(city.extract(sparing, "n2")) == [["t1", "", "", ""]]


def test_an_address_with_a_key_in_it(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKS_API_URL", "http://ann:hidden@127.0.0.1:1")
    with pytest.raises(UserError, match="credentials to the environment") as caught:
        city.extract(city.api("page"), "n1")
    assert "hidden" not in str(caught.value)


def test_faults_of_the_contract_come_all_at_once(city: City) -> None:
    with pytest.raises(ContractError) as caught:
        city.api("cursor", {"kind": "coursor", "size": 0}, rest={"auth": "oauth", "paths": 1})
    said = str(caught.value)
    for words in ("did you mean 'cursor'", "size", "is 'oauth'; allowed are", "'paths'"):
        assert words in said
    with pytest.raises(ContractError, match="'next' is the path to the next cursor"):
        city.api("page", {"next": "meta.next"})
    with pytest.raises(ContractError, match="'since_parameter' is missing"):
        city.api("page", rest={"since_parameter": None})
    with pytest.raises(ContractError, match="does not go with the load 'snapshot'"):
        city.api("page", load="snapshot", rest={"since_parameter": "updated_since"})
    with pytest.raises(ContractError, match="'connection' is missing"):
        city.api("page", rest={"auth": "bearer"})
    server = {"type": "local", "path": "/x/*.csv", "format": "csv"}
    with pytest.raises(ContractError, match="goes with a server of type 'api', not 'local'"):
        city.dataset(server, {"load": "files", "rest": {"auth": "basic"}})


def test_columns_of_any_name(city: City, api: Api) -> None:
    record = {**dict(zip(ODD_NAMES, "1234", strict=True)), "tree_id": "t1", "updated_at": None}
    api.put([record])
    paging: dict[str, Any] = {"kind": "none"}
    ignoring = {"new_column": "ignore"}
    known = city.api("whole", paging, load="snapshot", columns=ODD_COLUMNS, drift=ignoring)
    assert_odd(city, city.extract(known, "n1"))
    evolving = {"new_column": "evolve"}
    some = city.api("whole", paging, load="snapshot", columns=ODD_COLUMNS[:2], drift=evolving)
    (file,) = city.extract(some, "n2").files
    assert set(file.header) == {*ODD_NAMES, "tree_id", "updated_at"}
