"""One Airflow DAG for each mart, run by the arrival of its inputs."""

from __future__ import annotations

from nightly.build import mart_dag
from nightly.plan import read_plan

for _mart in read_plan().marts:
    globals()[f"mart_{_mart.name}"] = mart_dag(_mart)
