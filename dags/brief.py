"""The Airflow DAG with which the marts' night ends: the pages of the city's brief."""

from __future__ import annotations

from nightly.pages import brief_dag
from nightly.plan import read_plan

_plan = read_plan()
if _plan.shown or any(mart.made.is_of_ledger for mart in _plan.marts):
    brief = brief_dag(_plan)
