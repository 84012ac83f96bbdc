#!/usr/bin/env bash
# A bound without hours is a whole day for a column's highest moment, and midnight for its values.
#
# `max_value: 2026-01-02` reads alike in two rules on one timestamp column: every value at most that, and
# the column's highest value at most that. On Spark, the first takes the text for midnight, the second
# cuts the hours off the highest moment before it compares. The same batch passes one and fails the
# other, and the looser one is what one writes to be cheap.
#
# Seen with great-expectations 1.24.1 and pyspark 4.2.0, one value: 2026-01-02 18:00
#   expect_column_values_to_be_between(max_value="2026-01-02")   fails
#   expect_column_max_to_be_between(max_value="2026-01-02")      passes
#   expect_column_max_to_be_between(max_value="2026-01-02T00:00:00")   fails
# What to do: write the hours. Fails if both say the same.
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


E = gx.expectations
batch = batch_of(spark.sql("SELECT TIMESTAMP'2026-01-02 18:00:00' AS t"), "moments", persist=False)
rules = {
    "values, a day": E.ExpectColumnValuesToBeBetween(column="t", max_value="2026-01-02"),
    "highest, a day": E.ExpectColumnMaxToBeBetween(column="t", max_value="2026-01-02"),
    "highest, midnight": E.ExpectColumnMaxToBeBetween(column="t", max_value="2026-01-02T00:00:00"),
}
found = {}
for said, rule in rules.items():
    result = batch.validate(rule)
    raised = [info for info in [result.exception_info] if info and info.get("raised_exception")]
    assert not raised, raised
    found[said] = result.success
    print(f"{said:18} passes: {result.success}")
assert found == {"values, a day": False, "highest, a day": True, "highest, midnight": False}, found
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
