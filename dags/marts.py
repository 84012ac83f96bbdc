"""What the departments' arrival makes run: an Airflow DAG for each mart and each kind of link.

Airflow passes over a file that does not say its name.
"""

from __future__ import annotations

from nightly.build import link_dag, mart_dag
from nightly.plan import read_plan

_plan = read_plan()
for _mart in _plan.marts:
    if _mart.made.is_of_ledger:
        continue  # the DAG `brief` makes it
    globals()[f"mart_{_mart.name}"] = mart_dag(_mart)
for _link in _plan.links:
    globals()[f"link_{_link.name}"] = link_dag(_link)
