"""Settings of the engines: the jobs' and the analysts' Spark, and the cluster below them."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, model_validator

from civiclake.settings_stores import Section

_MASTER = re.compile(r"spark://(?P<host>[^:/,\s]+):(?P<port>\d{1,5})")
_LOCAL = re.compile(r"local(\[(\*|\d+)\])?")
_OTHERS = ("spark://", "k8s://", "yarn")
_MEMORY = r"[1-9]\d*[mg]"


class LoginLimits(Section):
    """What one login may ask of the analysts' door; what is not said is as for everybody."""

    seconds: int | None = Field(default=None, ge=1)
    """Seconds that the server may work for a statement, its fetches included."""
    rows: int | None = Field(default=None, ge=1)
    """Rows of one result."""
    megabytes: int | None = Field(default=None, ge=1)
    """Size of one result."""
    queries: int | None = Field(default=None, ge=1)
    """Statements whose results are not fetched to their end."""
    tasks: int | None = Field(default=None, ge=1)
    """Parts of queries that run at once: of so many processors a login can make use."""


class DoorLimits(LoginLimits):
    """What everybody may ask of the analysts' door, and single logins instead."""

    seconds: int = Field(default=1800, ge=1)
    rows: int = Field(default=5_000_000, ge=1)
    megabytes: int = Field(default=2048, ge=1)
    queries: int = Field(default=8, ge=1)
    tasks: int | None = Field(default=None, ge=1)
    """As many as there are processors, where nothing is said."""
    fetch_rows: int = Field(default=10_000, ge=1)
    """Rows that one fetch brings at most, whatever the client asks for."""
    survivor_seconds: int = Field(default=15, ge=1)
    """How long a cancelled query may go on before the door is started again without it."""
    login: dict[str, LoginLimits] = Field(default_factory=dict)
    """By name."""


class GateSettings(Section):
    """Who may knock at the analysts' door, and how often."""

    login_seconds: int = Field(default=10, ge=1)
    """A connection that has not logged in by then is closed."""
    waiting_by_address: int = Field(default=32, ge=1)
    """Connections of one address that have not logged in yet; of more, the oldest goes."""
    connections_by_login: int = Field(default=32, ge=1)
    delay_first_ms: int = Field(default=250, ge=0)
    """What the second login after a wrong one waits; each further one doubles it."""
    delay_most_ms: int = Field(default=4000, ge=0)


class ClusterSettings(Section):
    """A standalone Spark cluster on this host: its master stands where ``engine.master`` says."""

    workers: int = Field(default=0, ge=0, le=64)
    """How many to start, watch and stop with the engines; 0: none, the cluster is another's."""
    cores: int = Field(default=1, ge=1)
    """Tasks that a worker runs at once."""
    memory: str = Field(default="2g", pattern=_MEMORY)
    """Of each worker's executor."""


class EngineSettings(Section):
    """The two long-lived Spark processes."""

    host: str = "127.0.0.1"
    connect_port: int = 15002
    sql_port: int = 10000
    master: str = "local[*]"
    jobs_memory: str = "4g"
    sql_memory: str = "2g"
    java_options: tuple[str, ...] = ()
    """Further options of both JVMs."""
    sql_java_options: tuple[str, ...] = ()
    """Further options of the analysts' JVM alone; they come after the others."""
    jars: tuple[Path, ...] = ()
    """Further JDBC drivers, for the class path of the jobs engine alone."""
    remote: str | None = None
    """A Spark Connect address elsewhere; then ``engine up`` starts no jobs server here."""
    spark: dict[str, str] = Field(default_factory=dict)
    """Spark settings of both processes."""
    limits: DoorLimits = DoorLimits()
    restarts_an_hour: int = Field(default=5, ge=1)
    """How often the watch starts an engine again that ended."""
    sql_nice: int = Field(default=5, ge=0, le=16)
    """How far the analysts' engine gives way to the night when processors are scarce."""
    gate: GateSettings = GateSettings()
    cluster: ClusterSettings = ClusterSettings()

    @property
    def is_clustered(self) -> bool:
        """Whether tasks run in other processes than the jobs engine, maybe on other hosts."""
        return not self.master.startswith("local")

    @property
    def master_place(self) -> tuple[str, int] | None:
        """Host and port of a standalone master; None where the master is of another kind."""
        found = _MASTER.fullmatch(self.master)
        return (found["host"], int(found["port"])) if found else None

    @model_validator(mode="after")
    def _whole(self) -> EngineSettings:
        if not (_LOCAL.fullmatch(self.master) or self.master.startswith(_OTHERS)):
            raise ValueError(
                f"master is {self.master!r}: allowed are local[*], local[2], spark://host:port,"
                " k8s://https://host:port and yarn"
            )
        if self.cluster.workers and self.master_place is None:
            raise ValueError(
                f"cluster.workers is {self.cluster.workers}, but master is {self.master}: where"
                " workers are started here, master is spark://127.0.0.1:7077 or another port"
            )
        return self
