#!/usr/bin/env bash
# Arrow's cast of days and instants to text does not fail where a year is beyond its formatter: the
# text that it gives is a message, and goes on as a value. Seen with pyarrow 26.0.1:
#   2932897 (10000-01-01) -> '10000-01-01'          40000000 (111486-04-13) -> '<value out of range: 40000000>'
# One guesses an error or the year's digits: an instant that NumPy writes, Arrow's own cast does not.
# A reader that casts columns to text has to look for it, and write such days itself (NumPy does).
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(pyarrow==26.0.1 numpy==2.4.6)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

days = pa.array([2_932_897, 40_000_000], pa.int32()).cast(pa.date32())
texts = pc.cast(days, pa.string()).to_pylist()
print(pa.__version__, texts)
assert texts == ["10000-01-01", "<value out of range: 40000000>"], texts
moments = pa.array([2**62], pa.int64()).cast(pa.timestamp("us"))
(text,) = pc.cast(moments, pa.string()).to_pylist()
print(text)
assert text == "<value out of range: 4611686018427387904>", text
wide = np.datetime_as_string(np.array([40_000_000]).astype("M8[D]")).tolist()
print(wide)
assert wide == ["111486-04-13"], wide
PYTHON
