#!/usr/bin/env bash
# Airflow's AppriseNotifier ends well when no service took the message.
#
# A notifier is what one hangs on a failed task so that somebody is told, and SmtpNotifier raises when the
# mail server is down. AppriseNotifier hands the message to Apprise, which does not raise but answers
# false when a service refused it or did not answer. Hook and notifier pass that answer over: the
# callback succeeds, and nobody was told and nobody knows.
#
# Seen with apache-airflow 3.3.2, apache-airflow-providers-apprise 2.4.1, apprise 2.3.0, for a webhook
# on a port where nothing listens:
#   the notifier returned None
#   apprise itself answered False
# What to do: ask Apprise and look at its answer. Fails if the notifier raises.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(apache-airflow==3.3.2 apache-airflow-providers-apprise==2.4.1 apprise==2.3.0)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
export AIRFLOW_HOME=$made AIRFLOW__CORE__LOAD_EXAMPLES=false AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR
export PYTHONWARNINGS=ignore
"$made/env/bin/python" - <<'PYTHON'
import json
import os
import socket

import apprise
from airflow.providers.apprise.notifications.apprise import AppriseNotifier

with socket.socket() as found:  # a port on which nothing listens
    found.bind(("127.0.0.1", 0))
    path = f"json://127.0.0.1:{found.getsockname()[1]}/"
extra = json.dumps({"config": {"path": path}})
os.environ["AIRFLOW_CONN_PAGER"] = json.dumps({"conn_type": "apprise", "extra": extra})

answer = AppriseNotifier(body="the night failed", apprise_conn_id="pager").notify({})
print(f"the notifier returned {answer}")
service = apprise.Apprise()
service.add(path)
told = service.notify(body="the night failed")
print(f"apprise itself answered {bool(told)}")
assert not told, "the webhook took it"
assert answer is None, "the notifier hands on what Apprise answers"
PYTHON
