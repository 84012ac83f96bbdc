#!/usr/bin/env bash
# deltalake reads a column that was renamed by column mapping as nothing but nulls.
#
# A table with column mapping says so in its protocol (reader version 2). deltalake refuses reader
# features that it does not know, deletion vectors among them, so one guesses that it refuses this
# one or knows it. to_pandas, to_pyarrow_table and to_pyarrow_dataset open the table, show the
# new names, look for them in files that still have the old ones, and fill the columns with nulls.
#
# Seen with deltalake 1.6.6 (the log is written by hand, as the Delta protocol has it; tables of Spark's
# ALTER TABLE ... RENAME COLUMN gave the same):
#   to_pyarrow_table   [{'id': 1, 'city': None}]
#   QueryBuilder       [{'id': 1, 'city': 'Oslo'}]
#   polars 2.1.0       DeltaProtocolError: ... reader version 2 (column mapping), which polars does not support
# Fails if the column has its values or the table is refused.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1 pandas==2.3.3)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import json
import tempfile
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder

folder = Path(tempfile.mkdtemp())
pq.write_table(pa.table({"id": pa.array([1], pa.int64()), "town": ["Oslo"]}), folder / "a.parquet")
size = (folder / "a.parquet").stat().st_size


def column(place, name, kind, physical):
    mapped = {"delta.columnMapping.id": place, "delta.columnMapping.physicalName": physical}
    return {"name": name, "type": kind, "nullable": True, "metadata": mapped}


columns = [column(1, "id", "long", "id"), column(2, "city", "string", "town")]
mapping = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"}
file = {"path": "a.parquet", "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": True}
actions = [
    {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
    {"metaData": {"id": "6f1f7b0c-5a55-4bd6-9f35-0d3a4e1a7d12", "format": {"provider": "parquet", "options": {}},
                  "schemaString": json.dumps({"type": "struct", "fields": columns}), "partitionColumns": [],
                  "configuration": mapping}},
    {"add": {**file, "stats": json.dumps({"numRecords": 1})}},
]
(folder / "_delta_log").mkdir()
(folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))

table = DeltaTable(folder)
query = QueryBuilder().register("t", table).execute("SELECT id, city FROM t")
found = {
    "to_pyarrow_table": table.to_pyarrow_table().to_pylist(),
    "to_pyarrow_dataset": table.to_pyarrow_dataset().to_table().to_pylist(),
    "to_pandas": table.to_pandas().astype(object).where(lambda frame: frame.notna(), None).to_dict("records"),
    "QueryBuilder": pa.table(query.read_all()).to_pylist(),
}
print("deltalake", deltalake.__version__)
for way, rows in found.items():
    print(f"{way:19} {rows}")
try:
    said = str(pl.read_delta(str(folder)).to_dicts())
except Exception as error:
    said = f"{type(error).__name__}: {error}".splitlines()[0]
print(f"polars {pl.__version__}        {said}")
assert found.pop("QueryBuilder") == [{"id": 1, "city": "Oslo"}]
assert all(rows == [{"id": 1, "city": None}] for rows in found.values()), found
assert "column mapping" in said, said
PYTHON
