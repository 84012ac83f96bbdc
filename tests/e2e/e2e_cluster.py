"""The same city on a cluster: its own engines, lake, landing and Airflow, over the same sources."""

from __future__ import annotations

import shutil
from pathlib import Path

from e2e_city import City, make_settings

from civiclake import secrets
from civiclake.contracts import manifest
from civiclake.contracts.load import load_city
from civiclake.local import airflow
from civiclake.settings import Settings
from demo import cluster, sources

DEPARTMENTS = ("medical", "statistics")
"""A database with residents in it, and registers whose former states are kept: six datasets."""
_KEY = "pseudonym_key_k1"


def on_a_cluster(city: City, state: Path, taken: set[int]) -> City:
    """The settings of profile `cluster` on free ports, with contracts of a few departments."""
    base = make_settings(state, taken)
    for folder in (base.schemas_dir, base.expectations_dir):
        for other in folder.glob("[a-z]*/"):
            if other.name not in DEPARTMENTS:
                shutil.rmtree(other)
    shutil.rmtree(base.marts_dir)
    base.marts_dir.mkdir()
    made = cluster.on_free_ports(base, taken=taken)
    made.secrets_dir.mkdir(mode=0o700)
    key = secrets.ensure(city.settings, _KEY)  # what is one person there must be the same here
    (made.secrets_dir / _KEY).write_text(key)
    return City(made)


def up(there: City, here: City) -> None:
    """Start all of it."""
    settings = there.settings
    compiled = load_city(settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
    manifest.write(compiled, settings.manifest_path)
    server = cluster.start(settings)
    airflow.up(settings, compiled, server, sources=sources.environment(here.settings))
    there.api.wait_parsed(DEPARTMENTS, there.began)


def down(settings: Settings) -> None:
    """Stop what was started."""
    airflow.down(settings)
    cluster.stop(settings)
