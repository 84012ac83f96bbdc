#!/usr/bin/env bash
# Spark reads the short names of zones as the JDK's old list has them, and never as an offset.
#
# Seen with pyspark 4.2.0 on Java 17:
#   cast('2016-07-01 12:00:00 BST' as timestamp)    2016-07-01 06:00:00   (Dhaka, not London: 11:00)
#   cast('2016-07-01 12:00Z' as timestamp)          NULL                  (ISO 8601, minutes only)
#   to_timestamp('2016-07-01 12:00:00 EST', '... z')  2016-07-01 16:00:00 (EDT's hour, not 17:00)
#   to_timestamp of '2016-11-06 01:30:00 EDT' and of '2016-11-06 01:30:00 EST', an hour apart:
#                                                   2016-11-06 05:30:00 both
# What to do: replace names by offsets (RFC 5322 has those of North America) before Spark reads them.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(pyspark==4.2.0)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
cat > "$made/show.py" <<'PY'
from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
named = "try_to_timestamp('{}', 'yyyy-MM-dd HH:mm:ss z')"
wanted = {
    "try_cast('2016-07-01 12:00:00 BST' as timestamp)": "2016-07-01 06:00:00",
    "try_cast('2016-07-01 12:00Z' as timestamp)": None,
    "try_cast('2016-07-01 12:00:00Z' as timestamp)": "2016-07-01 12:00:00",
    named.format("2016-07-01 12:00:00 EST"): "2016-07-01 16:00:00",
    named.format("2016-11-06 01:30:00 EDT"): "2016-11-06 05:30:00",
    named.format("2016-11-06 01:30:00 EST"): "2016-11-06 05:30:00",
}
found = {said: spark.sql(f"select string({said})").collect()[0][0] for said in wanted}
print("pyspark", spark.version)
for said, value in found.items():
    print(f"{said}: {value}")
assert found == wanted, "this has changed"
PY
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
