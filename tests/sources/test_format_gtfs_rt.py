"""GTFS-Realtime feeds: their entities as rows, as text."""

from __future__ import annotations

import json

import pytest
from format_samples import (
    KEY,
    PLATES,
    columns_named,
    feed,
    land,
    read,
    records,
    vehicle,
)
from google.transit import gtfs_realtime_pb2 as pb
from source_city import City

from civiclake.contracts.read import file_format
from civiclake.io.formats import gtfs_rt
from civiclake.settings import project_root


def test_vehicle_positions(city: City) -> None:
    other = pb.FeedEntity(id="a1")
    other.alert.cause = pb.Alert.STRIKE
    content = feed(vehicle(), other)
    names = [n for n in gtfs_rt.COLUMNS["vehicle"] if n != "entity_id"]
    columns = [{**KEY, "name": "entity_id"}, *columns_named(*names)[1:]]
    manifest, _ = land(city, content, "gtfs_rt", records="vehicle", columns=columns)
    (found,) = records(city, manifest)
    assert {name: value for name, value in found.items() if value} == {
        "entity_id": "v1",
        "feed_timestamp": "2016-01-01T00:00:00Z",
        "trip_id": "trip-1",
        "route_id": "110",
        "trip_schedule_relationship": "SCHEDULED",
        "vehicle_id": "bus-7",
        "latitude": "39.9042",
        "longitude": "-116.4074",
        "speed_m_per_s": "7",
        "current_status": "STOPPED_AT",
        "timestamp": "2015-12-31T23:59:59Z",
    }


def test_trip_updates_and_their_stops(city: City) -> None:
    update = pb.FeedEntity(id="u1")
    update.trip_update.trip.trip_id = "trip-1"
    update.trip_update.delay = 90
    for number, delay in ((3, -30), (4, 120)):
        stop = update.trip_update.stop_time_update.add(stop_sequence=number, stop_id=f"s{number}")
        stop.arrival.delay = delay
        stop.arrival.time = 1451606400 + delay
    key = {**KEY, "name": "trip_id"}
    columns = [key, *columns_named("delay_s", "stop_time_updates")[1:]]
    manifest, _ = land(city, feed(update), "gtfs_rt", records="trip_update", columns=columns)
    (whole,) = records(city, manifest)
    assert (whole["trip_id"], whole["delay_s"]) == ("trip-1", "90")
    assert json.loads(whole["stop_time_updates"] or "")[0] == {
        "stop_sequence": 3,
        "arrival": {"delay": -30, "time": "2015-12-31T23:59:30Z"},
        "stop_id": "s3",
    }
    names = ("stop_sequence", "stop_id", "arrival_delay_s", "arrival_time", "departure_time")
    columns = [key, *columns_named(*names)[1:]]
    manifest, _ = land(city, feed(update), "gtfs_rt", records="stop_time_update", columns=columns)
    assert [list(record.values()) for record in records(city, manifest)] == [
        ["trip-1", "3", "s3", "-30", "2015-12-31T23:59:30Z", None],
        ["trip-1", "4", "s4", "120", "2016-01-01T00:02:00Z", None],
    ]


def test_alerts(city: City) -> None:
    entity = pb.FeedEntity(id="a1")
    entity.alert.cause = pb.Alert.STRIKE
    entity.alert.active_period.add(start=1451606400)
    entity.alert.informed_entity.add(route_id="110")
    entity.alert.header_text.translation.add(text="罢工", language="zh")
    columns = [
        {**KEY, "name": "entity_id"},
        *columns_named("cause", "header_text", "active_periods", "informed_entities")[1:],
    ]
    manifest, _ = land(city, feed(entity), "gtfs_rt", records="alert", columns=columns)
    assert records(city, manifest) == [
        {
            "entity_id": "a1",
            "cause": "STRIKE",
            "header_text": "罢工",
            "active_periods": '[{"start": "2016-01-01T00:00:00Z"}]',
            "informed_entities": '[{"route_id": "110"}]',
        }
    ]


def test_every_column_of_a_feed_is_documented() -> None:
    guide = (project_root() / "docs" / "guides" / "file-formats.md").read_text(encoding="utf-8")
    names = {name for columns in gtfs_rt.COLUMNS.values() for name in columns}
    assert {name for name in names if f"`{name}`" not in guide} == set()
    assert set(gtfs_rt.COLUMNS) == set(file_format.ENTITIES)


def test_a_feed_without_entities_is_a_quiet_one(city: City) -> None:
    own = {"records": "vehicle", "columns": PLATES, "limits": {"allow_empty": True}}
    manifest, _ = land(city, feed(), "gtfs_rt", **own)
    assert (manifest.rows, len(manifest.files)) == (0, 1)


@pytest.mark.parametrize(
    ("wire", "number"), [(b"\x63", "99"), (b"\xfd" + b"\xff" * 8 + b"\x01", "-3")]
)
def test_enumerations_newer_than_the_bindings_keep_their_number(wire: bytes, number: str) -> None:
    bus = vehicle()
    bus.vehicle.ClearField("current_status")
    bus.vehicle.MergeFromString(b"\x20" + wire)  # current_status, as a number
    (found,) = read(feed(bus), "gtfs_rt", {"current_status": "string"}, records="vehicle")
    assert found == {"current_status": number}


def test_such_a_number_inside_of_json() -> None:
    update = pb.FeedEntity(id="u1")
    update.trip_update.trip.trip_id = "trip-1"
    stop = update.trip_update.stop_time_update.add(stop_id="s1")
    stop.MergeFromString(b"\x28\x63")  # schedule_relationship: 99
    columns = {"stop_time_updates": "string"}
    (found,) = read(feed(update), "gtfs_rt", columns, records="trip_update")
    assert json.loads(found["stop_time_updates"] or "") == [
        {"stop_id": "s1", "schedule_relationship": "99"}
    ]
