"""Transit as a TIDES package: which tables, with which fields, from which rows.

TIDES 1.0 (Transit ITS Data Exchange Specification, tides-transit.org, CC BY 4.0) is a Frictionless
data package of CSV tables. All fields of a table are written, in the specification's order; what
the lake does not know is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VERSION = "1.0"
PROFILE = (
    "https://raw.githubusercontent.com/TIDES-transit/TIDES/v1.0/spec/tides-datapackage-profile.json"
)
_STOP = ("Scheduled", "Skipped", "Added", "Missing")
_TRIP = ("Scheduled", "Added", "Unscheduled", "Canceled", "Duplicated")
_NOW = ("Incoming at", "Stopped at", "In transit to")
_TYPE = (
    "In service", "Deadhead", "Layover", "Pullout", "Pullin", "Extra Pullout", "Extra Pullin",
    "Deadhead To Layover", "Deadhead From Layover", "Other not in service",
)  # fmt: skip
_MOMENT = "yyyy-MM-dd'T'HH:mm:ss'Z'"


@dataclass(frozen=True)
class Table:
    """A table of the package."""

    name: str
    description: str
    fields: str
    """Each as ``name:type``; ``!`` marks one that every row has, ``+`` one that is at least 0."""
    key: tuple[str, ...]
    query: str
    """Gives some of the fields by name; ``{where}`` bounds the service days (``day``)."""
    allowed: dict[str, tuple[Any, ...]]
    refers: dict[str, str]
    """Fields that name rows of other tables of the package, by the table's key."""

    @property
    def names(self) -> list[str]:
        """Its fields, in order."""
        return [field.split(":")[0] for field in self.fields.split()]

    def schema(self) -> dict[str, Any]:
        """Its Table Schema (Frictionless)."""
        return {
            "name": f"{self.name}.schema.json",
            "description": self.description,
            "missingValues": ["NA", "NaN", ""],
            "primaryKey": list(self.key),
            "fields": [self._field(*field.split(":")) for field in self.fields.split()],
            "foreignKeys": [
                {"fields": field, "reference": {"resource": table, "fields": field}}
                for field, table in self.refers.items()
            ],
        }

    def _field(self, name: str, kind: str) -> dict[str, Any]:
        bounds: dict[str, Any] = {}
        if "!" in kind:
            bounds["required"] = True
        if self.key == (name,):
            bounds["unique"] = True
        if "+" in kind:
            bounds["minimum"] = 0
        if name in self.allowed:
            bounds["enum"] = list(self.allowed[name])
        found: dict[str, Any] = {"name": name, "type": kind.rstrip("!+")}
        return {**found, "constraints": bounds} if bounds else found


