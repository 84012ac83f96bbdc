"""One Airflow DAG for each department, built from the compiled contracts."""

from __future__ import annotations

from nightly.build import department_dag
from nightly.plan import read_plan

for _department in read_plan().departments:
    globals()[_department.name] = department_dag(_department)
