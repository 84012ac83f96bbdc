"""What Airflow's services are told: a source's credentials only inside its connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract_city import SmallCity

from civiclake.contracts.load import load_city
from civiclake.local import airflow_env, postgres
from civiclake.settings import Settings


def _told(tmp_path: Path, connection: str, **given: str) -> tuple[dict[str, str], Any]:
    city = SmallCity(tmp_path)
    city.own["connection"] = connection
    city.write()
    manifest = load_city(city.schemas, city.expectations, city.marts)
    sources = {f"{connection.upper()}_{name}": value for name, value in given.items()}
    settings = Settings(state_dir=tmp_path / "state")
    server = postgres.Server(port=1, password="none")
    told = airflow_env.environment(settings, manifest, server, sources=sources)
    assert not [name for name in told if name.startswith(connection.upper())]
    return told, json.loads(told[f"AIRFLOW_CONN_{connection.upper()}"])


def test_a_database(tmp_path: Path) -> None:
    _, found = _told(tmp_path, "parks_db", HOST="h", PORT="5432", USER="u", PASSWORD="p")
    wanted = {"conn_type": "postgres", "host": "h", "port": 5432, "login": "u", "password": "p"}
    assert found == wanted


def test_an_sftp_server(tmp_path: Path) -> None:
    given = {"HOST": "h", "PORT": "22", "USER": "u", "HOST_KEY": "SHA256:x", "PRIVATE_KEY": "k\nk"}
    _, found = _told(tmp_path, "parks_sftp", **given)
    assert (found["conn_type"], found["host"], found["login"]) == ("sftp", "h", "u")
    assert found["extra"] == {"host_key": "SHA256:x", "private_key": "k\nk"}


def test_a_rest_api(tmp_path: Path) -> None:
    given = {"URL": "http://h:1", "TOKEN": "t", "API_KEY": "k", "USER": "u", "PASSWORD": "p"}
    _, found = _told(tmp_path, "parks_api", **given)
    assert (found["conn_type"], found["login"], found["password"]) == ("http", "u", "p")
    assert found["extra"] == {"url": "http://h:1", "token": "t", "api_key": "k"}


def test_an_object_store(tmp_path: Path) -> None:
    given = {"ENDPOINT": "http://h", "ACCESS_KEY": "a", "SECRET_KEY": "s"}
    _, found = _told(tmp_path, "parks_s3", **given)
    assert (found["conn_type"], found["login"], found["password"]) == ("aws", "a", "s")
    assert found["extra"] == {"endpoint_url": "http://h"}
    given = {"ACCESS_KEY": "a", "SECRET_KEY": "s", "SESSION_TOKEN": "t", "REGION": "eu-west-1"}
    _, found = _told(tmp_path, "parks_s3", **given)
    assert found["extra"] == {"aws_session_token": "t", "region_name": "eu-west-1"}


def test_only_connections_that_owners_are_told_by_come_in_as_airflow_reads_them(
    tmp_path: Path,
) -> None:
    city = SmallCity(tmp_path)
    city.trees["support"].append({"channel": "pager", "url": "airflow:parks_pager"})
    city.write()
    manifest = load_city(city.schemas, city.expectations, city.marts)
    assert manifest.dataset("parks.trees").owner.model_dump() == {
        "name": "Parks", "contact": "data@parks.example", "channel": "parks_pager",
    }  # fmt: skip
    alerts = {"connection": "city_mail", "operators": "o@city.example"}
    settings = Settings.model_validate({"state_dir": tmp_path / "state", "alerts": alerts})
    names = ("CITY_MAIL", "PARKS_PAGER", "OTHER")
    sources = {f"AIRFLOW_CONN_{name}": f"smtp://{name}" for name in names}
    server = postgres.Server(port=1, password="none")
    told = airflow_env.environment(settings, manifest, server, sources=sources)
    assert {n for n in told if n.startswith("AIRFLOW_CONN_")} == {
        "AIRFLOW_CONN_CITY_MAIL", "AIRFLOW_CONN_PARKS_PAGER",
    }  # fmt: skip
    assert told["CIVICLAKE_ALERTS__CONNECTION"] == "city_mail"
    assert told["CIVICLAKE_ALERTS__OPERATORS"] == "o@city.example"
    assert "CIVICLAKE_ALERTS__SENDER" not in told
