#!/usr/bin/env bash
# VACUUM runs ten thousand tasks for a table of two files.
#
# It lists the table's folder by Spark, and the number of tasks for it is not bounded by the
# number of folders, as the listing of a Parquet table's is: it is the value of
# spark.sql.sources.parallelPartitionDiscovery.parallelism, 10000 unless set. On a small machine
# that is the whole cost of tidying small tables: half a minute each, though Delta itself counts one
# directory.
#
# Seen with pyspark 4.2.0 and Delta 4.4.0: the largest stage of a VACUUM of a table with one folder
# has 10000 tasks, and 4 with the setting at 4.
# Fails if a table of one folder takes fewer.
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
spark.range(5).coalesce(1).write.format("delta").save(place)
spark.range(5).coalesce(1).write.format("delta").mode("overwrite").save(place)
setting = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
tracker = spark.sparkContext.statusTracker()


def most_tasks(group):
    spark.sparkContext.setJobGroup(group, group)
    spark.sql(f"VACUUM delta.`{place}`").collect()
    stages = [s for job in tracker.getJobIdsForGroup(group) for s in tracker.getJobInfo(job).stageIds]
    return max(info.numTasks for info in map(tracker.getStageInfo, stages) if info)


spark.conf.set(setting, "4")
few = most_tasks("few")
spark.conf.unset(setting)
spark.conf.set(setting, "10000")  # its default
many = most_tasks("many")
print(f"tasks with the setting at 4: {few}; at its default: {many}")
assert few == 4, few
assert many == 10_000, many
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
