#!/usr/bin/env bash
# VACUUM ... RETAIN with a longer time than the table's own deletes the files nevertheless.
#
# `VACUUM t RETAIN 1000 HOURS` reads, and in the documentation of earlier versions is, "keep what left
# the table within 1000 hours". Delta 4.4 goes by the table's delta.deletedFileRetentionDuration
# alone: the statement's longer time is neither used nor refused, and its history does not
# name it. (A time below the table's is refused, or taken where the check is switched off.)
#
# Seen with pyspark 4.2.0 and Delta 4.4.0, a table that keeps removed files for 0 hours:
#   VACUUM ... RETAIN 1000 HOURS deletes a file that left the table two seconds ago
#   history: {'retentionCheckEnabled': 'true', 'defaultRetentionMillis': '0'}
# What to do: set the table's property. Fails if the file is kept or the statement refused.
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
cd "$made"
for jar in delta-spark_4.2_2.13 delta-storage delta-kernel-{api,defaults,unitycatalog}; do
    curl -fsSO "https://repo1.maven.org/maven2/io/delta/$jar/4.4.0/$jar-4.4.0.jar"
done
sha256sum --check --quiet <<'SUMS'
27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead  delta-spark_4.2_2.13-4.4.0.jar
c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc  delta-storage-4.4.0.jar
ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11  delta-kernel-api-4.4.0.jar
225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b  delta-kernel-defaults-4.4.0.jar
cea22dfb4ac562b3cd27bf652697750e8336009d73fb06631363aaaad5345ffa  delta-kernel-unitycatalog-4.4.0.jar
SUMS
cat >"$made/show.py" <<'PYTHON'
import time
from pathlib import Path

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.driver.extraClassPath", "*")  # the JARs in this folder
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.databricks.delta.snapshotPartitions", "1")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "1")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
print("pyspark", spark.version, "with Delta 4.4.0")

place = f"{Path.cwd()}/table"
keep_nothing = {"delta.deletedFileRetentionDuration": "interval 0 hours"}
spark.range(9).coalesce(1).write.format("delta").options(**keep_nothing).save(place)
spark.range(5).coalesce(1).write.format("delta").mode("overwrite").save(place)
time.sleep(2)
before = len([*Path(place).glob("*.parquet")])
spark.sql(f"VACUUM delta.`{place}` RETAIN 1000 HOURS").collect()
after = len([*Path(place).glob("*.parquet")])
told = spark.sql(f"DESCRIBE HISTORY delta.`{place}`").where("operation = 'VACUUM START'").collect()[0]
print(f"files before {before}, after {after}; the history says {told['operationParameters']}")
assert (before, after) == (2, 1), "a longer RETAIN keeps files now"
assert "specifiedRetentionMillis" not in told["operationParameters"]
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
