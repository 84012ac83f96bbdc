"""Contracts: what a dataset is, said once. Imports no pyspark, no Airflow, no Great Expectations."""
