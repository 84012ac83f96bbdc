"""The environment of Airflow's services: all of their configuration, and nothing else's."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from civiclake import secrets
from civiclake.contracts.model import Manifest
from civiclake.errors import UserError
from civiclake.local import postgres, stores
from civiclake.settings import Settings, project_root

USER = "admin"
DATABASE = "airflow"

_FOREIGN = ("AIRFLOW", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA")
_PARTS = (
    "HOST", "PORT", "USER", "PASSWORD", "ENDPOINT", "ACCESS_KEY", "SECRET_KEY",
    "SESSION_TOKEN", "REGION", "HOST_KEY", "PRIVATE_KEY", "URL", "TOKEN", "API_KEY",
)  # fmt: skip
"""What a connection may hold, after its id."""
_EXTRAS = ("host_key", "private_key", "url", "token", "api_key")
"""What Airflow's connections have no field for."""
_S3_EXTRAS = {
    "endpoint_url": "ENDPOINT",
    "aws_session_token": "SESSION_TOKEN",
    "region_name": "REGION",
}
"""By the words of Airflow's own hooks."""


def home(settings: Settings) -> Path:
    """``AIRFLOW_HOME``: task logs and the login file."""
    return settings.state_dir.absolute() / "airflow"


def url(settings: Settings) -> str:
    """Address of the UI and of the REST API."""
    return f"http://{settings.airflow.host}:{settings.airflow.port}"


def login_file(settings: Settings) -> Path:
    """Where Airflow's SimpleAuthManager reads the passwords."""
    return settings.secrets_dir.absolute() / "airflow_login.json"


def program() -> Path:
    """The `airflow` command.

    Raises:
        UserError: it is not installed.
    """
    found = project_root() / "var" / "env" / "airflow" / "bin" / "airflow"
    if not found.exists():
        raise UserError(f"{found} is missing: run bin/setup")
    return found


