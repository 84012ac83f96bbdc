"""The page inside a real Airflow API server's application: login, permissions, escaping, paths."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import DAGS
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tonight_city import alarm, batch, count, failed, held, write

from tonight.rows import batch_time

PASSWORDS = {"viewer": "look"}
EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)> \"&amp;"
TRAVERSALS = [
    "/tonight/docs/../../manifest.json",
    "/tonight/docs/%2e%2e/%2e%2e/manifest.json",
    "/tonight/docs/health/visits/..%2f..%2f..%2fmanifest.json",
    "/tonight/docs/health/%2e%2e/secret.html",
    "/tonight/docs/health/visits/%2e%2e%2fsecret.html",
    "/tonight/docs/health/visits/link.html",
    "/tonight/docs/health/visits/notes.txt",
    "/tonight/docs/health/visits/.hidden.html",
    "/tonight/docs/health/visits/none.html",
    "/tonight/docs/health/visits/",
    "/tonight/docs/health/visits/%00.html",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Airflow's own application with our plug-in, on a database of its own."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "passwords.json").write_text(json.dumps(PASSWORDS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "viewer:viewer")
        patch.setenv(
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(folder / "passwords.json")
        )
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "0123456789abcdef" * 4)
        from airflow import settings
        from airflow.api_fastapi.app import create_app
        from airflow.models import import_all_models
        from airflow.models.base import Base

        import_all_models()
        Base.metadata.create_all(settings.engine)
        yield create_app(apps="core")
        Base.metadata.drop_all(settings.engine)


@pytest.fixture
def client(server: FastAPI) -> TestClient:
    """Somebody who is not logged in."""
    return TestClient(server, follow_redirects=False)


@pytest.fixture
def viewer(client: TestClient) -> TestClient:
    """Somebody who may read and no more."""
    return log_in(client, "viewer")


def log_in(client: TestClient, user: str) -> TestClient:
    body = {"username": user, "password": PASSWORDS[user]}
    token = client.post("/auth/token", json=body).json()["access_token"]
    client.cookies.set("_token", token)
    return client


@pytest.fixture
def night(state: Path, compiled: dict[str, Any], deploy: Callable[[dict[str, Any]], None]) -> Path:
    """A ledger and Data Docs of the real contracts' city; its state folder."""
    deploy(compiled)
    now = datetime.now(UTC)
    lately = {"started_at": now - timedelta(hours=1)}
    visits = batch(read=1200, inserted=1190, quarantined=10, **lately)
    bad = [held("health.facilities", EVIL, **lately), failed("transport.routes", **lately)]
    write(state / "lake", "batches", [visits, *bad])
    write(state / "lake", "outcomes", [count(visits, "reason", "code:sex", 10)])
    folder = state / "data_docs" / "health" / "visits"
    folder.mkdir(parents=True)
    (folder / f"{visits.batch_id}.html").write_text("<h1>Great expectations were met</h1>")
    (folder / "notes.txt").write_text("notes")
    (folder / ".hidden.html").write_text("half a page")
    (state / "secret.html").write_text("secret")
    (state / "data_docs" / "secret.html").write_text("secret")
    (folder / "link.html").symlink_to(state / "secret.html")
    return state


def page_of(folder: Path) -> str:
    (page,) = (p for p in folder.rglob("2*.html"))
    return f"/tonight/docs/health/visits/{page.name}"


def test_who_is_not_logged_in_sees_nothing(client: TestClient, night: Path) -> None:
    for path in ("/tonight/", page_of(night)):
        told = client.get(path)
        assert (told.status_code, told.json()) == (401, {"detail": "Not authenticated"})
        led = client.get(path, headers={"Accept": "text/html,*/*"})
        assert led.status_code == 307
        assert led.headers["location"].startswith("/api/v2/auth/login?next=%2Ftonight%2F")
        assert "visits" not in led.text


def test_a_forged_token_is_refused(client: TestClient, night: Path) -> None:
    client.cookies.set("_token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.x")
    assert client.get("/tonight/").status_code in (401, 403)


