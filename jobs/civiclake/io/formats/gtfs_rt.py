"""GTFS-Realtime: a protobuf snapshot of vehicle positions, trip updates or alerts.

``records`` says which entities a dataset takes (``vehicle``, ``trip_update``,
``stop_time_update``, ``alert``): one entity a row, or one predicted stop a row. The columns
are fixed and stand in :data:`COLUMNS`; a contract names those that it wants. Times are
instants in UTC, enumerations the words of the specification (the number, where it is newer than
the bindings that this reader has), lists JSON text.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from google.transit import gtfs_realtime_pb2 as pb

from civiclake.contracts.model import Dataset
from civiclake.io.formats.table import Table
from civiclake.io.formats.text import cell
from civiclake.io.reading.inspect import Unreadable

MAX_BYTES = 64 << 20
"""A snapshot is read as a whole; the largest that agencies publish have about 10 MiB."""

_FEED = ("entity_id", "feed_timestamp")
_TRIP = {
    "trip_id": "trip.trip_id",
    "route_id": "trip.route_id",
    "direction_id": "trip.direction_id",
    "start_date": "trip.start_date",
    "start_time": "trip.start_time",
    "trip_schedule_relationship": "trip.schedule_relationship",
}
_VEHICLE = {
    "vehicle_id": "vehicle.id",
    "vehicle_label": "vehicle.label",
    "license_plate": "vehicle.license_plate",
}
_PATHS: dict[str, dict[str, str]] = {
    "vehicle": {
        **_TRIP,
        **_VEHICLE,
        "latitude": "position.latitude",
        "longitude": "position.longitude",
        "bearing": "position.bearing",
        "odometer_m": "position.odometer",
        "speed_m_per_s": "position.speed",
        "current_stop_sequence": "current_stop_sequence",
        "stop_id": "stop_id",
        "current_status": "current_status",
        "timestamp": "timestamp",
        "congestion_level": "congestion_level",
        "occupancy_status": "occupancy_status",
        "occupancy_percentage": "occupancy_percentage",
    },
    "trip_update": {
        **_TRIP,
        **_VEHICLE,
        "timestamp": "timestamp",
        "delay_s": "delay",
        "stop_time_updates": "stop_time_update",
    },
    "stop_time_update": {
        **_TRIP,
        **_VEHICLE,
        "timestamp": "timestamp",
        "stop_sequence": "stop.stop_sequence",
        "stop_id": "stop.stop_id",
        "arrival_delay_s": "stop.arrival.delay",
        "arrival_time": "stop.arrival.time",
        "departure_delay_s": "stop.departure.delay",
        "departure_time": "stop.departure.time",
        "stop_schedule_relationship": "stop.schedule_relationship",
    },
    "alert": {
        "active_periods": "active_period",
        "informed_entities": "informed_entity",
        "cause": "cause",
        "effect": "effect",
        "severity_level": "severity_level",
        "url": "url",
        "header_text": "header_text",
        "description_text": "description_text",
    },
}
COLUMNS = {kind: (*_FEED, *paths) for kind, paths in _PATHS.items()}
"""Columns of each kind of record."""

_VARINT = 0
"""How a number stands on the wire."""
_INSTANTS = ("timestamp", "time", "start", "end")


def read(binary: io.BufferedIOBase, dataset: Dataset) -> Table:
    """One row for each entity of the kind that ``records`` says; the header is the standard's
    as far as the contract wants it."""
    kind = str(dataset.source.records)
    wanted = {name for c in dataset.columns for name in (c.source_name, *c.also)}
    header = [name for name in COLUMNS[kind] if name in wanted]
    return Table(header, _rows(_feed(binary), kind, header))


def _feed(binary: io.BufferedIOBase) -> Any:
    data = binary.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unreadable(f"it is a snapshot of over {MAX_BYTES >> 20} MiB")
    feed = pb.FeedMessage()
    try:
        feed.ParseFromString(data)
    except DecodeError as error:
        raise Unreadable(f"it is no whole GTFS-Realtime feed ({error})") from None
    if not feed.IsInitialized():
        missing = ", ".join(feed.FindInitializationErrors()[:5])
        raise Unreadable(f"it is no whole GTFS-Realtime feed ({missing} is missing)")
    if feed.header.incrementality != pb.FeedHeader.FULL_DATASET:
        raise Unreadable("it is a differential feed; allowed is a snapshot (FULL_DATASET)")
    return feed


def _rows(feed: Any, kind: str, header: list[str]) -> Iterator[list[str | None]]:
    made = _instant(feed.header.timestamp) if feed.header.timestamp else None
    field = "trip_update" if kind == "stop_time_update" else kind
    for entity in feed.entity:
        if not entity.HasField(field):
            continue
        message = getattr(entity, field)
        own = {"entity_id": entity.id, "feed_timestamp": made}
        for stop in message.stop_time_update if kind == "stop_time_update" else (None,):
            yield [
                cell(own[name]) if name in own else _at(message, stop, _PATHS[kind][name])
                for name in header
            ]


def _at(message: Any, stop: Any, path: str) -> str | None:
    """The text at a path; None where the feed says nothing."""
    steps = path.split(".")
    if steps[0] == "stop":
        message, steps = stop, steps[1:]
    for step in steps[:-1]:
        if not message.HasField(step):
            return None
        message = getattr(message, step)
    field = message.DESCRIPTOR.fields_by_name[steps[-1]]
    if field.is_repeated:
        return cell([_plain(item) for item in getattr(message, field.name)] or None)
    if not message.HasField(field.name):
        return _unknown(message, field)
    return cell(_value(field, getattr(message, field.name)))


def _value(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if field.message_type is not None:
        return _plain(value)
    if field.type == field.TYPE_FLOAT:
        # The shortest text that is this 32-bit number: 39.9042, not 39.90420150756836.
        return np.format_float_positional(np.float32(value), trim="-")
    return _instant(value) if field.name in _INSTANTS and isinstance(value, int) else value


def _plain(message: Any) -> Any:
    """A message as what JSON text holds; a text with one translation is that text."""
    if message.DESCRIPTOR.name == "TranslatedString" and len(message.translation) == 1:
        return message.translation[0].text
    found = {}
    for field, value in message.ListFields():
        many = field.is_repeated
        items = [_inner(field, item) for item in (value if many else (value,))]
        found[field.name] = items if many else items[0]
    for field in message.DESCRIPTOR.fields:
        if field.name not in found and (number := _unknown(message, field)) is not None:
            found[field.name] = number
    return found


def _unknown(message: Any, field: Any) -> str | None:
    """The number of an enumeration's value that is newer than the bindings.

    They take the field for absent then, and keep what came among the fields that they don't know.
    """
    if field.enum_type is None or field.is_repeated:
        return None
    numbers = [
        found.data
        for found in UnknownFieldSet(message)
        if found.field_number == field.number and found.wire_type == _VARINT
    ]
    # On the wire a negative number has 64 bits without a sign.
    return str(numbers[-1] - (numbers[-1] >> 63 << 64)) if numbers else None


def _inner(field: Any, value: Any) -> Any:
    return _plain(value) if field.message_type is not None else _value(field, value)


def _instant(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