VEHICLES = Table(
    "vehicles",
    "Vehicles that were seen.",
    "vehicle_id:string! vehicle_start:datetime vehicle_end:datetime model_name:string"
    " facility_name:string capacity_seated:integer+ capacity_wheelchair:integer+"
    " capacity_bike:integer+ bike_rack:boolean capacity_standing:integer+",
    ("vehicle_id",),
    "SELECT DISTINCT vehicle_id FROM unified.transport_vehicle_positions"
    " WHERE vehicle_id IS NOT NULL ORDER BY vehicle_id",
    {},
    {},
)
OPERATORS = Table(
    "operators",
    "Persons who drive: the lake knows none, and the package names none.",
    "operator_id:string!",
    ("operator_id",),
    "SELECT CAST(NULL AS string) AS operator_id WHERE false",
    {},
    {},
)
TRIPS_PERFORMED = Table(
    "trips_performed",
    "Trips that a vehicle was seen on.",
    "service_date:date! trip_id_performed:string! vehicle_id:string! trip_id_scheduled:string"
    " route_id:string route_type:string ntd_mode:string route_type_agency:string shape_id:string"
    " pattern_id:string direction_id:integer operator_id:string block_id:string"
    " trip_start_stop_id:string trip_end_stop_id:string schedule_trip_start:datetime"
    " schedule_trip_end:datetime actual_trip_start:datetime actual_trip_end:datetime"
    " trip_type:string schedule_relationship:string",
    ("trip_id_performed", "service_date"),
    f"""SELECT CAST(m.day AS string) AS service_date,
 concat(m.trip_id, IF(m.run > 0, concat('#', m.run), '')) AS trip_id_performed, m.vehicle_id,
 IF(m.status = 'unscheduled', NULL, m.trip_id) AS trip_id_scheduled, m.line_id AS route_id,
 t.shape_id, IF(m.direction_id < 0, NULL, m.direction_id) AS direction_id, t.block_id,
 date_format(m.scheduled_start, "{_MOMENT}") AS schedule_trip_start,
 date_format(m.scheduled_end, "{_MOMENT}") AS schedule_trip_end,
 date_format(m.observed_start, "{_MOMENT}") AS actual_trip_start,
 date_format(m.observed_end, "{_MOMENT}") AS actual_trip_end, 'In service' AS trip_type,
 IF(m.status = 'unscheduled', 'Added', 'Scheduled') AS schedule_relationship
 FROM marts.transit_trips AS m LEFT JOIN unified.transport_trips AS t ON t.trip_id = m.trip_id
 WHERE m.vehicle_id IS NOT NULL AND {{where}} ORDER BY m.day, m.trip_id, m.run""",
    {"direction_id": (0, 1), "trip_type": _TYPE, "schedule_relationship": _TRIP},
    {"vehicle_id": "vehicles", "operator_id": "operators"},
)
STOP_VISITS = Table(
    "stop_visits",
    "Stops of those trips; Missing where the vehicle was not seen on both sides of the stop.",
    "service_date:date! trip_id_performed:string! trip_stop_sequence:integer!"
    " scheduled_stop_sequence:integer+ pattern_id:string vehicle_id:string dwell:integer+"
    " stop_id:string timepoint:boolean schedule_arrival_time:datetime"
    " schedule_departure_time:datetime actual_arrival_time:datetime"
    " actual_departure_time:datetime distance:integer+ boarding_1:integer+ alighting_1:integer+"
    " boarding_2:integer+ alighting_2:integer+ departure_load:integer+ door_open:datetime"
    " door_close:datetime door_status:string ramp_deployed_time:number+ ramp_failure:boolean"
    " kneel_deployed_time:number+ lift_deployed_time:number+ bike_rack_deployed:boolean"
    " bike_load:integer+ revenue:number number_of_transactions:integer+"
    " schedule_relationship:string",
    ("trip_id_performed", "service_date", "trip_stop_sequence"),
    f"""SELECT CAST(day AS string) AS service_date,
 concat(trip_id, IF(run > 0, concat('#', run), '')) AS trip_id_performed,
 row_number() OVER w AS trip_stop_sequence, stop_sequence AS scheduled_stop_sequence, vehicle_id,
 stop_id, IF(row_number() OVER w > 1, date_format(scheduled_at, "{_MOMENT}"), NULL)
  AS schedule_arrival_time,
 IF(row_number() OVER w = 1, date_format(scheduled_at, "{_MOMENT}"), NULL)
  AS schedule_departure_time,
 IF(row_number() OVER w > 1, date_format(observed_at, "{_MOMENT}"), NULL) AS actual_arrival_time,
 IF(row_number() OVER w = 1, date_format(observed_at, "{_MOMENT}"), NULL)
  AS actual_departure_time,
 CAST(round(along_m - lag(along_m) OVER w) AS int) AS distance,
 CASE WHEN observed_at IS NULL THEN 'Missing' WHEN scheduled_at IS NULL THEN 'Added'
  ELSE 'Scheduled' END AS schedule_relationship
 FROM marts.transit_passages AS m WHERE vehicle_id IS NOT NULL AND {{where}}
 WINDOW w AS (PARTITION BY day, trip_id, run ORDER BY stop_sequence)
 ORDER BY day, trip_id, run, stop_sequence""",
    {"schedule_relationship": _STOP},
    {"vehicle_id": "vehicles"},
)
VEHICLE_LOCATIONS = Table(
    "vehicle_locations",
    "Positions of vehicles as they were delivered.",
    "location_ping_id:string! service_date:date event_timestamp:datetime!"
    " trip_id_performed:string trip_id_scheduled:string trip_stop_sequence:integer"
    " scheduled_stop_sequence:integer+ vehicle_id:string! device_id:string pattern_id:string"
    " stop_id:string current_status:string latitude:number longitude:number gps_quality:string"
    " heading:number speed:number+ odometer:number+ schedule_deviation:integer"
    " headway_deviation:integer trip_type:string schedule_relationship:string",
    ("location_ping_id",),
    f"""SELECT concat(p.vehicle_id, '-', unix_micros(p.timestamp)) AS location_ping_id,
 CAST(p.day AS string) AS service_date, date_format(p.timestamp, "{_MOMENT}") AS event_timestamp,
 t.trip_id AS trip_id_performed,
 IF(t.status = 'observed', t.trip_id, NULL) AS trip_id_scheduled, p.vehicle_id, p.latitude,
 p.longitude, p.speed_m_per_s AS speed, IF(t.trip_id IS NULL, NULL, 'In service') AS trip_type
 FROM (SELECT *, coalesce(try_to_date(start_date, 'yyyyMMdd'),
  to_date(from_utc_timestamp(timestamp, '{{timezone}}') - INTERVAL 3 HOURS)) AS day
  FROM unified.transport_vehicle_positions) AS p
 LEFT JOIN marts.transit_trips AS t ON t.day = p.day AND t.trip_id = p.trip_id AND t.run = 0
  AND t.vehicle_id = p.vehicle_id
 WHERE {{where}} ORDER BY p.timestamp, p.vehicle_id""",
    {"current_status": _NOW, "trip_type": _TYPE, "schedule_relationship": _STOP},
    {"vehicle_id": "vehicles"},
)
TABLES = (VEHICLES, OPERATORS, TRIPS_PERFORMED, STOP_VISITS, VEHICLE_LOCATIONS)
_ALIAS = {"vehicle_locations": "p"}


def query(table: Table, first: str | None, last: str | None, timezone: str) -> str:
    """What gives a table's rows of these service days (ISO dates; None: no bound)."""
    alias = _ALIAS.get(table.name, "m")
    bounds = [f"{alias}.day >= DATE'{first}'"] if first else []
    bounds += [f"{alias}.day <= DATE'{last}'"] if last else []
    return table.query.format(where=" AND ".join(bounds) or "true", timezone=timezone)


def package(agency: str, licence: str, said: str) -> dict[str, Any]:
    """The package's descriptor; its schemas lie beside it in ``schemas/``."""
    return {
        "profile": PROFILE,
        "name": "tides",
        "title": f"Transit of {agency}: {said}",
        "agency": agency,
        "licenses": [{"name": licence}],
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": table.name,
                "tides-table": table.name,
                "path": f"{table.name}.csv",
                "title": table.description,
                "schema": f"schemas/{table.name}.schema.json",
                "sources": [{"title": "CivicLake", "component": "AVL"}],
            }
            for table in TABLES
        ],
    }
