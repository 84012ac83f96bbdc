#!/usr/bin/env bash
# Over Connect, collect() gives timestamps by the clock of the client's machine, not of the session.
#
# spark.sql.session.timeZone is UTC, show() and casts to text say UTC, and toPandas() too. collect()
# hands the same instant out as a naive datetime in the zone of the Python process. A script that
# runs on a server in UTC and on a laptop in Shanghai writes two different times, eight hours
# apart, and nothing in the value says which it is.
#
# Seen with pyspark 4.2.0 over Connect, TZ=Asia/Shanghai, the session in UTC, 12:00 UTC:
#   cast to text  2026-01-01 12:00:00
#   toPandas()    2026-01-01 12:00:00
#   collect()     2026-01-01 20:00:00, without a zone
# What to do: cast to text in Spark, or work with epochs. Fails if collect() says 12:00.
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
import os
import time

os.environ["TZ"] = "Asia/Shanghai"
time.tzset()
from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.remote("local[1]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
print("pyspark", spark.version, "over Connect")

noon = spark.sql("SELECT TIMESTAMP'2026-01-01 12:00:00' AS t")
text = noon.selectExpr("CAST(t AS STRING)").collect()[0][0]
pandas = noon.toPandas()["t"][0]
collected = noon.collect()[0]["t"]
print("cast to text ", text)
print("toPandas()   ", pandas)
print("collect()    ", collected, "zone", collected.tzinfo)
assert text == str(pandas) == "2026-01-01 12:00:00"
assert str(collected) == "2026-01-01 20:00:00", collected
assert collected.tzinfo is None
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
