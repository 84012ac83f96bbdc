#!/usr/bin/env bash
# Validating a Spark frame leaves it cached, for everybody else's reading of the same files, too.
#
# A check looks at data, one guesses, and is gone. Great Expectations persists each frame that it is
# given and does not release it. Spark finds cached data by plan, not by object: later reads of
# the same files in the same engine come out of the copy in memory, which is not what is on the disk
# any more once the files are replaced, and Delta refuses a cached source of a MERGE.
#
# Seen with great-expectations 1.24.1 and pyspark 4.2.0, a fresh read of the files after the check:
#   add_spark(name)                  cached True
#   add_spark(name, persist=False)   cached False
# Fails if nothing is cached.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(great-expectations==1.24.1 'pyspark[connect]==4.2.0' pandas==2.3.3)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
export GX_ANALYTICS_ENABLED=false
cat >"$made/show.py" <<'PYTHON'
import great_expectations as gx
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

print("great-expectations", gx.__version__)
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False, "metric_calculations": False}


def batch_of(frame, name, **options):
    asset = context.data_sources.add_spark(name=name, **options).add_dataframe_asset(name=name)
    return asset.add_batch_definition_whole_dataframe(name).get_batch(batch_parameters={"dataframe": frame})


import tempfile

place = tempfile.mkdtemp()
spark.range(5).write.mode("overwrite").parquet(place)
rule = gx.expectations.ExpectColumnValuesToNotBeNull(column="id")
found = {}
for name, options in (("without", {"persist": False}), ("usual", {})):
    assert batch_of(spark.read.parquet(place), name, **options).validate(rule).success
    found[name] = spark.read.parquet(place).storageLevel.useMemory
    print(f"{name:8} {options}: a fresh read is cached: {found[name]}")
assert found == {"without": False, "usual": True}, found
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
