#!/usr/bin/env bash
# An overwrite with overwriteSchema makes a partitioned Delta table an unpartitioned one.
#
# A plain overwrite keeps the table's partitions, and needs no partitionBy for it. With
# overwriteSchema, which one adds when a column changed its type or came anew, one guesses the
# same. But the partitioning counts as part of the schema: it becomes what this writer says, and
# it says nothing. Readers go on, every filter on the old partition column now opens every file, and
# writers that replace partitions rewrite the table.
#
# Seen with pyspark 4.2.0 and Delta 4.4.0, a table partitioned by k:
#   overwrite                                      partitioned by ['k']
#   overwrite, overwriteSchema                     partitioned by []
# What to do: repeat partitionBy. Fails if the partitions are kept.
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
rows = spark.sql("SELECT id, id % 2 AS k FROM range(10)")
rows.write.format("delta").partitionBy("k").save(place)


def partitions():
    return spark.sql(f"DESCRIBE DETAIL delta.`{place}`").collect()[0]["partitionColumns"]


rows.write.format("delta").mode("overwrite").save(place)
plain = partitions()
more = rows.selectExpr("*", "'new' AS more").write.format("delta").mode("overwrite")
more.option("overwriteSchema", "true").save(place)
found = partitions()
print(f"overwrite: partitioned by {plain}; with overwriteSchema: {found}")
assert plain == ["k"], plain
assert found == [], found
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
