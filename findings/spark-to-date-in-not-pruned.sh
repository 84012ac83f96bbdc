#!/usr/bin/env bash
# Spark turns `to_date(t) = d` into a range of t, but not `to_date(t) IN (d, e)`.
#
# An IN of two values is the OR of two equalities, and for a plain column Spark treats them alike. Of a
# timestamp's day, only the equality (and an OR of such) is unwrapped into bounds of t that
# Parquet's and Delta's statistics can be asked about; the IN stays a function of every row, and all
# files are read. The answer is right, so nobody sees it but the clock.
#
# Seen with pyspark 4.2.0, ten files of a day each:
#   to_date(t) = DATE'2026-01-03'                                     1 row is read
#   to_date(t) = DATE'2026-01-03' OR to_date(t) = DATE'2026-01-05'    2
#   to_date(t) IN (DATE'2026-01-03', DATE'2026-01-05')               10
# What to do: write the OR, or bounds of t. Fails if the IN reads fewer.
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
cat >"$made/show.py" <<'PYTHON'
import tempfile

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
print("pyspark", spark.version)

spark.conf.set("spark.sql.adaptive.enabled", "false")
place = tempfile.mkdtemp()
days = "SELECT TIMESTAMP'2026-01-01 12:00:00' + make_dt_interval(CAST(id AS INT)) AS t FROM range(10)"
spark.conf.set("spark.sql.files.maxRecordsPerFile", "1")
spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")  # INT96 has no statistics
spark.sql(days).coalesce(1).write.mode("overwrite").parquet(place)


def rows_read(condition):
    found = spark.read.parquet(place).where(condition)
    plan = found._jdf.queryExecution().executedPlan()
    plan.executeCollect()
    return plan.collectLeaves().head().metrics().apply("numOutputRows").value()


first, second = "to_date(t) = DATE'2026-01-03'", "to_date(t) = DATE'2026-01-05'"
both = "to_date(t) IN (DATE'2026-01-03', DATE'2026-01-05')"
read = {said: rows_read(said) for said in (first, f"{first} OR {second}", both)}
for said, rows in read.items():
    print(f"{said:66} {rows}")
assert list(read.values()) == [1, 2, 10], read
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
