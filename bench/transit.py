"""``python -m bench.transit``: positions matched to trips, beside one bare pass over them.

Both read the same Parquet in an engine of its own: the bare pass every column, and nothing else;
``transit_passages`` finds each position's trip, its place along the line and when each stop was
passed. Memory is that of the engine and of its Python workers. Results go to
``bench/results/transit.json``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from pyspark.sql import DataFrame, SparkSession

from bench.installation import installation
from bench.meter import Meter, of_engine
from civiclake.applications.transit import passages
from civiclake.cli.console import say, show_table
from civiclake.engine.session import connect

RESULTS = Path(__file__).parent / "results" / "transit.json"
PARAMETERS = {"timezone": "Asia/Shanghai"}
DAYS, LINES, SHAPE_POINTS, STOPS, EVERY_S, TRIP_S = 7, 100, 60, 24, 60, 3600
FIRST = date(2016, 3, 1)
LENGTH_DEGREES = 0.18
TIMES = 3.0
"""What matching may cost, in bare passes."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(positions: Annotated[int, typer.Option(help="how many")] = 10_000_000) -> None:
    """Measure both, print a table, and keep it."""
    with installation() as (settings, _):
        spark = connect(settings)
        folder = settings.state_dir / "positions"
        folder.mkdir()
        trips = max(positions // (DAYS * LINES * 2 * (TRIP_S // EVERY_S)), 1)
        say(f"{positions:,} positions: {trips} trips a day of {LINES} lines, both ways")
        write(folder, trips)
        inputs = timetable(spark, settings.state_dir / "timetable", trips)
        inputs["transport.vehicle_positions"] = spark.read.parquet(str(folder))
        rows = inputs["transport.vehicle_positions"].count()
        pids = of_engine(settings)
        work: dict[str, Callable[[], DataFrame]] = {
            "warm up": lambda: passages.build(inputs, PARAMETERS).where("day = '2016-03-01'"),
            "bare pass": lambda: inputs["transport.vehicle_positions"],
            "matched": lambda: passages.build(inputs, PARAMETERS),
        }
        found = [_measured(name, make, rows, pids) for name, make in work.items()]
        spark.stop()
    bare, matched = (one["cpu_seconds"] for one in found[1:])
    found[2]["times"] = round(matched / bare, 2)
    RESULTS.write_text(json.dumps(found[1:], indent=1) + "\n")
    show_table(list(found[2]), [list({**dict.fromkeys(found[2], ""), **m}.values()) for m in found])
    say(f"matching costs {matched / bare:.2f} bare passes; at most {TIMES} are promised")


def _measured(
    name: str, make: Callable[[], DataFrame], rows: int, pids: list[int]
) -> dict[str, Any]:
    with Meter(pids) as meter:
        make().write.format("noop").mode("overwrite").save()
    return {
        "work": name,
        "positions": rows,
        "wall_seconds": round(meter.wall_seconds, 2),
        "cpu_seconds": round(meter.cpu_seconds, 2),
        "peak_mb": meter.peak_mb,
    }


def _shape(line: int) -> tuple[np.ndarray, np.ndarray]:
    """A winding way of some 18 km, one parallel a line."""
    part = np.linspace(0, 1, SHAPE_POINTS)
    return 25 + 0.002 * line + 0.004 * np.sin(part * 12), 102.6 + LENGTH_DEGREES * part


def _trip(line: int, direction: int, number: int) -> str:
    return f"L{line}-{direction}-{number:04d}"


def write(folder: Path, trips: int) -> None:
    """One file of positions for each day and half of the lines, by time."""
    for day in range(DAYS):
        for half in range(2):
            parts = [
                _of_line(day, line, direction, trips)
                for line in range(half, LINES, 2)
                for direction in (0, 1)
            ]
            table = pa.concat_tables(parts).sort_by("timestamp")
            pq.write_table(table, folder / f"{day}-{half}.parquet", compression="zstd")


def _of_line(day: int, line: int, direction: int, trips: int) -> pa.Table:
    random = np.random.default_rng([day, line, direction])
    count = TRIP_S // EVERY_S
    number = np.repeat(np.arange(trips), count)
    second = np.tile(np.arange(count) * EVERY_S, trips)
    late = np.repeat(random.uniform(-30, 120, trips), count)
    start = _starts(trips)[number]
    part = np.clip(second / (TRIP_S - EVERY_S), 0, 1)
    latitude, longitude = _shape(line)
    where = part if direction == 0 else 1 - part
    at = np.linspace(0, 1, SHAPE_POINTS)
    zero = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=day, hours=-8)
    micros = ((zero.timestamp() + start + second + late) * 1e6).astype(np.int64)
    when = pa.array(micros).cast(pa.timestamp("us", tz="UTC"))
    rows = len(number)
    names = np.asarray([_trip(line, direction, n) for n in range(trips)], dtype=object)
    noise = random.normal(0, 1e-4, (2, rows))
    return pa.table(
        {
            "vehicle_id": names[number],
            "timestamp": when,
            "trip_id": names[number],
            "route_id": [f"L{line}"] * rows,
            "direction_id": pa.array(np.full(rows, direction), pa.int32()),
            "start_date": [f"{FIRST + timedelta(days=day):%Y%m%d}"] * rows,
            "start_time": pa.nulls(rows, pa.string()),
            "stop_id": pa.nulls(rows, pa.string()),
            "current_stop_sequence": pa.array((part * (STOPS - 1)).astype(np.int32)),
            "latitude": np.interp(where, at, latitude) + noise[0],
            "longitude": np.interp(where, at, longitude) + noise[1],
            "speed_m_per_s": random.uniform(0, 15, rows).round(1),
            "feed_timestamp": when,
            "trip_schedule_relationship": ["SCHEDULED"] * rows,
        }
    )


