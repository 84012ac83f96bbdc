#!/usr/bin/env bash
# polars takes the times of a Delta table's partitions from its folders' names, hours off.
#
# By the Delta protocol a partition's value stands in the log, and paths mean nothing. Spark names folders
# in its session's zone (t=2026-01-01 20%3A30%3A00 in Shanghai) and writes the instant to the log
# (2026-01-01T12:30:00.000000Z). polars believes the folder and calls it UTC: every value is off by the
# writer's zone, differently in summer and winter, and a filter for the true moment finds no row.
#
# Seen with polars 2.1.0 and deltalake 1.6.6 (the log is written by hand, as Spark 4.2 with Delta 4.4 does):
#   deltalake  2026-01-01 12:30:00+00:00
#   polars     2026-01-01 20:30:00+00:00; scan_delta().filter(t == 12:30) gives 0 rows
# What to do: partition by dates, or read by deltalake. Fails if polars says 12:30.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(polars==2.1.0 deltalake==1.6.6 pyarrow==26.0.1)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import datetime as dt
import json
import tempfile
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

moment = dt.datetime(2026, 1, 1, 12, 30, tzinfo=dt.UTC)
folder = Path(tempfile.mkdtemp())
inner = folder / "t=2026-01-01 20%3A30%3A00"
inner.mkdir()
pq.write_table(pa.table({"id": pa.array([1], pa.int64())}), inner / "a.parquet")
size = (inner / "a.parquet").stat().st_size
columns = [
    {"name": "id", "type": "long", "nullable": True, "metadata": {}},
    {"name": "t", "type": "timestamp", "nullable": True, "metadata": {}},
]
values = {"t": "2026-01-01T12:30:00.000000Z"}
file = {"path": quote(f"{inner.name}/a.parquet", safe="/="), "size": size, "modificationTime": 0, "dataChange": True}
actions = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {"metaData": {"id": "6f1f7b0c-5a55-4bd6-9f35-0d3a4e1a7d13", "format": {"provider": "parquet", "options": {}},
                  "schemaString": json.dumps({"type": "struct", "fields": columns}), "partitionColumns": ["t"],
                  "configuration": {}}},
    {"add": {**file, "partitionValues": values, "stats": json.dumps({"numRecords": 1})}},
]
(folder / "_delta_log").mkdir()
(folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))

(by_deltalake,) = DeltaTable(folder).to_pyarrow_table()["t"].to_pylist()
(by_polars,) = pl.read_delta(str(folder))["t"].to_list()
kept = pl.scan_delta(str(folder)).filter(pl.col("t") == moment).collect().height
print(f"deltalake {by_deltalake}")
print(f"polars {pl.__version__} {by_polars}, rows of the true moment: {kept}")
assert by_deltalake == moment, by_deltalake
assert by_polars == moment + dt.timedelta(hours=8), by_polars
assert kept == 0, kept
PYTHON
