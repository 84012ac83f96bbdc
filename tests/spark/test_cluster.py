"""The same nights on one engine's disk and on a cluster over S3: one content, one account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cluster_city
import pytest
from histories_city import trees
from nights import Nights
from pyspark.sql import SparkSession

from civiclake.contracts.model import History, Load
from civiclake.engine import session
from civiclake.settings import Settings

NIGHTS = (
    "tree_id,species,rings\nt1,oak,7\nt2,,\nt3,elm,many\nt4,ash,1\n",
    "tree_id,species,rings\nt1,oak,8\nt4,ash,1\n,fir,2\nt5,\u6a1f,3\n",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Settings]:
    with cluster_city.started() as found:
        yield found


@pytest.fixture(scope="module")
def there(cluster: Settings) -> Iterator[SparkSession]:
    made = session.connect(cluster)
    session.suit(made, 0)
    yield made
    made.stop()


def test_two_nights_are_the_same_on_a_cluster(
    settings: Settings,
    spark: SparkSession,
    cluster: Settings,
    there: SparkSession,
    tmp_path: Path,
) -> None:
    dataset = trees(tmp_path, Load.SNAPSHOT, History.HISTORY)
    told = [
        _nights(Nights(s, of, state, dataset))
        for state, s, of in (
            (tmp_path / "disk", settings, spark),
            (cluster.state_dir, cluster, there),
        )
    ]
    assert told[0] == told[1]


def _nights(nights: Nights) -> Any:
    done = [nights.run(f"n{i}", text) for i, text in enumerate(NIGHTS, 1)]
    kept = [one.model_dump(exclude={"seconds", "data_docs"}) for one in done]
    return kept, nights.table(), nights.quarantine()
