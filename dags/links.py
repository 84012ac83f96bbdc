"""One Airflow DAG for each kind of thing that is linked, run by the arrival of its inputs."""

from __future__ import annotations

from nightly.build import link_dag
from nightly.plan import read_plan

for _link in read_plan().links:
    globals()[f"link_{_link.name}"] = link_dag(_link)
