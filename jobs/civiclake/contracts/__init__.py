"""Contracts: what a dataset is, said once; imports no pyspark, no Airflow, no GX."""
