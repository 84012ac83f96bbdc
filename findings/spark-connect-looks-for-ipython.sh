#!/usr/bin/env bash
# Over Connect, each function of a column looks for IPython on the whole import path.
#
# Column functions note the line of Python that called them, for an error's "DataFrame query context".
# To leave a notebook's own frames out they import IPython, every time; where it is not installed,
# which is where jobs run, Python remembers no failed import and asks every folder of sys.path again.
# One would guess that building a plan costs nothing beside running it: of a small batch's client a
# twentieth went there.
#
# Seen with pyspark 4.2.0 over Connect, without IPython, 100 times F.col("a") + 1:
#   as it comes                                            200 imports looked for
#   spark.python.sql.dataFrameDebugging.enabled = false      0
# It is read once for a process, from its first session; the error's message then lacks its line of
# Python, and says all else. What to do: set it where the engine is started. Fails if nothing is
# looked for any more, or still is with the setting.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=('pyspark[connect]==4.2.0' pandas==2.3.3)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
cat >"$made/show.py" <<'PYTHON'
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

looked = []


class Watch:
    """Counts what is looked for, and finds nothing."""

    def find_spec(self, name, path=None, target=None):
        if name == "IPython":
            looked.append(name)
        return None


sys.meta_path.insert(0, Watch())
builder = SparkSession.builder.remote("local[1]").config("spark.ui.enabled", "false")
if len(sys.argv) > 1:
    builder = builder.config("spark.python.sql.dataFrameDebugging.enabled", sys.argv[1])
spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
spark.range(1).select(F.col("id") + 1).collect()
looked.clear()
began = time.perf_counter()
for _ in range(100):
    F.col("a") + 1
took = time.perf_counter() - began
print(f"pyspark {spark.version}, {sys.argv[1:]}: {len(looked)} looked for, {took * 1000:.1f} ms")
assert bool(looked) == (len(sys.argv) == 1), looked
PYTHON
for setting in '' false; do
    "$made/env/bin/python" "$made/show.py" $setting 2>"$made/said" ||
        { tail -n 20 "$made/said" >&2; exit 1; }
done
