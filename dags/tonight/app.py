"""The page behind Airflow's login: who may read a department's DAG may see its datasets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.app import API_ROOT_PATH, get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dag import DagModel
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from nightly import telling
from nightly.places import manifest_path
from nightly.plan import CityPlan, read_plan
from tonight import brief, docs, model
from tonight.reader import Reader, lake_uri
from tonight.runs import newest_runs
from tonight.view import content_security_policy, render

_DOCS_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'self'"
)
"""A page of Data Docs or of the brief carries its styles with it, runs nothing, loads nothing."""

_may_read: Any = Depends(requires_access_dag("GET", DagAccessEntity.RUN))


def create_app() -> FastAPI:
    """The page and the Data Docs below it; nothing of it answers to who is not logged in."""
    # It is no interface for programs: no schema, and no page that shows one.
    app = FastAPI(title="Tonight", openapi_url=None, docs_url=None, redoc_url=None)
    app.exception_handler(status.HTTP_401_UNAUTHORIZED)(_to_login)
    app.get("/", dependencies=[_may_read], response_class=HTMLResponse)(tonight)
    # Airflow looks the permission up for the path's `dag_id`.
    app.get("/docs/{dag_id}/{dataset}/{page}", dependencies=[_may_read])(data_docs)
    app.get("/brief/{page}", dependencies=[_may_read])(brief_page)
    return app


def tonight(user: GetUserDep, session: SessionDep) -> HTMLResponse:
    """The page, as it stands now."""
    city = _readable(_plan(), user, session)
    runs = newest_runs(session, _dags(city))
    ledger = _reader(lake_uri()).read()
    now = datetime.now(UTC)
    page = model.build(city, ledger, runs, _has_docs, now, telling.words(city))
    return HTMLResponse(render(page), headers=_headers(content_security_policy()))


def data_docs(dag_id: str, dataset: str, page: str) -> FileResponse:
    """One page of Great Expectations' Data Docs."""
    found = docs.find(dag_id, dataset, page)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such page of Data Docs")
    return FileResponse(found, media_type="text/html", headers=_headers(_DOCS_POLICY))


def brief_page(page: str, user: GetUserDep, session: SessionDep) -> FileResponse:
    """One page of the city's brief."""
    found = brief.find(page)
    if found is None:
        told = "There is no such page; `civiclake brief` writes them, and the DAG `brief` runs it"
        raise HTTPException(status.HTTP_404_NOT_FOUND, told)
    path, needs = found
    if not set(needs) <= _seen(needs, user, session):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "It shows marts that you may not see")
    return FileResponse(path, media_type="text/html", headers=_headers(_DOCS_POLICY))


def _readable(city: CityPlan, user: Any, session: Session) -> CityPlan:
    """The departments, marts and links whose runs a user may read."""
    seen = _seen(_dags(city), user, session)
    return replace(
        city,
        departments=tuple(d for d in city.departments if d.name in seen),
        marts=tuple(m for m in city.marts if m.made.dag in seen),
        links=tuple(k for k in city.links if k.made.dag in seen),
    )


def _seen(names: list[str], user: Any, session: Session) -> set[str]:
    """Those DAGs whose runs a user may read."""
    teams = DagModel.get_dag_id_to_team_name_mapping(names, session=session)
    manager = get_auth_manager()
    return {
        name
        for name in names
        if manager.is_authorized_dag(
            method="GET",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=name, team_name=teams.get(name)),
            user=user,
        )
    }


def _dags(city: CityPlan) -> list[str]:
    return [*(d.name for d in city.departments), *(one.dag for one in city.made)]


def _plan() -> CityPlan:
    """What the compiled manifest says; nothing before the first compile."""
    if not manifest_path().exists():
        return CityPlan(departments=(), marts=(), links=())
    return read_plan()


@cache
def _reader(lake: str) -> Reader:
    return Reader(lake)


def _has_docs(department: str, dataset: str, page: str) -> bool:
    return docs.find(department, dataset, page) is not None


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


async def _to_login(request: Request, error: HTTPException) -> Response:
    """A browser is led to Airflow's login and back; a program is told 401."""
    if "text/html" not in request.headers.get("accept", ""):
        return await http_exception_handler(request, error)
    query = urlencode({"next": request.url.path})
    return RedirectResponse(f"{API_ROOT_PATH}api/v2/auth/login?{query}")
