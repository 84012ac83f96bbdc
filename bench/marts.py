"""``python -m bench.marts``: what the marts of transit, education and planning cost, one by one.

The tables that they read are filled from the sample city as the lake would serve them after its
first night. Each mart is then made by its own command, as the night does it: from nothing, and once
more where nothing has changed. Results go to ``bench/results/marts.json``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.installation import installation
from bench.meter import Meter, of_engine
from civiclake.cli.city import DEPLOYED
from civiclake.cli.console import say, show_table
from civiclake.contracts import manifest
from civiclake.contracts.inputs import Readable, address, readable
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest
from civiclake.engine.session import connect
from civiclake.io.lake import tables
from civiclake.settings import Settings, project_root
from demo.city import gtfs
from demo.city.deliveries import PAST
from demo.city.model import Model
from demo.city.residents import City
from demo.city.table import OLDER, TWICE
from demo.city.tables import transport

RESULTS = Path(__file__).parent / "results" / "marts.json"
APPLICATIONS = ("transit", "education", "planning")
WALL_S, IDLE_S = 90, 15
"""What all of them may take together; and on a night without a change."""
POSITIONS, LINK, LEARNERS = (
    transport.VEHICLE_POSITIONS.id,
    "links.person_link",
    "education.enrolments",
)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(residents: Annotated[int, typer.Option(help="of the sample city")] = 20_000) -> None:
    """Measure, print a table, and keep it."""
    root = project_root()
    city = load_city(root / "schemas", root / "expectations", root / "marts")
    names = [m.name for m in city.marts if m.application in APPLICATIONS]
    with installation() as (settings, env):
        spark = connect(settings)
        _fill(spark, settings, city, Model(City(20160101, residents)))
        spark.stop()
        pids = of_engine(settings)
        manifest.write(city, settings.manifest_path)  # the night's tasks have it from their DAGs
        env = {**os.environ, **env, DEPLOYED: str(settings.manifest_path.absolute())}
        found = [
            {"mart": name, **_made(name, env, pids)}
            for _ in ("from nothing", "without a change")
            for name in names
        ]
    nights = [found[: len(names)], found[len(names) :]]
    RESULTS.write_text(json.dumps({"residents": residents, "nights": nights}, indent=1) + "\n")
    for night, most in zip(nights, (WALL_S, IDLE_S), strict=True):
        show_table(list(night[0]), [list(row.values()) for row in night])
        wall, cpu = (sum(row[name] for row in night) for name in ("wall_seconds", "cpu_seconds"))
        say(f"together {wall:.1f} s, {cpu:.1f} CPU seconds; at most {most} s are promised")


def _made(name: str, env: dict[str, str], pids: list[int]) -> dict[str, Any]:
    program = project_root() / "bin" / "civiclake"
    with Meter(pids) as meter:
        done = subprocess.run(
            [str(program), "mart", name], env=env, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"mart {name} failed: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    say(f"{name}: {meter.wall_seconds:.1f} s, {meter.cpu_seconds:.1f} CPU seconds")
    return {
        "rows": told["read"],
        "said": told["message"],
        "wall_seconds": round(meter.wall_seconds, 2),
        "cpu_seconds": round(meter.cpu_seconds, 2),
    }


def _fill(spark: SparkSession, settings: Settings, city: Manifest, model: Model) -> None:
    """Write the tables that the marts read, and no others."""
    own = {m.id for m in city.marts}
    wanted = {i for m in city.marts if m.application in APPLICATIONS for i in m.inputs} - own
    known = readable(city.datasets, city.marts, city.links)
    for name in sorted(wanted):
        layer, table = address(name)
        frame = _link(spark, model) if name == LINK else _rows(spark, model, known[name])
        if name != LINK:
            tables.create_unified(spark, settings, city.dataset(name))
        place = tables.location(settings, layer, table)
        frame.write.format("delta").mode("append").option("mergeSchema", "true").save(place)
        say(f"{name}: {frame.count():,} rows")


def _rows(spark: SparkSession, model: Model, one: Readable) -> DataFrame:
    """The rows of a dataset, as the lake would serve them, with when they were written."""
    head, rows = _given(model, one.id)
    names = [name for name in head if name in one.columns]
    texts = pd.DataFrame(list(rows), columns=list(head), dtype=object)[names]
    texts = texts.map(lambda value: None if value is None else str(value))
    if "sex" in texts:
        texts["sex"] = texts["sex"].replace({"M": "1", "F": "2"})
    frame = spark.createDataFrame(texts, ", ".join(f"`{name}` string" for name in names))
    typed = frame.select([_typed(name, one.columns[name]) for name in names])
    return typed.withColumns(
        {
            "_sequence": F.timestamp_seconds(F.lit(0)),
            "_batch_id": F.lit("bench"),
            "_record_id": F.monotonically_increasing_id().cast("string"),
        }
    )


def _typed(name: str, kind: str) -> Any:
    if kind == "date":  # a timetable writes 20160101
        dashed = F.regexp_replace(name, r"^(\d{4})(\d{2})(\d{2})$", "$1-$2-$3")
        return dashed.cast("date").alias(name)
    return F.col(name).cast(kind).alias(name)


def _given(model: Model, name: str) -> tuple[Sequence[str], Iterator[Any]]:
    city, seen = model.city, transport.VEHICLE_POSITIONS
    if name == POSITIONS:
        numbers = (
            day * transport.PART + n
            for day in range(PAST)
            for n in range(transport.per_day(city, day))
        )
        return seen.columns, (seen.make(city, number, 0) for number in numbers)
    if name.startswith("transport."):
        head, rows = gtfs.tables(city)[name.partition(".")[2]]
        return head, iter(rows)
    series: Any = model.series[name]
    served = (n for n in range(series.size) if series.special.get(n, TWICE) in (TWICE, OLDER))
    return series.shape.columns, (series.clean(n) for n in served)


def _link(spark: SparkSession, model: Model) -> DataFrame:
    """Who is who, as it is: the linkage is another command's work."""
    series: Any = model.series[LEARNERS]
    rows = [
        (LEARNERS, series.shape.label.format(n), f"P{series.shape.who(model.city, n)}")
        for n in range(series.size)
    ]
    frame = spark.createDataFrame(rows, "dataset string, record_key string, person_id string")
    return frame.withColumn("valid_to", F.lit(None).cast("timestamp"))


if __name__ == "__main__":
    app()
