#!/usr/bin/env bash
# deltalake's update_incremental() mixes a table's files with those of the table that was there before.
#
# A DeltaTable that is kept open follows a table by update_incremental(). Where the folder was
# removed and the table written anew, one guesses that the next call notices (the new log begins
# at 0 and has another table id) or fails. It does neither: the old snapshot stays, and later
# commits of the new table are laid on top of it.
#
# Seen with deltalake 1.6.6: version 1, the old table's id, two files, of which the old one is not
# there any more; a table opened afresh has the new id and both new files. Reading fails only if the
# old file is gone; where it was kept, old and new rows come out together.
# What to do: compare metadata().id with a table opened afresh. Fails if the call notices.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(deltalake==1.6.6 pyarrow==26.0.1)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import shutil
import tempfile
from pathlib import Path

import deltalake
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

with tempfile.TemporaryDirectory() as folder:
    place = f"{folder}/table"
    write_deltalake(place, pa.table({"a": [1, 2, 3]}))
    kept = DeltaTable(place)
    (old_file,) = kept.file_uris()
    old_id = kept.metadata().id

    shutil.rmtree(place)
    write_deltalake(place, pa.table({"a": [10]}))
    write_deltalake(place, pa.table({"a": [20]}), mode="append")
    kept.update_incremental()
    fresh = DeltaTable(place)

    print("deltalake", deltalake.__version__)
    for name, table in (("followed", kept), ("afresh", fresh)):
        files = table.file_uris()
        there = sum(Path(file).exists() for file in files)
        is_old = table.metadata().id == old_id
        print(f"{name:9} version {table.version()}, old id: {is_old}, {there} of {len(files)} files exist")
    assert kept.version() == fresh.version() == 1
    assert kept.metadata().id == old_id != fresh.metadata().id, "the new table was noticed"
    assert old_file in kept.file_uris(), "the old table's file was forgotten"
PYTHON
