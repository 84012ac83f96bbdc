"""``python -m bench.cluster``: what a small batch costs on a cluster over S3, beside one machine.

The eight small datasets of ``bench.small`` are loaded in turn by both, night by night, on the same
two cores: by one engine on the disk, and by a driver and two executors of one core over an object
store. The first nights warm both and don't count. Requests are those that reach the store, of the
engine and of the client. Results go to ``bench/results/cluster.json``.
"""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from bench.installation import fresh, installation
from bench.small_task import Lake
from bench.store_requests import counted
from civiclake.cli.console import say, show_table
from civiclake.engine.session import connect, suit
from civiclake.local import stores
from civiclake.settings import Settings
from civiclake.settings_stores import StoreSettings
from demo import cluster

RESULTS = Path(__file__).parent / "results" / "cluster.json"
OVERHEAD, REQUESTS = 1.5, 250
"""What a small night may take in local ones, and requests of a small batch."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(
    nights: Annotated[int, typer.Option(help="Nights that count.")] = 3,
    warm: Annotated[int, typer.Option(help="Nights before them.")] = 3,
) -> None:
    """Measure both, print a table, and keep it."""
    walls: dict[str, list[float]] = {"one machine": [], "cluster": []}
    asked: list[int] = []
    with ExitStack() as stack:
        here, _ = stack.enter_context(installation())
        there, seen = stack.enter_context(_cluster())
        lakes = {"one machine": Lake(here), "cluster": Lake(there)}
        for night in range(1, warm + nights + 1):
            for name, lake in lakes.items():
                lake.extract()
                before, began = seen.total(), time.monotonic()
                lake.load()
                walls[name].append(round((time.monotonic() - began) / len(lake.datasets), 2))
                if name == "cluster":
                    asked.append(round((seen.total() - before) / len(lake.datasets)))
            say(f"night {night}: {walls['one machine'][-1]} s a load on one machine,"
                f" {walls['cluster'][-1]} s and {asked[-1]} requests on the cluster")  # fmt: skip
        prints = [_content(lake) for lake in lakes.values()]
    _show({n: w[warm:] for n, w in walls.items()}, asked[warm:], dict(seen), prints)


def _content(lake: Lake) -> str:
    spark = connect(lake.settings)
    try:
        suit(spark, 0)
        return lake.fingerprint(spark)
    finally:
        spark.stop()


@contextmanager
def _cluster() -> Iterator[tuple[Settings, Counter[str]]]:
    """The cluster, whose store is asked through a proxy that counts."""
    base = fresh()
    made = cluster.on_free_ports(base)
    port = urlsplit(made.store.endpoint).port or 0
    with counted(port) as (proxy, seen):
        endpoint = f"http://127.0.0.1:{proxy}"
        through = made.model_copy(
            update={
                "store": StoreSettings(endpoint=endpoint),
                "landing": made.landing.model_copy(update={"endpoint": endpoint}),
            }
        )
        try:
            stores.start(made)
            cluster.start(through)
            yield through, seen
        finally:
            stores.stop(made)
            cluster.stop(through)
            shutil.rmtree(base.state_dir, ignore_errors=True)


def _show(
    walls: dict[str, list[float]], asked: list[int], methods: dict[str, int], prints: list[str]
) -> None:
    here, there = (statistics.median(walls[name]) for name in ("one machine", "cluster"))
    found = {
        "one_machine_wall_seconds": here,
        "cluster_wall_seconds": there,
        "times": round(there / here, 2),
        "requests": round(statistics.median(asked)),
        "methods": methods,
        "is_same_content": len(set(prints)) == 1,
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    rows = [
        ("a small load on one machine", f"{here} s", ""),
        ("the same on a cluster over S3", f"{there} s", ""),
        ("times", f"{found['times']}", f"at most {OVERHEAD}"),
        ("requests of a small batch", f"{found['requests']}", f"at most {REQUESTS}"),
        ("the same content", str(found["is_same_content"]), "True"),
    ]
    show_table(("what", "found", "bar"), rows)


if __name__ == "__main__":
    app()