def _starts(trips: int) -> np.ndarray:
    return 5 * 3600 + np.arange(trips) * (17 * 3600 // max(trips, 1))


def timetable(spark: SparkSession, folder: Path, trips: int) -> dict[str, DataFrame]:
    """The tables of the network that the positions are of, written as Parquet."""
    found = {}
    often = "trip_id string, start_time string, end_time string, headway_secs int, exact_times int"
    made = [*_tables(trips), ("frequencies", [often]),
            ("calendar_dates", ["service_id string, date date, exception_type int"])]  # fmt: skip
    for name, (head, *rows) in made:
        path = str(folder / name)
        frame = spark.createDataFrame(pd.DataFrame(rows), head) if rows else (
            spark.createDataFrame([], head))  # fmt: skip
        frame.write.parquet(path)
        found[f"transport.{name}"] = spark.read.parquet(path)
    return found


def _tables(trips: int) -> Iterator[tuple[str, list[Any]]]:
    """Names and rows of tables; the first of each is its schema."""
    ways = [(line, direction) for line in range(LINES) for direction in (0, 1)]
    each = [(line, way, n) for line, way in ways for n in range(trips)]
    yield "trips", [_TRIP, *(
        (_trip(*one), f"L{one[0]}", "all", one[1], None, f"{one[0]}-{one[1]}") for one in each
    )]  # fmt: skip
    yield "stops", [_STOP, *_stops()]
    starts = _starts(trips)
    yield "stop_times", [_CALL, *(
        (_trip(line, way, n), k, f"{line}-{k if way == 0 else STOPS - 1 - k}", t, t)
        for line, way, n in each
        for k, t in enumerate(_times(int(starts[n])))
    )]  # fmt: skip
    yield "shapes", [_POINT, *(
        (f"{line}-{way}", n, float(a), float(b))
        for line, way in ways
        for n, (a, b) in enumerate(list(zip(*_shape(line), strict=True))[:: 1 - 2 * way])
    )]  # fmt: skip
    week = ", ".join(f"{day} int" for day in _WEEK)
    end = FIRST + timedelta(days=DAYS - 1)
    yield (
        "calendar",
        [
            f"service_id string, {week}, start_date date, end_date date",
            ("all", *[1] * 7, FIRST, end),
        ],
    )


def _stops() -> Iterator[tuple[str, float, float]]:
    at = np.linspace(0, 1, STOPS)
    for line in range(LINES):
        for n, (a, b) in enumerate(zip(*_along(line, at), strict=True)):
            yield f"{line}-{n}", float(a), float(b)


_TRIP = (
    "trip_id string, route_id string, service_id string, direction_id int, block_id string,"
    " shape_id string"
)
_STOP = "stop_id string, stop_lat double, stop_lon double"
_CALL = (
    "trip_id string, stop_sequence int, stop_id string, arrival_time string, departure_time string"
)
_POINT = "shape_id string, shape_pt_sequence int, shape_pt_lat double, shape_pt_lon double"
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _along(line: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    latitude, longitude = _shape(line)
    points = np.linspace(0, 1, SHAPE_POINTS)
    return np.interp(at, points, latitude), np.interp(at, points, longitude)


def _times(start: int) -> list[str]:
    seconds = [start + k * (TRIP_S - EVERY_S) // (STOPS - 1) for k in range(STOPS)]
    return [f"{s // 3600}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds]


if __name__ == "__main__":
    app()
