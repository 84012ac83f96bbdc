"""Rows of vehicle positions as a GTFS-Realtime snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from google.transit import gtfs_realtime_pb2 as pb

from demo.city.table import Row

_PLACES = {
    "trip_id": ("trip", "trip_id"),
    "route_id": ("trip", "route_id"),
    "direction_id": ("trip", "direction_id"),
    "start_date": ("trip", "start_date"),
    "start_time": ("trip", "start_time"),
    "trip_schedule_relationship": ("trip", "schedule_relationship"),
    "vehicle_id": ("vehicle", "id"),
    "latitude": ("position", "latitude"),
    "longitude": ("position", "longitude"),
    "speed_m_per_s": ("position", "speed"),
    "current_stop_sequence": ("", "current_stop_sequence"),
    "stop_id": ("", "stop_id"),
    "timestamp": ("", "timestamp"),
}


def vehicle_positions(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """A whole snapshot; a column that is None is left out of its entity."""
    feed = pb.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.incrementality = pb.FeedHeader.FULL_DATASET
    for number, row in enumerate(rows):
        entity = feed.entity.add(id=str(number))
        for name, value in zip(columns, row, strict=True):
            if value is not None:
                _set(entity.vehicle, name, value)
        feed.header.timestamp = max(feed.header.timestamp, entity.vehicle.timestamp)
    return bytes(feed.SerializeToString())


def _set(vehicle: Any, name: str, value: Any) -> None:
    inside, field = _PLACES[name]
    holder = getattr(vehicle, inside) if inside else vehicle
    if name == "timestamp":
        value = int(datetime.fromisoformat(value).timestamp())
    elif field == "schedule_relationship":
        value = pb.TripDescriptor.ScheduleRelationship.Value(value)
    elif inside == "position":
        value = float(value)
    setattr(holder, field, value)
