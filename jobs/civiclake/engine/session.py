"""A job's session: a thin client of the jobs engine."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pyspark.sql import SparkSession

from civiclake import secrets
from civiclake.engine import pulse
from civiclake.errors import EngineError
from civiclake.local.ports import port_open
from civiclake.settings import Settings

PSEUDONYM = "civiclake_pseudonym"
"""SQL function (value, domain): the keyed pseudonym, computed where the key is."""
INTERPRETED_ROWS = 20_000
"""Batches up to here are interpreted; where the lines cross is measured by ``make bench``."""
FEW_BYTES = 4_000_000
"""Tables that together are no larger are interpreted: 63,000 positions of vehicles took the quality
of their feed 10 s so, and 20 s where its plan was compiled first."""
_PSEUDONYM_CLASS = "city.civiclake.Pseudonym"


def connect(settings: Settings, *, session_id: str | None = None) -> SparkSession:
    """Open a session of the jobs engine, with :data:`PSEUDONYM` registered.

    Args:
        settings: where the engine is.
        session_id: a UUID, to come back to a session that is still open.

    Raises:
        EngineError: the engine does not answer.
    """
    spark = SparkSession.builder.remote(address(settings, session_id)).create()
    pulse.attach(spark)
    spark.udf.registerJavaFunction(PSEUDONYM, _PSEUDONYM_CLASS, "string")
    return spark


def suit(spark: SparkSession, rows: int) -> bool:
    """Let a session of few rows interpret its expressions, and plan once.

    Compiling a plan to Java costs more than a small batch's own work, and every batch pays it
    anew: the compiled code carries the batch's id. Nor is there anything to be learnt from the
    sizes of a few rows that would be worth a job for each stage and another plan after it.

    Args:
        spark: the session of one batch.
        rows: how many rows the batch has.

    Returns:
        Whether those are few.
    """
    few = rows <= INTERPRETED_ROWS
    if few:
        spark.conf.set("spark.sql.codegen.wholeStage", "false")
        spark.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        spark.conf.set("spark.sql.shuffle.partitions", "1")
    return few


def suit_bytes(spark: SparkSession, size_bytes: int) -> None:
    """The same, of a session that reads tables.

    Args:
        spark: the session.
        size_bytes: how large they are together.
    """
    if size_bytes <= FEW_BYTES:
        suit(spark, 0)


def session_id(spark: SparkSession) -> str:
    """The id by which another process can come back to this session."""
    found: Any = spark  # a Connect session has it, the shared base class does not say so
    return str(found.session_id)


def address(settings: Settings, session_id: str | None = None) -> str:
    """The Connect address with its token: a secret, never to be logged.

    Raises:
        EngineError: no engine of ours answers on this machine.
    """
    engine = settings.engine
    if engine.remote:
        return engine.remote
    if not port_open(engine.host, engine.connect_port):
        raise EngineError(
            f"the jobs engine does not answer at {engine.host}:{engine.connect_port}:"
            " run `civiclake engine up`"
        )
    # gRPC lets a token travel without TLS to "localhost" by name only.
    host = "localhost" if engine.host in ("127.0.0.1", "::1") else engine.host
    token = quote(secrets.get(settings, "connect_token"), safe="")
    session = f";session_id={session_id}" if session_id else ""
    return f"sc://{host}:{engine.connect_port}/;token={token}{session}"
