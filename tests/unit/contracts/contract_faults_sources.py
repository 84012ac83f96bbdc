"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In where the data comes from and how it is spelled there.
"""

from __future__ import annotations

from contract_city import PARKS
from contract_spoilers import Spoil, drop, extension, parks_files, put, trees

FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "two servers": (lambda c: c.trees["servers"].append(PARKS["servers"][0]), "servers", "holds 2"),
    "unknown server": (
        lambda c: c.parks["servers"].__setitem__(
            0, {"server": "source", "type": "kafka", "host": "x"}
        ),
        "servers.source.type",
        "is 'kafka'; allowed are",
    ),
    "field of another server": (
        lambda c: c.parks["servers"][0].update(host="x"),
        "servers.source.host",
        "field 'host' does not go with the type given",
    ),
    "no connector": (
        lambda c: c.parks["servers"].__setitem__(0, {"server": "source", "type": "custom"}),
        "connector",
        "'connector' is missing: who reads it",
    ),
    "no driver": (
        lambda c: (
            c.trees["servers"].__setitem__(
                0, {"server": "s", "type": "custom", "location": "jdbc:x"}
            ),
            c.own.update(connector="jdbc"),
        ),
        "options",
        "'driver' is missing: the class of the driver",
    ),
    "connector of another server": (
        put("own", connector="jdbc"),
        "connector",
        "goes with a server of type 'custom', not 'postgresql'",
    ),
    "no format": (
        lambda c: c.parks["servers"][0].pop("format"),
        "servers.source",
        "'format' is missing",
    ),
    "no type": (drop("tree_id", "logicalType"), "tree_id", "'logicalType' is missing"),
    "unknown encoding": (
        lambda c: c.parks["servers"][0].update(encoding="utf-88"),
        "servers.source.encoding",
        "is 'utf-88'",
    ),
    "unknown format": (
        lambda c: c.parks["servers"][0].update(format="jsn"),
        "servers.source.format",
        "is 'jsn'; allowed are 'csv', 'json', 'jsonl', 'xml', 'xlsx', 'parquet' or 'gtfs_rt'; "
        "did you mean 'json'?",
    ),
    "no encoding but a codec": (
        lambda c: c.parks["servers"][0].update(encoding="base64"),
        "servers.source.encoding",
        "allowed is an encoding such as",
    ),
    "encoding of parquet": (
        lambda c: c.parks["servers"][0].update(format="parquet", encoding="gbk"),
        "servers.source.encoding",
        "'parquet' has an encoding of its own; leave it out",
    ),
    "xml without records": (
        lambda c: c.parks["servers"][0].update(format="xml"),
        "customProperties.civiclake.value.records",
        "'records' is missing: the name of the element that is one record",
    ),
    "unknown entity": (
        parks_files("gtfs_rt", records="vehicles"),
        "civiclake.value.records",
        "allowed are 'vehicle', 'trip_update', 'stop_time_update' or 'alert'; did you mean",
    ),
    "records of csv": (
        parks_files("csv", records="a"),
        "civiclake.value.records",
        "every row of 'csv' is a record; leave it out",
    ),
    "records with a hole": (
        parks_files("json", records="data..items"),
        "civiclake.value.records",
        "keys with points between, such as 'data.items'",
    ),
    "sheet of json": (
        parks_files("json", sheet="Trees"),
        "civiclake.value.sheet",
        "only a workbook has sheets",
    ),
    "delimiter of xlsx": (
        parks_files("xlsx", delimiter=";"),
        "civiclake.value.delimiter",
        "only CSV has a delimiter",
    ),
    "delimiter that quotes": (
        parks_files("csv", delimiter='"'),
        "civiclake.value.delimiter",
        "allowed is a sign that quotes nothing and ends no line",
    ),
    "header row of json": (
        parks_files("json", header_row=3),
        "civiclake.value.header_row",
        "only 'csv' or 'xlsx' has a row of names, and the format is 'json'; leave it out",
    ),
    "header row before the first": (
        parks_files("csv", header_row=0),
        "civiclake.value.header_row",
        "greater than or equal to 1",
    ),
    "records of a table": (put("own", records="a"), "records", "a database has no records"),
    "a spelling twice": (
        put(
            "species",
            customProperties=extension(also=["Kind", "height"]),
        ),
        "species.customProperties.civiclake.value.also[1]",
        "source column 'height' is read as 'height_m' already",
    ),
    "names alike but for capitals": (
        put("species", physicalName="TREE_ID"),
        "species.physicalName",
        "source column 'TREE_ID' differs from that of 'tree_id' by capitals alone",
    ),
    "a name of raw's own": (
        put("species", physicalName="_Row"),
        "species.physicalName",
        "is '_Row', a column that raw has of its own",
    ),
    "unknown unit": (
        trees(slaProperties=[{"property": "latency", "value": 1, "unit": "moons"}]),
        "slaProperties",
        "is 'moons'; allowed are",
    ),
}
