"""The profile `cluster` on free ports: what trials, benchmarks and tests of a cluster run on."""

from __future__ import annotations

from collections.abc import Collection

from civiclake import engine, secrets
from civiclake.local import objects, postgres, stores
from civiclake.local.ports import free_ports, free_row
from civiclake.settings import Settings
from civiclake.settings_engine import ClusterSettings
from civiclake.settings_stores import LandingSettings, StateSettings, StoreSettings

LAKE, LANDING = "city-lake", "city-landing"


def on_free_ports(
    base: Settings, *, workers: int = 2, memory: str = "1g", taken: Collection[int] = ()
) -> Settings:
    """Settings of an installation whose tasks run on a cluster of this host.

    Args:
        base: the installation; its own ports stay.
        workers: how many, of one core each.
        memory: of each.
        taken: ports that are spoken for.
    """
    store, *internal = free_row(1 + objects.INTERNAL_PORTS, taken=taken)
    (master,) = free_ports(1, taken={*taken, store, *internal})
    endpoint = f"http://{objects.HOST}:{store}"
    database = f"{postgres.HOST}:{base.postgres.port}"
    engines = {
        "master": f"spark://127.0.0.1:{master}",
        "cluster": ClusterSettings(workers=workers, cores=1, memory=memory),
    }
    return base.model_copy(
        update={
            "lake_uri": f"s3a://{LAKE}/lake",
            "store": StoreSettings(endpoint=endpoint, is_here=True),
            "landing": LandingSettings(url=f"s3://{LANDING}/landing", endpoint=endpoint),
            "state": StateSettings(url=f"postgresql://civiclake_state@{database}/civiclake_state"),
            "engine": base.engine.model_copy(update=engines),
        }
    )


def start(settings: Settings) -> postgres.Server:
    """Start all but Airflow; the server of the state, and of Airflow's metadata."""
    server = postgres.start(
        settings.state_dir / "postgres", settings.postgres.port,
        secrets.ensure(settings, "postgres_superuser"), run_dir=settings.run_dir,
        options={"fsync": "off"},
    )  # fmt: skip
    stores.make_state(settings, server)
    stores.start(settings)
    engine.up(settings)
    return server


def stop(settings: Settings) -> None:
    """Stop what was started."""
    engine.down(settings)
    stores.stop(settings)
    postgres.stop(settings.run_dir)
