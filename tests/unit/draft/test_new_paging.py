"""How an endpoint seems to page, guessed from one answer of it."""

from __future__ import annotations

from typing import Any

import pytest

from civiclake.contracts.rest import Paging
from civiclake.io.samples.rest_paging import guess_paging, is_paging

TEN: dict[str, Any] = {"data": [{"id": n} for n in range(10)]}
NEXT = "https://api.example/trees?"


@pytest.mark.parametrize(
    ("answer", "asked", "wanted"),
    [
        ({}, {}, {}),
        ({"total": 10}, {}, {"kind": "none", "total": "total"}),
        ({"meta": {"total": 95}}, {}, {"kind": "page", "size": 10, "total": "meta.total"}),
        ({"meta": {"next_cursor": "ab", "limit": 10}}, {},
         {"kind": "cursor", "next": "meta.next_cursor", "parameter": "cursor",
          "size": 10, "size_parameter": "limit"}),
        ({"nextPageToken": "ab"}, {"pageSize": "20"},
         {"kind": "cursor", "next": "nextPageToken", "parameter": "pageToken",
          "size": 20, "size_parameter": "pageSize"}),
        ({"next": None}, {}, {"kind": "cursor", "next": "next", "parameter": "cursor"}),
        ({"count": 95, "next": f"{NEXT}page=2", "previous": None}, {},
         {"kind": "page", "parameter": "page", "total": "count"}),
        ({"next": f"{NEXT}page=1&size=5"}, {}, {"kind": "page", "parameter": "page", "first": 0}),
        ({"links": {"next": f"{NEXT}offset=10&limit=10"}}, {},
         {"kind": "offset", "parameter": "offset"}),
        ({"next": f"{NEXT}after=xyz"}, {}, {"kind": "link", "next": "next"}),
        ({"_links": {"self": {"href": NEXT}, "next": {"href": f"{NEXT}c=2"}}}, {},
         {"kind": "link", "next": "_links.next.href"}),
        ({"@odata.context": "x", "@odata.nextLink": f"{NEXT}$skip=10"}, {"$top": "10"},
         {"kind": "link", "next": "@odata.nextLink", "end": "no_next", "size_parameter": None}),
        ({"@odata.context": "x", "@odata.count": 95}, {},
         {"kind": "link", "next": "@odata.nextLink", "total": "@odata.count"}),
        ({"exceededTransferLimit": True}, {},
         {"kind": "offset", "parameter": "resultOffset", "size": 10,
          "size_parameter": "resultRecordCount"}),
        ({"offset": 0, "limit": 10, "total": 95}, {},
         {"kind": "offset", "parameter": "offset", "size": 10, "size_parameter": "limit",
          "total": "total"}),
        ({"currentPage": 1, "pageSize": 10}, {},
         {"kind": "page", "parameter": "page", "size_parameter": "pageSize"}),
        ({"count": 10, "page": 1}, {}, {"kind": "page", "parameter": "page", "total": None}),
        ({"page": 0}, {}, {"kind": "page", "parameter": "page", "first": 0}),
        ({}, {"page": "1"}, {"kind": "page", "parameter": "page"}),
        ({"start": "2016-01-01", "total": 3}, {}, {}),
        ({"meta": {"pagination": {"page": 1, "pageSize": 10, "total": 95}}}, {},
         {"kind": "page", "parameter": "page", "total": "meta.pagination.total"}),
        ({"result": {"_links": {"next": f"{NEXT}offset=10"}, "total": 95}}, {},
         {"kind": "offset", "parameter": "offset", "total": "result.total"}),
    ],
)  # fmt: skip
def test_what_an_answer_says_of_pages(
    answer: dict[str, Any], asked: dict[str, str], wanted: dict[str, Any]
) -> None:
    found, note = guess_paging({**TEN, **answer}, 10, False, asked)
    assert {key: found.get(key) for key in wanted} == wanted
    assert bool(found) == bool(wanted)
    Paging.model_validate(found)
    assert note


def test_a_link_header_comes_before_what_the_body_says() -> None:
    found, _ = guess_paging({**TEN, "page": 1, "total": 95}, 10, True, {})
    assert found == {"kind": "link", "size": 10, "size_parameter": None, "total": "total"}


def test_a_list_of_records_alone_says_nothing() -> None:
    assert guess_paging(TEN["data"], 10, False, {})[0] == {}


def test_parameters_that_ask_for_pages() -> None:
    assert [n for n in ("page", "$top", "pageSize", "per-page", "district") if is_paging(n)] == [
        "page", "$top", "pageSize", "per-page",
    ]  # fmt: skip
