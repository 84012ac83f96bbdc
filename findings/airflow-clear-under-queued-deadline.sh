#!/usr/bin/env bash
# A run with a deadline from when it was queued can't be cleared in Airflow 3.3.2.
#
# DeadlineReference.DAGRUN_QUEUED_AT is the natural reference for "done within an hour",
# and clearing is how a failed run is tried again. While the deadline is neither met nor missed,
# clearing any task of the run computes it anew, from an interval that the database holds as a mapping
# and timedelta() wants as a number: `airflow tasks clear`, and with it the button and the API
# (HTTP 500), end in a TypeError, for as long as one would want to clear.
#
# Seen with apache-airflow 3.3.2: `airflow tasks clear d -y`
#   TypeError: unsupported type for timedelta seconds component: dict
# What to do: a reference class of one's own. Fails if the run can be cleared.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(apache-airflow==3.3.2)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
export AIRFLOW_HOME=$made AIRFLOW__CORE__LOAD_EXAMPLES=false AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR
export PYTHONWARNINGS=ignore PATH="$made/env/bin:$PATH"
mkdir "$made/dags" "$made/plugins"

cat >"$made/dags/d.py" <<'DAG'
from datetime import datetime, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference


async def late(**context):
    pass


alert = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT,
    interval=timedelta(hours=1),
    callback=AsyncCallback("d.late"),
)
with DAG("d", schedule=None, start_date=datetime(2026, 1, 1), deadline=alert):
    EmptyOperator(task_id="t")
DAG
"$made/env/bin/python" - <<'PYTHON'
import subprocess


def airflow(*words):
    ran = subprocess.run(["airflow", *words], capture_output=True, text=True)
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    return ran.returncode, lines[-1] if lines else ""


for words in ("db migrate", "dags reserialize", "dags trigger d --run-id one"):
    code, last = airflow(*words.split())
    assert code == 0, (words, last)
code, last = airflow("tasks", "clear", "d", "-y")
print(f"airflow {airflow('version')[1]}, tasks clear: exit code {code}: {last}")
assert code != 0, "the run was cleared"
assert last == "TypeError: unsupported type for timedelta seconds component: dict", last
PYTHON
