"""Where a walk ends: the ways of real servers, and the ends that would lose rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_trees import tree, trees
from source_city import API_LOGINS, Api, City
from source_refusals import refused

from civiclake.errors import ContractError, SourceError, SourceUnavailable
from civiclake.io.sources.rest import client

__all__ = ["trees"]

SEVEN = [tree(f"t{n}", 8) for n in range(7)]
SEVEN_IDS = [f"t{n}" for n in range(7)]
PAGES = [SEVEN[:3], SEVEN[3:6], SEVEN[6:]]
NO_TOTAL = {"size": 3, "total": None}


def body(value: Any) -> str:
    return "body:" + json.dumps(value)


def test_a_full_address_in_the_body_is_followed(city: City, api: Api) -> None:
    asked = [f"{api.address}/odata/trees?$skip={n}" for n in (3, 6)]
    odata = [{"value": rows, "@odata.nextLink": at} for rows, at in zip(PAGES, asked, strict=False)]
    odata.append({"value": PAGES[2]})
    for kind in ("cursor", "link"):
        paging = {**NO_TOTAL, "kind": kind, "next": "@odata.nextLink"}
        api.plan(*map(body, odata))
        manifest = city.extract(city.api("cursor", paging, records="value"), f"n-{kind}")
        assert city.ids(manifest) == SEVEN_IDS
        assert [path.partition("?")[2] for path in api.plan()[1:]] == ["$skip=3", "$skip=6"]


def test_an_address_without_a_host_is_followed_by_link(city: City, api: Api) -> None:
    api.plan(
        body({"data": PAGES[0], "_links": {"next": {"href": "/link/trees?at=3"}}}),
        body({"data": PAGES[1], "_links": {"next": {"href": "?at=6"}}}),
        body({"data": PAGES[2], "_links": {}}),
    )
    dataset = city.api("link", {**NO_TOTAL, "next": "_links.next.href"})
    assert city.ids(city.extract(dataset, "n1")) == SEVEN_IDS
    assert list(api.plan()[1:]) == ["/link/trees?at=3", "/link/trees?at=6"]


@pytest.mark.parametrize("elsewhere", ["http://203.0.113.9/x", "https://127.0.0.1/x", "//else/x"])
def test_an_address_elsewhere_is_never_asked(
    city: City, api: Api, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    monkeypatch.setenv("PARKS_API_TOKEN", API_LOGINS.token)
    api.plan(body({"data": PAGES[0], "next": elsewhere}))
    dataset = city.api(
        "link", {**NO_TOTAL, "next": "next"}, rest={"auth": "bearer"}, connection="parks_api"
    )
    words = ("sends us to another place", "would learn our credentials")
    refused(city, dataset, SourceError, *words, more_secrets=(API_LOGINS.token,))
    assert len(api.plan()) == 1


FULL: dict[str, Any] = {"data": PAGES[0]}


@pytest.mark.parametrize(
    ("answer", "paging", "words"),
    [
        (FULL, {"kind": "cursor", "next": "next"}, "the page is full (3 records"),
        ({"data": SEVEN[:2]}, {"kind": "cursor", "next": "meta.next"}, "on the way to it"),
        ({"data": SEVEN[:2], "meta": {"nextCursor": "3"}}, {"kind": "cursor", "next": "meta.next"},
         "the answer leads on at `meta.nextCursor`"),
        ({"data": SEVEN[:2], "hasMore": True}, {"kind": "cursor", "next": "next"},
         "the answer leads on at `hasMore`"),
        (FULL, {"kind": "link"}, "gives no next page at a `Link` header, but the page is full"),
        ({**FULL, "next": "/x?page=2"}, {"kind": "none"}, "has more than one page (`next`"),
        ({**FULL, "total": 7}, {"kind": "none"}, "tells of 7 records at `total`, and 3 came"),
        ({**FULL, "@odata.count": 7}, {"kind": "none"}, "tells of 7 records at `@odata.count`"),
        ({**FULL, "count": 3, "next": "/x?page=2"}, {"kind": "page", "total": "count"},
         "`count` counts those of the page"),
        ({**FULL, "next": {"page": 2}}, {"kind": "cursor", "next": "next"}, "gives an object"),
    ],
)  # fmt: skip
def test_a_first_page_that_leads_nowhere_is_refused(
    city: City, api: Api, answer: Any, paging: dict[str, Any], words: str
) -> None:
    api.plan(body(answer))
    dataset = city.api("cursor", {**NO_TOTAL, "next": None, **paging})
    refused(city, dataset, SourceError, words, "rest.paging", "parks/trees.yaml")
    if "gives an object" not in words and paging["kind"] != "page":
        api.plan(body(answer))
        vouched = city.api("cursor", {**NO_TOTAL, "next": None, "end": "no_next", **paging})
        assert len(city.ids(city.extract(vouched, "n1"))) == len(answer["data"])


@pytest.mark.parametrize(
    ("answer", "paging"),
    [
        ({**FULL, "next": None}, {"kind": "cursor", "next": "next"}),
        ({**FULL, "next": ""}, {"kind": "link", "next": "next"}),
        ({"data": SEVEN[:2]}, {"kind": "cursor", "next": "next"}),
        ({**FULL, "total": 3}, {"kind": "cursor", "next": "next"}),
        ({"value": [], "data": [], "@odata.context": "x"},
         {"kind": "link", "next": "@odata.nextLink"}),
        ({"data": SEVEN[:2], "@odata.context": "x"}, {"kind": "link", "next": "@odata.nextLink"}),
        ({**FULL, "count": 3}, {"kind": "none"}),
    ],
)  # fmt: skip
def test_a_first_page_that_is_the_only_one(
    city: City, api: Api, answer: Any, paging: dict[str, Any]
) -> None:
    api.plan(body(answer))
    dataset = city.api("cursor", {**NO_TOTAL, "next": None, **paging}, limits={"allow_empty": True})
    assert len(city.ids(city.extract(dataset, "n1"))) == len(answer["data"])
    assert len(api.plan()) == 1


def test_a_next_that_is_left_out_of_the_last_page(city: City, api: Api) -> None:
    api.plan(
        body({"data": PAGES[0], "nextPageToken": "a"}),
        body({"data": [], "nextPageToken": "b"}),  # an empty page in between is no end
        body({"data": PAGES[1]}),
    )
    dataset = city.api("cursor", {**NO_TOTAL, "next": "nextPageToken"})
    assert city.ids(city.extract(dataset, "n1")) == SEVEN_IDS[:6]


def test_a_cursor_that_never_becomes_null(city: City, api: Api) -> None:
    ends = [{"data": page, "next": page[-1]["tree_id"]} for page in PAGES]
    api.plan(*map(body, [*ends, {"data": [], "next": "t6"}]))
    dataset = city.api("cursor", {**NO_TOTAL, "next": "next"})
    assert city.ids(city.extract(dataset, "n1")) == SEVEN_IDS
    assert len(api.plan()) == 4


@pytest.mark.parametrize("pages", [PAGES, [SEVEN[:3], SEVEN[3:6]]])
def test_a_page_after_the_last_that_is_not_found(
    city: City, api: Api, pages: list[list[dict[str, Any]]]
) -> None:
    wanted = [row["tree_id"] for page in pages for row in page]
    last = [{"results": page, "next": "x" if page is not pages[-1] else None} for page in pages]
    api.plan(*map(body, last), "status:404")
    manifest = city.extract(city.api("page", NO_TOTAL, records="results"), "n1")
    assert city.ids(manifest) == wanted
    api.plan(*(body({"results": page}) for page in pages), "status:404")
    dataset = city.api("page", NO_TOTAL, records="results")
    if len(pages) == 3:  # the last page is cut short
        assert city.ids(city.extract(dataset, "n2")) == wanted
        return
    refused(city, dataset, SourceError, "status 404", "name paging.total or say `end: not_found`")
    api.plan(*(body({"results": page}) for page in pages), "status:400")
    vouched = city.api("page", {**NO_TOTAL, "end": "not_found"}, records="results")
    assert city.ids(city.extract(vouched, "n3")) == wanted


def test_a_first_page_that_is_not_found_is_no_end(city: City, api: Api) -> None:
    api.plan("status:404")
    dataset = city.api("page", {**NO_TOTAL, "end": "not_found"}, limits={"allow_empty": True})
    refused(city, dataset, SourceError, "answers with status 404")


def test_a_last_page_that_is_repeated(city: City, api: Api) -> None:
    clamped = [{"data": page, "at": n} for n, page in enumerate([*PAGES, PAGES[2]])]
    api.plan(*map(body, clamped))
    dataset = city.api("page", NO_TOTAL)
    assert city.ids(city.extract(dataset, "n1")) == SEVEN_IDS
    full = [body({"data": page}) for page in (SEVEN[:3], SEVEN[3:6], SEVEN[3:6])]
    api.plan(*full)
    refused(city, dataset, SourceError, "gives page 2 again, which is full", "end: repeated_page")
    api.plan(*full)
    vouched = city.api("page", {**NO_TOTAL, "end": "repeated_page"})
    assert city.ids(city.extract(vouched, "n2")) == SEVEN_IDS[:6]


@pytest.mark.parametrize(
    ("fault", "records"),
    [
        (body({"items": None, "total": 0}), "items"),
        (body({"total": 0}), "items"),
        (body({"items": ""}), "items.item"),
        (body({"items": {}}), "items.item"),
        (body({}), "items"),
        (body(None), None),
        ("bare:204", "items"),
    ],
)
def test_no_records_in_the_words_of_servers(
    city: City, api: Api, fault: str, records: str | None
) -> None:
    own = {"records": records, "limits": {"allow_empty": True}}
    api.plan(fault)
    dataset = city.api("whole", **{k: v for k, v in own.items() if v is not None or k != "records"})
    if records is None:
        dataset = dataset.model_copy(
            update={"source": dataset.source.model_copy(update={"records": None})}
        )
    assert city.extract(dataset, "n1").rows == 0
    api.plan(fault)
    silent = dataset.model_copy(
        update={"limits": dataset.limits.model_copy(update={"allow_empty": False})}
    )
    refused(city, silent, SourceError, "set limits.allow_empty", batch_id="bad")


def test_one_object_where_the_list_should_be(city: City, api: Api) -> None:
    api.plan(body({"items": {"item": SEVEN[0]}}))
    dataset = city.api("whole", records="items.item")
    assert city.ids(city.extract(dataset, "n1")) == ["t0"]
    api.plan(body({"items": {"item": {"rows": SEVEN}}}))
    refused(city, dataset, SourceError, "items.item is an object", "correct `records`")


def test_an_error_beside_an_empty_list_is_an_error(city: City, api: Api) -> None:
    dataset = city.api("whole", limits={"allow_empty": True})
    for answer in ({"data": None, "errors": [{"message": "x"}]}, {"error": {"code": 400}}):
        api.plan(body(answer))
        refused(city, dataset, SourceError, "answers with an error instead of records")


def test_an_answer_without_a_body(city: City, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_ATTEMPTS", 1)
    api.plan(*["bare:200"] * 3)
    dataset = city.api("page", NO_TOTAL)
    with pytest.raises(SourceUnavailable, match=r"status 200 without a body; .*end: empty_body"):
        city.extract(dataset, "n0")
    api.plan(*(body({"data": page}) for page in PAGES), "bare:200")
    vouched = city.api("page", {**NO_TOTAL, "end": "empty_body"})
    assert city.ids(city.extract(vouched, "n1")) == SEVEN_IDS
    api.plan(*(body({"data": page}) for page in PAGES), "bare:204")
    assert city.ids(city.extract(dataset, "n2")) == SEVEN_IDS


def test_ends_that_do_not_go_with_the_paging(city: City) -> None:
    for paging, words in (
        ({"kind": "cursor", "next": None}, "'next' is missing"),
        ({"kind": "link", "end": "not_found"}, "goes with kind 'page' or 'offset'"),
        ({"kind": "page", "end": "no_next"}, "goes with kind 'cursor', 'link' or 'none'"),
        ({"kind": "page", "end": "never"}, "allowed are 'no_next', 'not_found'"),
    ):
        with pytest.raises(ContractError, match=words):
            city.api("page", paging)
