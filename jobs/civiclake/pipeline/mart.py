"""``civiclake mart``: one cross-department table, built from unified tables by its SQL file."""

from __future__ import annotations

import logging

from pyspark.sql import SparkSession

from civiclake.contracts.faults import choice, did_you_mean
from civiclake.contracts.model import Manifest, Mart
from civiclake.errors import CivicLakeError, UserError
from civiclake.io import lake, ledger
from civiclake.io.account import BatchResult
from civiclake.io.ledger import Recorder
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)


def build(settings: Settings, city: Manifest, name: str, batch_id: str) -> BatchResult:
    """Replace a mart by what its query gives now, in one Delta commit.

    Args:
        settings: of this installation.
        city: the compiled contracts.
        name: the mart, such as ``visits_by_weather``.
        batch_id: the night that it is built for.

    Returns:
        Its account: every row read from the query is written.

    Raises:
        UserError: there is no such mart, or an input was never loaded.
    """
    mart = _find(city, name)
    result = BatchResult(dataset=f"marts.{name}", batch_id=batch_id, attempt=1, status="failed")
    recorder = Recorder()
    with writing(settings, f"mart_{name}", batch_id) as (spark, _):
        try:
            with recorder.step("build"):
                result.read = result.inserted = _replace(spark, settings, mart)
            result.status = "merged"
        except CivicLakeError as error:
            result.message = str(error)
            raise
        finally:
            result.seconds = round(recorder.seconds, 2)
            ledger.record(spark, settings, result, recorder, contract_version="")
    log.info("marts.%s: %d rows", name, result.read)
    return result


def _find(city: Manifest, name: str) -> Mart:
    known = {m.name: m for m in city.marts}
    if name not in known:
        hint = did_you_mean(name, known)
        raise UserError(f"there is no mart {name!r}; allowed are {choice(known)}{hint}")
    return known[name]


def _replace(spark: SparkSession, settings: Settings, mart: Mart) -> int:
    for dataset_id in mart.inputs:
        table = dataset_id.replace(".", "_", 1)
        if not lake.exists(spark, settings, lake.UNIFIED, table):
            raise UserError(
                f"marts.{mart.name}: its input {dataset_id} was never loaded;"
                f" run `civiclake load {dataset_id}` first"
            )
        lake.register(spark, settings, lake.UNIFIED, table)
    query = (settings.marts_dir / f"{mart.name}.sql").read_text(encoding="utf-8")
    target = lake.by_path(settings, lake.MARTS, mart.name)
    spark.sql(f"CREATE OR REPLACE TABLE {target} USING DELTA AS\n{query}")
    return spark.table(target).count()
