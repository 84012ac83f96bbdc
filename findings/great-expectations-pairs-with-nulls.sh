#!/usr/bin/env bash
# A pair with a null on one side is never out of order for Great Expectations on Spark.
#
# expect_column_pair_values_a_to_be_greater_than_b has ignore_row_if, by default both_values_are_missing:
# a row that lacks one value is judged, one guesses, and can't pass, as `neither` seems to say even
# more plainly. On Spark the comparison of such a row is null and counts as not unexpected under every
# value of ignore_row_if. The rule for equal values is null-safe, and there the same row fails.
#
# Seen with great-expectations 1.24.1 and pyspark 4.2.0, the row (a=1, b=null):
#   a greater than b, ignore_row_if neither                    0 unexpected
#   a greater than b, ignore_row_if both_values_are_missing   0 unexpected
#   a equal to b, ignore_row_if neither                        1 unexpected
# What to do: a rule on nulls of its own beside it. Fails if the row is unexpected.
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
greater, equal = E.ExpectColumnPairValuesAToBeGreaterThanB, E.ExpectColumnPairValuesToBeEqual
frame = spark.createDataFrame([(1, None)], "a int, b int")
batch = batch_of(frame, "pairs", persist=False)
found = {}
for kind, ignored in ((greater, "neither"), (greater, "both_values_are_missing"), (equal, "neither")):
    result = batch.validate(kind(column_A="a", column_B="b", ignore_row_if=ignored))
    found[kind.__name__, ignored] = result.result["unexpected_count"]
    print(kind.__name__, ignored, "unexpected", found[kind.__name__, ignored])
assert list(found.values()) == [0, 0, 1], found
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
