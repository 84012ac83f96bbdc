#!/usr/bin/env bash
# Spark Connect refuses a sum of fifty columns that classic PySpark takes.
#
# functools.reduce over columns (all flags added up, all texts joined) makes a tree as deep as it
# has terms. Classic Spark plans thousands of them. Over Connect the plan travels as a protobuf message,
# whose parser follows a hundred levels, and each operator takes two or more: the client fails
# when it sends, and the error names a limit of the parser, no column and no way out.
#
# Seen with pyspark 4.2.0 over Connect:
#   30 columns, one after the other    fine
#   60 columns, one after the other    Exceeded upb_DecodeOptions_MaxDepth
#   600 columns, joined in pairs       fine
# What to do: fold in a balanced tree. Fails if the long sum is taken.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=('pyspark[connect]==4.2.0' pandas==2.3.3)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
cat >"$made/show.py" <<'PYTHON'
import functools
import operator

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = (
    SparkSession.builder.remote("local[1]")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
print("pyspark", spark.version, "over Connect")


def in_pairs(columns):
    while len(columns) > 1:
        columns = [functools.reduce(operator.add, columns[i : i + 2]) for i in range(0, len(columns), 2)]
    return columns[0]


def answer(column):
    try:
        return str(spark.range(1).select(column).collect()[0][0])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


terms = [F.col("id") + 1 for _ in range(600)]
found = {
    "30 columns, one after the other": answer(functools.reduce(operator.add, terms[:30])),
    "60 columns, one after the other": answer(functools.reduce(operator.add, terms[:60])),
    "600 columns, joined in pairs": answer(in_pairs(terms)),
}
for said, value in found.items():
    print(f"{said:33} {value[:90]}")
short, long, paired = found.values()
assert (short, paired) == ("30", "600"), found
assert "MaxDepth" in long, long
PYTHON
"$made/env/bin/python" "$made/show.py" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }
