#!/usr/bin/env bash
# pyarrow can't read a column as a dictionary where the file's writer chose a DELTA encoding for it.
#
# read_dictionary is advice about how to hold a column in memory, so one guesses that a file is
# either readable or not, and that the advice is at worst passed over. Texts in DELTA_BYTE_ARRAY
# or DELTA_LENGTH_BYTE_ARRAY (what Parquet's format version 2 writers choose) are read without it,
# and with it raise an OSError. A reader that saves memory by it works until a source's writer is updated.
#
# Seen with pyarrow 26.0.1: "Not yet implemented: DecodeArrow of DictAccumulator for DeltaByteArrayDecoder."
# What to do: read plainly and dictionary_encode(), or try again without. Fails if it is implemented.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(pyarrow==26.0.1)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import io

import pyarrow as pa
import pyarrow.parquet as pq

print("pyarrow", pa.__version__)
texts = pa.table({"s": ["a", "b", "a"] * 10})
for encoding in ("PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
    file = io.BytesIO()
    pq.write_table(texts, file, use_dictionary=False, column_encoding={"s": encoding})
    assert pq.read_table(file) == texts
    try:
        said = str(pq.read_table(file, read_dictionary=["s"]).schema.field("s").type)
    except OSError as error:
        said = f"OSError: {error}"
    print(f"{encoding:24} {said}")
    assert said.startswith("OSError") == encoding.startswith("DELTA"), (encoding, said)
PYTHON
