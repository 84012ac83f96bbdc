"""What is derived from a contract, as plain data and text: one module for each kind."""

from __future__ import annotations

from civiclake.contracts.render.catalogue import catalogue
from civiclake.contracts.render.dag import dag
from civiclake.contracts.render.ddl import table_ddl
from civiclake.contracts.render.spark_schema import spark_schema
from civiclake.contracts.render.suite import gx_suite

__all__ = ["catalogue", "dag", "gx_suite", "spark_schema", "table_ddl"]
