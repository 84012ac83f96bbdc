"""Code lists that are too long to travel with every contract, as frames to join."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from civiclake.contracts.code_store import kept
from civiclake.contracts.read.codes import read_table
from civiclake.contracts.read.faults import Faults
from civiclake.contracts.standards import Codes
from civiclake.errors import ContractError
from civiclake.settings import Settings


def frame(spark: SparkSession, settings: Settings, codes: Codes) -> DataFrame:
    """The table of a list: code and today's code, and with ``as_of`` the days it is good for.

    Raises:
        UserError: the table is not of the version that the contract was compiled with.
    """
    path = kept(settings, codes)
    faults = Faults()
    table = read_table(path, path.name, faults)
    if table is None:
        raise ContractError(faults.problems)
    if codes.as_of is None:
        return spark.createDataFrame(table.undated(), "code string, today string")
    return spark.createDataFrame(table.dated(), "code string, today string, first date, end date")