def environment(
    settings: Settings,
    manifest: Manifest,
    metadata: postgres.Server,
    *,
    sources: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of the services."""
    connections = {d.source.connection for d in manifest.datasets if d.source.connection}
    hidden = {f"{c.upper()}_" for c in connections}
    kept = {
        key: value
        for key, value in sources.items()
        if not key.startswith((*_FOREIGN, *hidden)) and key != "CIVICLAKE_SETUP_LOCKED"
    }
    found = {f"AIRFLOW_CONN_{c.upper()}": _connection(c, sources) for c in sorted(connections)}
    return {
        **kept,
        **_settings_environment(settings),
        **_configuration(settings, metadata),
        **{key: value for key, value in found.items() if value},
        **_alert_connections(settings, manifest, sources),
        **stores.reading(settings, "tonight"),
        "PATH": f"{program().parent}:{kept.get('PATH', os.defpath)}",
        # The triggerer imports the deadline's callback by name.
        "PYTHONPATH": str(project_root() / "dags"),
        "NO_PROXY": f"{kept.get('NO_PROXY', '')},127.0.0.1,localhost".strip(","),
        "no_proxy": f"{kept.get('no_proxy', '')},127.0.0.1,localhost".strip(","),
    }


def _settings_environment(settings: Settings) -> dict[str, str]:
    """The settings as tasks shall see them, whatever they were made from here."""
    found = {
        "CIVICLAKE_ROOT": str(project_root().absolute()),
        "CIVICLAKE_STATE_DIR": str(settings.state_dir.absolute()),
        "CIVICLAKE_SCHEMAS_DIR": str(settings.schemas_dir.absolute()),
        "CIVICLAKE_EXPECTATIONS_DIR": str(settings.expectations_dir.absolute()),
        "CIVICLAKE_MARTS_DIR": str(settings.marts_dir.absolute()),
        "CIVICLAKE_MANIFEST": str(settings.manifest_path.absolute()),
        "CIVICLAKE_ENGINE__HOST": settings.engine.host,
        "CIVICLAKE_ENGINE__CONNECT_PORT": str(settings.engine.connect_port),
        "CIVICLAKE_ENGINE__SQL_PORT": str(settings.engine.sql_port),
        "CIVICLAKE_PSEUDONYM__KEY_ID": settings.pseudonym.key_id,
    }
    for section in ("alerts", "state", "landing"):
        for name, value in getattr(settings, section).model_dump().items():
            if value:
                found[f"CIVICLAKE_{section.upper()}__{name.upper()}"] = value
    if settings.lake_uri:
        found["CIVICLAKE_LAKE_URI"] = settings.lake_uri
        place = {name: str(value) for name, value in settings.store.model_dump().items()}
        found |= {f"CIVICLAKE_STORE__{name.upper()}": value for name, value in place.items()}
    if settings.engine.is_clustered:
        found["CIVICLAKE_ENGINE__MASTER"] = settings.engine.master
    if settings.engine.remote:
        found["CIVICLAKE_ENGINE__REMOTE"] = settings.engine.remote
    return found


def _configuration(settings: Settings, metadata: postgres.Server) -> dict[str, str]:
    login = f"{DATABASE}:{quote(secrets.ensure(settings, 'airflow_db_password'))}"
    where = f"{login}@{metadata.host}:{metadata.port}/{DATABASE}"
    fernet = hashlib.sha256(secrets.ensure(settings, "airflow_fernet_seed").encode()).digest()
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": project_root() / "dags",
            "executor": "LocalExecutor",
            "parallelism": settings.airflow.parallelism,
            "load_examples": False,
            # A new department delivers from its first night on, without a click.
            "dags_are_paused_at_creation": False,
            "fernet_key": base64.urlsafe_b64encode(fernet).decode(),
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager"
            ".SimpleAuthManager",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": login_file(settings),
            "execution_api_server_url": f"{url(settings)}/execution/",
            "min_serialized_dag_update_interval": 5,
            "plugins_folder": project_root() / "dags" / "plugins",
        },
        "database": {
            "sql_alchemy_conn": f"postgresql+psycopg2://{where}",
            "sql_alchemy_conn_async": f"postgresql+asyncpg://{where}",
        },
        "api": {
            "host": settings.airflow.host,
            "port": settings.airflow.port,
            "base_url": url(settings),
            "secret_key": secrets.ensure(settings, "airflow_api_secret"),
            "instance_name": "CivicLake",
            "workers": 1,
        },
        "api_auth": {"jwt_secret": secrets.ensure(settings, "airflow_jwt_secret", length_bytes=64)},
        "dag_processor": {"parsing_processes": 1},
        "logging": {"base_log_folder": home(settings) / "logs", "colored_console_log": False},
        "scheduler": {"enable_health_check": False},
    }
    found = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": str(value)
        for section, values in sections.items()
        for key, value in values.items()
    }
    return {"AIRFLOW_HOME": str(home(settings)), **found}


def _alert_connections(
    settings: Settings, manifest: Manifest, sources: Mapping[str, str]
) -> dict[str, str]:
    """Connections by which owners are told, where the environment holds them as Airflow reads them.

    Others are made under Admin > Connections.
    """
    owners = [*(d.owner for d in manifest.datasets), *(m.owner for m in manifest.marts if m.owner)]
    named = {settings.alerts.connection, *(owner.channel or "" for owner in owners)} - {""}
    names = (f"AIRFLOW_CONN_{name.upper()}" for name in sorted(named))
    return {name: sources[name] for name in names if sources.get(name)}


def _connection(connection: str, source: Mapping[str, str]) -> str | None:
    """An Airflow connection (JSON) from ``<ID>_HOST`` and its kin, or None without any."""
    prefix = f"{connection.upper()}_"
    given = {part: source[prefix + part] for part in _PARTS if source.get(prefix + part)}
    if not given:
        return None
    if "ENDPOINT" in given or "ACCESS_KEY" in given:
        fields: dict[str, object] = {
            "conn_type": "aws",
            "login": given.get("ACCESS_KEY"),
            "password": given.get("SECRET_KEY"),
            "extra": {field: given[part] for field, part in _S3_EXTRAS.items() if part in given},
        }
    else:
        fields = {
            "conn_type": _kind(given),
            "host": given.get("HOST"),
            "port": int(given["PORT"]) if "PORT" in given else None,
            "login": given.get("USER"),
            "password": given.get("PASSWORD"),
        }
        extra = {key: given[key.upper()] for key in _EXTRAS if key.upper() in given}
        if extra:
            fields["extra"] = extra
    return json.dumps(fields)


def _kind(given: Mapping[str, str]) -> str:
    if "HOST_KEY" in given:
        return "sftp"
    return "http" if "URL" in given else "postgres"
