"""The same city on a cluster: its own engines, lake, landing and Airflow, over the same sources."""

from __future__ import annotations

import shutil
from pathlib import Path

from e2e_city import City, make_settings

from civiclake import engine, secrets
from civiclake.contracts import manifest
from civiclake.contracts.load import load_city
from civiclake.local import airflow, objects, postgres, process, stores
from civiclake.settings import Settings
from civiclake.settings_engine import ClusterSettings
from civiclake.settings_stores import LandingSettings, StateSettings, StoreSettings
from demo import sources

DEPARTMENTS = ("medical", "statistics")
"""A database with residents in it, and registers whose former states are kept: six datasets."""
LAKE, LANDING = "city-lake", "city-landing"
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
    master, store, *_ = process.free_ports(2 + objects.INTERNAL_PORTS, taken=taken)
    endpoint = f"http://{objects.HOST}:{store}"
    database = f"{postgres.HOST}:{base.postgres.port}"
    engines = {
        "master": f"spark://127.0.0.1:{master}",
        "cluster": ClusterSettings(workers=2, cores=1, memory="1g"),
    }
    made = base.model_copy(
        update={
            "lake_uri": f"s3a://{LAKE}/lake",
            "store": StoreSettings(endpoint=endpoint, is_here=True),
            "landing": LandingSettings(url=f"s3://{LANDING}/landing", endpoint=endpoint),
            "state": StateSettings(url=f"postgresql://civiclake_state@{database}/civiclake_state"),
            "engine": base.engine.model_copy(update=engines),
        }
    )
    made.secrets_dir.mkdir(mode=0o700)
    key = secrets.ensure(city.settings, _KEY)  # what is one person there must be the same here
    (made.secrets_dir / _KEY).write_text(key)
    return City(made)


def up(there: City, here: City) -> None:
    """Start all of it."""
    settings = there.settings
    compiled = load_city(settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
    manifest.write(compiled, settings.manifest_path)
    server = postgres.start(
        settings.state_dir / "postgres", settings.postgres.port,
        secrets.ensure(settings, "postgres_superuser"), run_dir=settings.run_dir,
        options={"fsync": "off"},
    )  # fmt: skip
    stores.make_state(settings, server)
    stores.start(settings)
    engine.up(settings)
    airflow.up(settings, compiled, server, sources=sources.environment(here.settings))
    there.api.wait_parsed(DEPARTMENTS, there.began)


def down(settings: Settings) -> None:
    """Stop what was started."""
    airflow.down(settings)
    engine.down(settings)
    stores.stop(settings)
    postgres.stop(settings.run_dir)
