"""What Airflow's services load of ours at start: the deadline's reference, the pools' maker."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from nightly import pools
from nightly.deadline import NightBegun


class CivicLakePlugin(AirflowPlugin):
    """Makes our deadline reference and our listener known to the scheduler."""

    name = "civiclake"
    deadline_references = [NightBegun]  # noqa: RUF012 - Airflow's own way to say it
    listeners = [pools]  # noqa: RUF012
