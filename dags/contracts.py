"""Keeps Airflow's DAGs at the contracts: compiles these when a file has changed.

It makes no DAG itself. Faulty contracts make this file alone an import error, which lists
every fault in Airflow's UI, while the departments' DAGs go on as they were.
"""

from __future__ import annotations

from nightly.watch import compile_changed

compile_changed()
