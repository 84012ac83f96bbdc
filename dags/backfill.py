"""The Airflow DAG by which a person backfills a dataset."""

from __future__ import annotations

from nightly.backfill import backfill_dag
from nightly.plan import read_plan

backfill = backfill_dag(read_plan())
