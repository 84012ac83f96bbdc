"""The sample city's timetable and positions as the lake would have them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from demo.city import gtfs
from demo.city.residents import City
from demo.city.tables import transport

PARAMETERS = {"timezone": "Asia/Shanghai"}
SCHEMAS = {
    "transport.routes": "route_id string, route_type string",
    "transport.trips": "trip_id string, route_id string, service_id string, direction_id int,"
    " block_id string, shape_id string",
    "transport.stops": "stop_id string, stop_lat double, stop_lon double",
    "transport.stop_times": "trip_id string, stop_sequence int, stop_id string,"
    " arrival_time string, departure_time string",
    "transport.shapes": "shape_id string, shape_pt_sequence int, shape_pt_lat double,"
    " shape_pt_lon double",
    "transport.calendar": "service_id string, monday int, tuesday int, wednesday int,"
    " thursday int, friday int, saturday int, sunday int, start_date date, end_date date",
    "transport.calendar_dates": "service_id string, date date, exception_type int",
    "transport.frequencies": "trip_id string, start_time string, end_time string,"
    " headway_secs int, exact_times int",
    "transport.vehicle_positions": "vehicle_id string, trip_id string, route_id string,"
    " direction_id int, start_date string, start_time string, timestamp timestamp,"
    " feed_timestamp timestamp, latitude double, longitude double, speed_m_per_s double,"
    " trip_schedule_relationship string",
}
_READ: dict[str, tuple[Callable[[str], Any], pa.DataType]] = {
    "int": (int, pa.int32()),
    "double": (float, pa.float64()),
    "string": (str, pa.string()),
    "timestamp": (datetime.fromisoformat, pa.timestamp("us", tz="UTC")),
    "date": (lambda text: datetime.strptime(text, "%Y%m%d").date(), pa.date32()),
}


def inputs(spark: SparkSession, city: City, days: list[int]) -> dict[str, DataFrame]:
    """The tables that transit reads, with the positions of some days."""
    seen = transport.VEHICLE_POSITIONS
    rows = [
        seen.make(city, day * transport.PART + n, 0)
        for day in days
        for n in range(transport.per_day(city, day))
    ]
    tables: dict[str, Any] = {f"transport.{n}": t for n, t in gtfs.tables(city).items()}
    tables[seen.id] = (seen.columns, rows)
    found = {}
    for name, schema in SCHEMAS.items():
        head, body = tables[name]
        types = dict(column.split() for column in schema.split(", "))
        columns = [column for column in types if column in head]
        arrays = {c: _array(types[c], [row[head.index(c)] for row in body]) for c in columns}
        found[name] = spark.createDataFrame(pa.table(arrays))
    return found


def _array(kind: str, values: list[Any]) -> pa.Array:
    read, arrow = _READ[kind]
    return pa.array([None if v is None else read(str(v)) for v in values], arrow)
