"""The Airflow DAG that tidies the tables' files by day."""

from __future__ import annotations

from nightly.plan import read_plan
from nightly.upkeep import maintenance_dag

maintenance = maintenance_dag(read_plan())
