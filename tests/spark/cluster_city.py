"""A cluster of one host with all that it shares: master, workers, object store, database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from civiclake import engine, secrets
from civiclake.engine import jars
from civiclake.local import objects, postgres, stores
from civiclake.local.process import free_ports
from civiclake.settings import Settings, load_settings
from civiclake.settings_engine import ClusterSettings
from civiclake.settings_stores import LandingSettings, StateSettings, StoreSettings

LAKE, LANDING = "city-lake", "city-landing"


def settings_of(root: Path, workers: int = 2) -> Settings:
    """The profile `cluster` on free ports."""
    connect, sql, database, master, store, *_ = free_ports(5 + objects.INTERNAL_PORTS)
    base = load_settings()
    endpoint = f"http://{objects.HOST}:{store}"
    where = f"postgresql://civiclake_state@{postgres.HOST}:{database}/civiclake_state"
    engines = {
        "connect_port": connect,
        "sql_port": sql,
        "master": f"spark://127.0.0.1:{master}",
        "cluster": ClusterSettings(workers=workers, cores=1, memory="1g"),
        "jobs_memory": "2g",
        "sql_memory": "1g",
        "sql_nice": 0,
        "remote": None,
    }
    return base.model_copy(
        update={
            "state_dir": root,
            "lake_uri": f"s3a://{LAKE}/lake",
            "store": StoreSettings(endpoint=endpoint, is_here=True),
            "landing": LandingSettings(url=f"s3://{LANDING}/landing", endpoint=endpoint),
            "state": StateSettings(url=where),
            "postgres": base.postgres.model_copy(update={"port": database}),
            "engine": base.engine.model_copy(update=engines),
        }
    )


@contextmanager
def started(workers: int = 2) -> Iterator[Settings]:
    """All of it, up; stopped and gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="civiclake-cluster-"))
    root.chmod(0o755)
    made = settings_of(root, workers)
    jars.fetch(made.jars_dir)
    jars.compile_jvm(made.jars_dir)
    try:
        server = postgres.start(
            root / "postgres", made.postgres.port, secrets.ensure(made, "postgres_superuser"),
            run_dir=made.run_dir, options={"fsync": "off"},
        )  # fmt: skip
        stores.make_state(made, server)
        stores.start(made)
        engine.up(made, echo=print)
        yield made
    finally:
        engine.down(made)
        stores.stop(made)
        postgres.stop(made.run_dir)
        shutil.rmtree(root, ignore_errors=True)
