#!/usr/bin/env bash
# DeltaTable.count() of deltalake counts rows that deletion vectors have taken out.
#
# Everything else of deltalake that can't read a deletion vector says so: to_pandas,
# to_pyarrow_table and to_pyarrow_dataset raise DeltaProtocolError. So one guesses that count()
# either raises as well or is right. It adds up the files' numRecords and gives the table's size
# before the deletes, without a word. The QueryBuilder of the same package reads the vectors.
#
# Seen with deltalake 1.6.6, 10 rows of which a vector takes 2 (the log is written by hand, as the Delta
# protocol has it, so that no Spark is needed; tables of Spark's DELETE gave the same):
#   to_pandas()        DeltaProtocolError: ... reader features: {'deletionVectors'} ... not yet supported
#   count()            10
#   QueryBuilder       8
#   polars 2.1.0       8
# What to do: SELECT count(*) by QueryBuilder. Fails if count() is 8 or raises.
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
import base64
import json
import struct
import tempfile
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaProtocolError

PYTHONS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
DELTAS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def vector(rows):
    """A deletion vector inside the log: one Roaring bitmap with one array of row numbers."""
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16)
    bitmap += struct.pack(f"<{len(rows)}H", *rows)
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    text = base64.b85encode(data).translate(bytes.maketrans(PYTHONS, DELTAS)).decode()
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": len(rows)}


folder = Path(tempfile.mkdtemp())
pq.write_table(pa.table({"id": pa.array(range(10), pa.int64())}), folder / "a.parquet")
size = (folder / "a.parquet").stat().st_size
column = {"name": "id", "type": "long", "nullable": True, "metadata": {}}
file = {"path": "a.parquet", "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": True}
features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
actions = [
    {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}},
    {"metaData": {"id": "6f1f7b0c-5a55-4bd6-9f35-0d3a4e1a7d11", "format": {"provider": "parquet", "options": {}},
                  "schemaString": json.dumps({"type": "struct", "fields": [column]}), "partitionColumns": [],
                  "configuration": {"delta.enableDeletionVectors": "true"}}},
    {"add": {**file, "stats": json.dumps({"numRecords": 10}), "deletionVector": vector([3, 7])}},
]
(folder / "_delta_log").mkdir()
(folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))

table = DeltaTable(folder)
for read in (table.to_pandas, table.to_pyarrow_table, table.to_pyarrow_dataset):
    try:
        said = f"{len(read())} rows"
    except DeltaProtocolError as error:
        said = f"DeltaProtocolError: {error}"
    print(f"{read.__name__}(): {said}")
    assert said.startswith("DeltaProtocolError"), said
query = QueryBuilder().register("t", table).execute("SELECT count(*) AS n FROM t")
right = pa.table(query.read_all())["n"].to_pylist()
by_polars = pl.read_delta(str(folder))["id"].to_list()
print(f"deltalake {deltalake.__version__}: count() {table.count()}, QueryBuilder {right[0]}")
print(f"polars {pl.__version__}: {by_polars}")
assert right == [8]
assert by_polars == [0, 1, 2, 4, 5, 6, 8, 9]
assert table.count() == 10, table.count()
PYTHON
