"""The Airflow DAG that sends the alerts that wait."""

from __future__ import annotations

from nightly.plan import read_plan
from nightly.sending import alerts_dag

alerts = alerts_dag(read_plan())
