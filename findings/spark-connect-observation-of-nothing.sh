#!/usr/bin/env bash
# An observation of a frame that Spark finds to be empty has no values at all, not zeros.
#
# DataFrame.observe counts on the way what a later step reads anyway. count() of no rows is 0, so one
# guesses that an empty input gives {'rows': 0}. Where the optimiser sees that nothing can come out
# (an empty file behind a sort, a filter that is false, LIMIT 0 after it), it replaces the plan, the
# observed node goes with it, and Observation.get over Connect is an empty mapping.
#
# Seen with pyspark 4.2.0 over Connect:
#   ten rows                        {'rows': 10}
#   an empty frame, plainly read    {'rows': 0}
#   ten rows, then where('false')   {}
#   an empty file, then sorted      {}
# What to do: take a missing value for "not counted", and count again. Fails if it is there.
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
import tempfile

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F

spark = (
    SparkSession.builder.remote("local[1]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
print("pyspark", spark.version, "over Connect")

place = tempfile.mkdtemp()
spark.range(10).where("id < 0").write.mode("overwrite").parquet(place)


def observed(frame, then):
    seen = Observation()
    then(frame.observe(seen, F.count(F.lit(1)).alias("rows"))).collect()
    return seen.get


ten, nothing = spark.range(10), spark.read.parquet(place)
found = {
    "ten rows": observed(ten, lambda frame: frame),
    "an empty frame, plainly read": observed(nothing, lambda frame: frame),
    "ten rows, then where('false')": observed(ten, lambda frame: frame.where("false")),
    "an empty file, then sorted": observed(nothing, lambda frame: frame.orderBy("id")),
}
for said, values in found.items():
    print(f"{said:31} {values}")
assert list(found.values()) == [{"rows": 10}, {"rows": 0}, {}, {}], found
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
