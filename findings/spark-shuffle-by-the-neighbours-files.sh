#!/usr/bin/env bash
# Executors of one host read each other's shuffle files from the disk, past the network.
#
# One expects a block of another executor to be asked from it: over a connection that is authenticated
# and, where that is set, encrypted. Between executors of one host Spark asks only where the files
# are, and opens them itself (`spark.shuffle.readHostLocalDisk`, on by default). Where the workers of
# a host are different users, which keeps their files apart, every shuffle between them fails with
# AccessDeniedException, four times, and then the job does.
#
# Seen with pyspark 4.2.0, two executors of one core on one host:
#   default                                   0 bytes are read from the other executor
#   spark.shuffle.readHostLocalDisk=false     thousands
# What to do: set it to false wherever workers of a host are not one user. Fails if the default asks
# the other executor.
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
import json
import sys
import time
import urllib.request

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local-cluster[2,1,1024]")
    .config("spark.shuffle.readHostLocalDisk", sys.argv[1])
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.ui.port", "0")
    .config("spark.locality.wait", "0")
    .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
    .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "120s")
    .getOrCreate()
)
context = spark.sparkContext
context.setLogLevel("OFF")
pairs = context.parallelize(range(4000), 8).map(lambda n: (n % 400, str(n)))
assert len(pairs.groupByKey(8).mapValues(len).collect()) == 400
where = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages"
time.sleep(2)
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(where) as answer:
    stages = json.load(answer)
read = sum(s["shuffleReadBytes"] for s in stages)
asked = sum(s["shuffleRemoteBytesRead"] for s in stages)
assert read > 1000, stages
print(asked)
spark.stop()
PYTHON
export SPARK_LOCAL_IP=127.0.0.1
say() { "$made/env/bin/python" "$made/show.py" "$1" 2>"$made/said" || { tail -n 20 "$made/said" >&2; exit 1; }; }
default=$(say true | tail -n 1)
without=$(say false | tail -n 1)
echo "by default (true)  $default bytes from the other executor"
echo "set to false       $without"
[ "$default" -eq 0 ] && [ "$without" -gt 0 ]
