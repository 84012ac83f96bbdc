"""The Airflow DAG that looks for what was not delivered by its deadline."""

from __future__ import annotations

from nightly.absence import deliveries_dag
from nightly.plan import read_plan

deliveries = deliveries_dag(read_plan())
