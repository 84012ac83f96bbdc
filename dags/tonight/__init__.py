"""Tonight at a glance: the page that an operator opens first, inside the Airflow UI.

`rows`, `words`, `trend` and `model` are pure; `reader` reads the ledger without Spark, `runs`
Airflow's own tables, `docs` the Data Docs; `app` puts them behind Airflow's login.
"""
