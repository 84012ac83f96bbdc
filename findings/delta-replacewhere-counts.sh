#!/usr/bin/env bash
# The history of a replaceWhere counts rows as written that nobody wrote.
#
# numOutputRows of a write is what came out of the writer, one guesses: the rows of the frame. In a table
# with deletion vectors, replaceWhere marks the replaced rows in the files where they stand and
# writes the new ones; the rows that only stay where they are count as numCopiedRows and, though
# nothing was copied, in numOutputRows as well. An account that compares it with the frame is wrong.
#
# Seen with pyspark 4.2.0 and Delta 4.4.0: 100 of 1,000 rows in one file are replaced by 1:
#   numOutputRows 901, numCopiedRows 900, numDeletedRows 100
#   the commit adds one file of 1 row, and the old file again with a deletion vector of 100
# What to do: take numCopiedRows off. Fails if numOutputRows is 1.
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
import json
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
table = spark.range(1000).selectExpr("id", "id % 10 AS k").coalesce(1)
table.write.format("delta").option("delta.enableDeletionVectors", "true").save(place)
one = spark.sql("SELECT 1L AS id, 3L AS k").write.format("delta").mode("overwrite")
one.option("replaceWhere", "k = 3").save(place)

told = spark.sql(f"DESCRIBE HISTORY delta.`{place}` LIMIT 1").collect()[0]["operationMetrics"]
counts = {name: int(told[name]) for name in ("numOutputRows", "numCopiedRows", "numDeletedRows")}
log = Path(place, "_delta_log", f"{1:020}.json").read_text().splitlines()
added = [action["add"] for action in map(json.loads, log) if "add" in action]
new = [json.loads(file["stats"])["numRecords"] for file in added if "deletionVector" not in file]
marked = [file["deletionVector"]["cardinality"] for file in added if "deletionVector" in file]
print(f"{counts}; new files of {new} rows, rows marked in old files {marked}")
assert (new, marked) == ([1], [100])
assert counts == {"numOutputRows": 901, "numCopiedRows": 900, "numDeletedRows": 100}, counts
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
