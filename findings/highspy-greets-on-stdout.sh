#!/usr/bin/env bash
# HiGHS writes its greeting to stdout when its first model is made, before it can be told not to.
#
# output_flag=False reads like "no output", and PuLP's HiGHS(msg=False) sets it. But the greeting is
# written by the constructor, where no option has been set yet, once in a process: a program whose
# stdout is its result (JSON, CSV) has two lines before it, from its first plan on alone.
#
# Seen with highspy 1.16.0 and PuLP 3.3.2: two lines of greeting and licence on stdout; the second
# model of the same process writes none.
# What to do: let it make one model while stdout is elsewhere. Fails if it keeps silent.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(highspy==1.16.0 pulp==3.3.2 numpy==2.4.6)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
cat >"$made/plan.py" <<'PYTHON'
import sys

import pulp

for _ in range(int(sys.argv[1])):
    problem = pulp.LpProblem("plan", pulp.LpMaximize)
    x = pulp.LpVariable("x", 0, 1, "Integer")
    problem += x
    problem += x <= 1
    problem.solve(pulp.HiGHS(msg=False))
PYTHON
"$made/env/bin/python" - "$made/plan.py" <<'PYTHON'
import subprocess
import sys

said = []
for models in ("1", "2"):
    ran = subprocess.run(
        [sys.executable, sys.argv[1], models], stdout=subprocess.PIPE, text=True, check=True
    )
    said.append(ran.stdout)
    print(f"{models} models with msg=False, stdout: {ran.stdout!r}")
assert "HiGHS" in said[0], "the first model kept silent"
assert said[0] == said[1], "the second model wrote something, too"
PYTHON
