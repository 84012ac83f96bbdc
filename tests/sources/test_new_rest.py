"""A first contract of a real REST endpoint, and what is no list of records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from source_city import API_LOGINS, Api, City
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.contracts.check import check
from civiclake.contracts.load import load_city
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io import samples
from civiclake.io.samples import rest
from civiclake.local import ports

TREES = [
    {
        "tree_id": f"t{n}",
        "height": n + 0.5,
        "place": {"park": "a"},
        "holder_name": f"Wang {n}",
        "updated_at": f"2026-01-01T10:00:0{n}Z",
    }
    for n in range(1, 9)
]


@pytest.fixture(autouse=True)
def trees(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(rest.TOKEN, raising=False)
    api.put(TREES)
    api.plan()


def _made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> tuple[dict[str, Any], str]:
    """The contract made of an endpoint, after the check has passed it; and its text."""
    schemas = tmp_path / "schemas"
    monkeypatch.setenv("CIVICLAKE_SCHEMAS_DIR", str(schemas))
    done = CliRunner().invoke(app, ["new", "parks.trees", "--from", source, "--force"])
    assert done.exception is None, done.exception
    assert check(schemas, tmp_path / "no-suites") == []
    text = (schemas / "parks/trees.yaml").read_text()
    return yaml.safe_load(text), text


@pytest.mark.parametrize(
    ("way", "paging"),
    [
        ("whole", {"kind": "none", "total": "meta.total"}),
        ("page", {"kind": "page", "total": "meta.total", "size": 3, "size_parameter": "per_page"}),
        ("cursor", {"kind": "cursor", "total": "meta.total", "size": 3, "parameter": "cursor",
                    "next": "meta.next", "size_parameter": "per_page"}),
        ("link", {"kind": "link", "total": "meta.total", "size": 3, "size_parameter": "per_page"}),
    ],
)  # fmt: skip
def test_an_endpoint_becomes_a_contract_that_the_check_passes(
    api: Api,
    city: City,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    paging: dict[str, Any],
) -> None:
    source = f"{api.address}/{way}/trees?per_page=3&district=5"
    contract, _ = _made(tmp_path, monkeypatch, source)
    (server,), (table,) = contract["servers"], contract["schema"]
    assert (server["type"], server["location"]) == ("api", f"${{PARKS_API_URL}}/{way}/trees")
    assert table["physicalType"] == "endpoint"
    columns = {c["name"]: c for c in table["properties"]}
    assert [n for n, c in columns.items() if c.get("primaryKey")] == ["tree_id"]
    assert columns["height"]["logicalType"] == "number"
    assert columns["holder_name"]["classification"] == "restricted"
    loading = contract["customProperties"][0]["value"]
    assert (loading["load"], loading["records"]) == ("snapshot", "data")
    assert loading["rest"] == {"paging": paging, "parameters": {"district": "5"}}
    assert contract["description"]["purpose"].count("review:") == 3
    assert "district" in api.plan()[0]
    monkeypatch.setenv("PARKS_API_URL", api.address)
    dataset = load_city(tmp_path / "schemas", tmp_path / "no-suites").dataset("parks.trees")
    assert city.ids(city.extract(dataset, "n1")) == [tree["tree_id"] for tree in TREES]


def test_a_token_is_sent_and_kept_nowhere(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put(TREES, "bearer")
    source = f"{api.address}/whole/trees"
    with pytest.raises(SourceError, match=r"refuses the login \(401\).*CIVICLAKE_NEW_TOKEN is set"):
        samples.take(source, "parks")
    monkeypatch.setenv(rest.TOKEN, "guessed-token")
    with pytest.raises(SourceError, match="CIVICLAKE_NEW_TOKEN is right") as refused:
        samples.take(source, "parks")
    assert "guessed-token" not in str(refused.value)
    monkeypatch.setenv(rest.TOKEN, API_LOGINS.token)
    contract, text = _made(tmp_path, monkeypatch, source)
    loading = contract["customProperties"][0]["value"]
    assert (loading["connection"], loading["rest"]["auth"]) == ("parks_api", "bearer")
    assert API_LOGINS.token not in text
    monkeypatch.setenv(rest.TOKEN, "two\nlines")
    with pytest.raises(UserError, match="allowed are printable characters"):
        samples.take(source, "parks")


def test_records_that_leave_out_what_is_empty(api: Api) -> None:
    api.plan("body:" + '[{"a": 1}, {"a": 2, "b": {"c": [1.50]}}]')
    found = samples.take(f"{api.address}/whole/trees", "parks")
    assert found.header == ("a", "b")
    assert found.rows == (("1", None), ("2", '{"c": [1.50]}'))
    assert found.loading == {"load": "snapshot", "rest": {"omits_nulls": True}}


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("status:404", SourceError, "answers with status 404"),
        ("status:500", SourceUnavailable, "does not answer (status 500"),
        ("status:429:1", SourceUnavailable, "does not answer (status 429"),
        ("redirect:https://else.example/x?k=v", SourceError,
         "redirects to https://else.example/x (302)"),
        ("body:<html>", SourceError, "a page for people (HTML) or XML, not JSON"),
        ("body:{", SourceError, "answers no JSON"),
        ("body:", SourceError, "answers no JSON"),
        ("body:" + '{"a": NaN}', SourceError, "which JSON does not have"),
        ("body:" + '{"ok": true}', SourceError, "it is an object that holds ok"),
        ("body:7", SourceError, "holds no list of records: it is a number"),
        ("body:[1]", SourceError, "record 1 is a number, not an object"),
        ("body:[]", SourceError, "answers with no record"),
        ("huge:2000", SourceError, "answers with over 0 MiB"),
        ("drop", SourceUnavailable, "does not answer (RemoteProtocolError)"),
        ("cut", SourceUnavailable, "does not answer (RemoteProtocolError)"),
        ("drip", SourceUnavailable, "does not answer (it took over 0 s)"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_records_is_one_sentence(
    api: Api, monkeypatch: pytest.MonkeyPatch, fault: str, kind: type[Exception], said: str
) -> None:
    monkeypatch.setattr(rest, "MAX_BYTES", 1000)
    monkeypatch.setattr(rest, "SECONDS", 0.3)
    api.plan(fault)
    with pytest.raises(SourceError) as refused:
        samples.take(f"{api.address}/whole/trees?q=hidden", "parks")
    assert type(refused.value) is kind
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{api.address}/whole/trees ")
    assert "hidden" not in str(refused.value)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(SourceUnavailable, match=r"does not answer \(ConnectError\)"):
        samples.take(f"http://127.0.0.1:{ports.free_port(0)}/trees", "parks")


ROWS = [{"id": n, "name": f"n{n}"} for n in range(7)]
ARCGIS = [{"attributes": {"OBJECTID": n, "NAME": f"n{n}"}} for n in range(7)]


def _odata(address: str) -> list[dict[str, Any]]:
    context = {"@odata.context": f"{address}/$metadata#trees"}
    more = [
        {**context, "value": ROWS[n : n + 3], "@odata.nextLink": f"{address}/x?$skip={n + 3}"}
        for n in (0, 3)
    ]
    return [*more, {**context, "value": ROWS[6:]}]


def _arcgis(address: str) -> list[dict[str, Any]]:
    pages = [{"features": ARCGIS[n : n + 3], "exceededTransferLimit": n < 6} for n in (0, 3, 6)]
    return [*pages, {"features": []}]


@pytest.mark.parametrize(
    ("way", "columns"),
    [(_odata, ["id", "name"]), (_arcgis, ["attributes.OBJECTID", "attributes.NAME"])],
)
def test_pages_of_odata_and_of_arcgis(
    api: Api,
    city: City,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Any,
    columns: list[str],
) -> None:
    pages = ["body:" + json.dumps(page) for page in way(api.address)]
    api.plan(pages[0])
    contract, _ = _made(tmp_path, monkeypatch, f"{api.address}/whole/trees?f=json")
    found = contract["schema"][0]["properties"]
    assert [c.get("physicalName", c["name"]) for c in found] == columns
    monkeypatch.setenv("PARKS_API_URL", api.address)
    api.plan(*pages)
    dataset = load_city(tmp_path / "schemas", tmp_path / "no-suites").dataset("parks.trees")
    assert city.ids(city.extract(dataset, "n1")) == [str(n) for n in range(7)]
