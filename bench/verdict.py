"""The verdict and the split of rows alone, beside one pass that is written by hand.

Both run in the same warm engine, from the same raw rows into the same kind of sink: two Parquet
folders, one of good rows and one of the others with their reasons. CivicLake judges the batch by
Great Expectations as well, counts every rule twice and compares, and finds the keys that come
twice; the pass by hand only evaluates the rules.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench import results
from bench.installation import folder_bytes
from bench.meter import Meter, of_engine
from bench.peers import pyspark_delta
from bench.product import BATCHES, STOPS, TAPS, Product
from bench.results import Cost
from bench.same import DifferentResult
from bench.taps.shape import COLUMNS
from civiclake import columns as c
from civiclake.cli import city
from civiclake.cli.console import say
from civiclake.engine.session import connect, suit
from civiclake.io.lake import raw, tables
from civiclake.io.verdict import gx
from civiclake.pipeline.night import judge, verdicts
from civiclake.pipeline.night.batch import Batch
from civiclake.settings import Settings
from civiclake.steps.validate import reasons

Split = Callable[[SparkSession, Settings, DataFrame, Path], None]


def costs(product: Product, slug: str, rows: int, runs: int) -> list[Cost]:
    """Measure both in turn, after one run of each that is not measured.

    Args:
        product: whose engine does the work.
        slug: a state whose night's raw rows are taken.
        rows: how many they are.
        runs: repeats.
    """
    settings = product.state(slug)
    found: dict[str, list[Cost]] = defaultdict(list)
    ways: dict[str, Split] = {"civiclake": _by_product, "one pass by hand": _by_hand}
    broken: dict[str, int] = {}
    for number in range(runs + 1):
        for name, split in ways.items():
            cost, broken[name] = _once(settings, name, split, rows)
            if number:
                found[name].append(cost)
    if len(set(broken.values())) != 1:
        raise DifferentResult(f"the verdicts differ: {broken}")
    return [results.median(one) for one in found.values()]


def _once(settings: Settings, name: str, split: Split, rows: int) -> tuple[Cost, int]:
    """One run; its cost, and how many rows were found to be broken."""
    sink = Path(tempfile.mkdtemp(prefix="sink-", dir=settings.state_dir))
    spark = connect(settings)
    try:
        suit(spark, rows)
        table = tables.by_path(settings, tables.RAW, TAPS.replace(".", "_"))
        came = raw.read_batch(spark, table, BATCHES["changes"])
        with Meter(of_engine(settings), with_itself=True) as meter:
            split(spark, settings, came, sink)
        broken = spark.read.parquet(str(sink / "bad")).count()
    finally:
        spark.stop()
    title = f"verdict and split of {rows:,} rows by 20 rules"
    cost = meter.cost(title, rows, folder_bytes(sink), engine=name)
    shutil.rmtree(sink)
    say(f"{cost.work}: {name}: {cost.wall_seconds} s, CPU {cost.cpu_seconds} s")
    return cost, broken


def _by_product(spark: SparkSession, settings: Settings, came: DataFrame, sink: Path) -> None:
    dataset = city.dataset(settings, TAPS)
    batch = Batch(spark, settings, dataset, "bench-verdict", attempt=1)
    judged = judge.judge_rows(batch, came)
    frame, asked = verdicts.for_verdict(batch, judged)
    verdict = gx.judge(frame, asked, batch.batch_id)
    verdicts.compare_counts(batch, judged, verdict)
    verdicts.hold_unless_sound(batch, judged, verdict)
    good = F.col(c.FATE) == c.FATE_GOOD
    values = [column.name for column in dataset.columns]
    judged.frame.where(good).select(*values).write.parquet(str(sink / "good"))
    why = reasons(judged.rules, dataset, judged.by_reason).alias("why")
    bad = judged.frame.where(~F.col(c.IS_SOUND)).select(c.RAW, why)
    bad.write.parquet(str(sink / "bad"))
    shutil.rmtree(Path(batch.staging("x")).parent)


def _by_hand(spark: SparkSession, settings: Settings, came: DataFrame, sink: Path) -> None:
    stops = spark.table(tables.by_path(settings, tables.UNIFIED, STOPS.replace(".", "_")))
    judged = pyspark_delta.judge(came, stops.select("stop_code"))
    # One pass: rows go into one of two folders as they are judged.
    is_bad = F.size("reasons") > 0
    as_it_came = F.when(is_bad, F.struct(*[n for n in judged.columns if n.startswith("raw_")]))
    place = F.when(is_bad, "bad").otherwise("good").alias("place")
    passed = sink / "passed"
    rows = judged.select(*COLUMNS, as_it_came.alias("raw"), "reasons", place)
    rows.write.partitionBy("place").parquet(str(passed))
    for name in ("good", "bad"):
        (passed / f"place={name}").rename(sink / name)
