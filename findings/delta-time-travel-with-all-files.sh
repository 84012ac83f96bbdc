#!/usr/bin/env bash
# Delta refuses to read an older version whose files are all there, for its age alone.
#
# delta.deletedFileRetentionDuration is about files: how long VACUUM leaves those that are no part
# of the table any more. So one guesses that without a VACUUM every version of the log can be read.
# Delta 4.4 compares the version's age with the same property, and refuses at once what is older,
# in SQL and in the DataFrame reader; RESTORE and a comparison before a swap lose their base by it.
#
# Seen with pyspark 4.2.0 and Delta 4.4.0, a table that keeps removed files for 0 hours:
#   both files exist, and VERSION AS OF 0 is
#   DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION
#   after ALTER TABLE ... ('delta.deletedFileRetentionDuration' = 'interval 1 week') it has its 9 rows
# Fails if the version can be read.
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

from pyspark.errors import AnalysisException
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
older = f"SELECT * FROM delta.`{place}` VERSION AS OF 0"
files = len([*Path(place).glob("*.parquet")])
try:
    said = f"{spark.sql(older).count()} rows"
except AnalysisException as error:
    said = error.getCondition()
print(f"{files} files are there, version 0 is {said}")
assert files == 2
assert said == "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION", said
longer = "'delta.deletedFileRetentionDuration' = 'interval 1 week'"
spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ({longer})")
rows = spark.sql(older).count()
print(f"with {longer}: {rows} rows")
assert rows == 9, rows
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