def test_a_department_shows_to_those_alone_who_may_read_its_runs(
    viewer: TestClient, night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    # Its roles hold for every DAG alike; other managers ask for each.
    def but_health(self: Any, *, method: str, details: Any = None, **_: Any) -> bool:
        return method == "GET" and (details is None or details.id != "health")

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", but_health)
    text = viewer.get("/tonight/").text
    assert "transport.routes" in text
    # A mart of other departments' rows may have its owner there.
    assert "health" not in text.replace("@health.example.org", "")
    assert viewer.get(page_of(night)).status_code == 403
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", lambda *_, **__: False)
    assert viewer.get("/tonight/").status_code == 403


def test_a_reader_sees_every_dataset_with_its_numbers(
    viewer: TestClient, night: Path, compiled: dict[str, Any]
) -> None:
    told = viewer.get("/tonight/")
    assert told.status_code == 200
    ids = re.findall(r'<details id="([^"]+)">', told.text)
    made = [f"marts.{m['name']}" for m in compiled["marts"]]
    made += [f"link.{link['name']}" for link in compiled["links"]]
    assert sorted(ids) == sorted([*(d["id"] for d in compiled["datasets"]), *made])
    assert ids[:2] == ["transport.routes", "health.facilities"]
    visits = told.text.partition('id="health.visits"')[2].partition("</li>")[0]
    for said in (
        "1,200",
        "1,190",
        "code:sex",
        "rows set aside",
        page_of(night)[len("/tonight/") :],
    ):
        assert said in visits
    assert "no route to host" in told.text
    mart = told.text.partition('id="marts.visits_by_weather"')[2].partition("</li>")[0]
    assert "It waits for health.visits" not in mart  # that came; the other input never did
    assert "It waits for meteorology.daily (never delivered)." in mart
    assert "ask City planning office (data@planning.example.org)" in mart
    assert "Alerts: owners: not told, for no connection is configured" in told.text
    assert viewer.post("/tonight/").status_code == 405


def test_an_alarm_shows_to_those_alone_who_may_read_its_mart(
    viewer: TestClient, night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    write(night / "lake", "alerts", [alarm(), alarm("b7", mart="marts.of_nobody")])
    told = viewer.get("/tonight/").text
    section = told.partition('id="alert-a1"')[2].partition("</li>")[0]
    for said in (
        "16 visits &lt;b&gt;", "since 2026-11-22", "16 rows", "ask Data office", "WHERE x &lt; 1",
        "civiclake alerts acknowledge a1", "query.sql; where visits &gt;= 15",
    ):  # fmt: skip
        assert said in section
    assert "alert-b7" not in told

    def but_the_mart(self: Any, *, method: str, details: Any = None, **_: Any) -> bool:
        return details is None or details.id != "mart_visits_by_weather"

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", but_the_mart)
    assert "alert-a1" not in viewer.get("/tonight/").text


def test_a_batch_is_linked_to_the_run_of_its_logical_date(viewer: TestClient, night: Path) -> None:
    from airflow import settings
    from airflow.models.dagrun import DagRun
    from airflow.utils.types import DagRunType
    from sqlalchemy.orm import Session

    (page,) = (night / "data_docs" / "health" / "visits").glob("2*.html")
    date = batch_time(page.stem)
    assert date
    with Session(settings.engine) as session, session.begin():
        for number in range(3):
            run = DagRun("health", f"run+{number}", run_type=DagRunType.MANUAL)
            run.logical_date = date - timedelta(days=number)
            run.run_after = date
            session.add(run)
    visits = viewer.get("/tonight/").text.partition('id="health.visits"')[2].partition("</li>")[0]
    links = re.findall(r'href="(\.\./[^"]+)" target="_top"', visits)
    assert set(links) == {"../dags/health/runs/run%2B0/tasks/visits.load"}


def test_a_message_may_hold_anything(viewer: TestClient, night: Path) -> None:
    text = viewer.get("/tonight/").text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&lt;img src=x" in text
    assert "<img" not in text
    assert text.count("<script>") == 1


def test_nothing_is_loaded_and_only_the_pages_own_script_runs(
    viewer: TestClient, night: Path
) -> None:
    told = viewer.get("/tonight/")
    policy = told.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (inline,) = re.findall(rf"<{kind}>(.*?)</{kind}>", told.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r'\b(src|style|on\w+)\s*=\s*"', told.text)
    assert not re.search(r'href="(https?:)?//', told.text)


def test_data_docs_are_served_with_a_policy(viewer: TestClient, night: Path) -> None:
    told = viewer.get(page_of(night))
    assert (told.status_code, told.text) == (200, "<h1>Great expectations were met</h1>")
    assert told.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in told.headers["content-security-policy"]
    assert told.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", TRAVERSALS)
def test_nothing_beside_the_pages_is_served(viewer: TestClient, night: Path, path: str) -> None:
    told = raw_get(viewer.app, path, viewer.cookies["_token"])
    assert told[0] in (307, 403, 404), told
    for secret in ("secret", "fingerprint", "half a page", "notes"):
        assert secret not in told[1]


def test_a_page_of_the_brief_shows_to_those_alone_who_may_see_all_of_it(
    client: TestClient, viewer: TestClient, night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    folder = night / "brief"
    folder.mkdir()
    for name in ("index", "health", "other"):
        (folder / f"{name}.html").write_text(f"<h1>{name}</h1>")
    needs = {"index.html": ["mart_a", "health"], "health.html": ["health"], "gone.html": []}
    (folder / "needs.json").write_text(json.dumps(needs))
    told = viewer.get("/tonight/brief/index.html")
    assert (told.status_code, told.text) == (200, "<h1>index</h1>")
    assert told.headers["Content-Security-Policy"].startswith("default-src 'none'")
    # Neither what was not written as a page, nor what is gone, nor anything else.
    for name in ("other.html", "gone.html", "needs.json", "..%2fsecret.html", "x"):
        assert viewer.get(f"/tonight/brief/{name}").status_code == 404
    monkeypatch.setattr(
        SimpleAuthManager,
        "is_authorized_dag",
        lambda _self, *, details=None, **_: details is None or details.id in (None, "health"),
    )
    assert viewer.get("/tonight/brief/health.html").status_code == 200
    assert viewer.get("/tonight/brief/index.html").status_code == 403
    viewer.cookies.clear()
    assert viewer.get("/tonight/brief/health.html").status_code == 401


def raw_get(app: Any, path: str, token: str) -> tuple[int, str]:
    """A request whose path no client has put in order before."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver"), (b"cookie", f"_token={token}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    asyncio.run(app(scope, receive, send))
    body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return int(sent[0]["status"]), body.decode(errors="replace")


def test_before_the_first_compile_the_page_says_so(viewer: TestClient, state: Path) -> None:
    assert "no contract is compiled yet" in viewer.get("/tonight/").text


def test_before_the_first_night_every_dataset_is_undelivered(
    viewer: TestClient, compiled: dict[str, Any], deploy: Callable[[dict[str, Any]], None]
) -> None:
    deploy(compiled)
    text = viewer.get("/tonight/").text
    assert text.count("never delivered") > len(compiled["datasets"])


def test_the_ui_has_a_view_of_it(viewer: TestClient) -> None:
    plugins = viewer.get("/api/v2/plugins").json()["plugins"]
    (ours,) = (p for p in plugins if p["name"] == "civiclake")
    found = [(v["href"], v["url_route"], v["destination"]) for v in ours["external_views"]]
    assert found == [
        ("tonight/", "tonight", "nav"), ("tonight/brief/index.html", "brief", "nav"),
    ]  # fmt: skip


def test_a_process_that_only_loads_the_plugin_does_not_pay_for_the_page() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import tonight.mount;"
        " print([m for m in ('fastapi', 'deltalake', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(DAGS)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.strip() == "[]"
