"""The REST server through which employment and environment show their registers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from civiclake.local import process
from demo import rest_server
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.table import Row
from demo.encode import records, to_json
from demo.systems.site import Site

_FIRST_PORT = 54370
_SHOWN = {
    "employment.vacancies": "bearer",
    "employment.job_seekers": "api_key",
    "environment.permits": "basic",
}
"""Datasets and how a caller says who it is."""


class Registers:
    """One server with the registers of two departments."""

    name = "REST server"

    def start(self, site: Site) -> str:
        """Start it, unless it runs."""
        return rest_server.start(_folder(site), _port(site), _logins(site), run_dir=site.run_dir)

    def stop(self, site: Site) -> bool:
        """Stop it; whether it was running."""
        return rest_server.stop(site.run_dir)

    def running(self, site: Site) -> process.Running | None:
        """Its process."""
        return process.status(rest_server.NAME, site.run_dir)

    def environment(self, site: Site) -> dict[str, str]:
        """Address and logins."""
        url, logins = f"http://{rest_server.HOST}:{_port(site)}", _logins(site)
        return {
            "EMPLOYMENT_API_URL": url,
            "EMPLOYMENT_API_TOKEN": logins.token,
            "EMPLOYMENT_API_API_KEY": logins.api_key,
            "ENVIRONMENT_API_URL": url,
            "ENVIRONMENT_API_USER": logins.user,
            "ENVIRONMENT_API_PASSWORD": logins.password,
        }

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Show the registers as they stand on a night."""
        for dataset, auth in _SHOWN.items():
            series = model.series[dataset]
            if isinstance(series, Journal):
                rows, updated = series.state(night), series.stamp
            else:
                rows, updated = series.rows(night), ""
            rest_server.write_register(
                _folder(site),
                dataset.partition(".")[2],
                _plain(series.shape.columns, rows),
                key=series.shape.key[0],
                updated=updated,
                auth=auth,
            )


def _plain(columns: tuple[str, ...], rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [json.loads(to_json(record)) for record in records(columns, rows)]


def _folder(site: Site) -> Path:
    return site.data("registers")


def _logins(site: Site) -> rest_server.Logins:
    return rest_server.Logins(
        token=site.secret("rest_token"),
        password=site.secret("rest_password"),
        api_key=site.secret("rest_api_key"),
    )


def _port(site: Site) -> int:
    return site.port("rest", _FIRST_PORT)
