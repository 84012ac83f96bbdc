"""The analysts' door: Spark's Thrift server behind a login, a guard and a user of its own.

The server is one JVM (``jvm/``: ``SqlServer``). It gets a clean environment, and where this
machine allows it a user of its own without rights: what it must not show it could not even read.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from civiclake.engine import analysts, class_archive, door_user, limits, rights, store
from civiclake.engine.connect_server import write_arguments
from civiclake.engine.java import java_home
from civiclake.engine.service import Service
from civiclake.local import stores
from civiclake.settings import Settings

_MAIN = "city.civiclake.SqlServer"
_LAKE = "viewfs://lake"
"""The lake as analysts see it: a table's place is a name here, and not this machine's path."""


def service(settings: Settings) -> Service:
    """The process as the run folder knows it."""
    return Service(
        name="sql",
        run_dir=settings.run_dir,
        host=settings.engine.host,
        port=settings.engine.sql_port,
        port_setting="CIVICLAKE_ENGINE__SQL_PORT",
        nice=settings.engine.sql_nice,
    )


def start(settings: Settings) -> None:
    """Start it, detached; does not wait."""
    rights.secure(settings)
    interrupted = limits.interrupted(settings.state_dir / "spark" / "sql")
    work = _make_work_dir(settings)
    path = work / "engine-sql.args"
    java = [*limits.properties(settings, work, interrupted), *_java(settings, work)]
    classes = class_archive.door_class_path(settings.jars_dir)
    write_arguments(path, settings, _options(settings, work), java, classes)
    analysts.ensure_default(settings)
    limits.write(settings)
    user, note = door_user.choose(settings, work)
    service(settings).start(
        [str(java_home() / "bin" / "java"), f"@{path}"], _environment(settings, work),
        user=user, cwd=work, note=note,
    )  # fmt: skip


def _make_work_dir(settings: Settings) -> Path:
    """Scratch space of the server, made anew: nothing in it outlives a start."""
    work = settings.state_dir / "spark" / "sql"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("tmp", "warehouse", "scratch"):
        (work / name).mkdir(parents=True)
    work.chmod(0o700)
    return work


def _options(settings: Settings, work: Path) -> dict[str, str]:
    hive = {
        "server2.thrift.bind.host": settings.engine.host,
        "server2.thrift.port": "0",  # the gate listens at the one that people know
        "server2.transport.mode": "binary",
        "server2.authentication": "CUSTOM",
        "server2.enable.doAs": "false",
        "server2.allow.user.substitution": "false",
        "server2.logging.operation.enabled": "false",
        "exec.scratchdir": str(work / "scratch"),
        "exec.local.scratchdir": str(work / "scratch"),
    }
    extensions = settings.engine.spark.get("spark.sql.extensions", "")
    return {
        **store.options(settings),
        **settings.engine.spark,
        "spark.app.name": "civiclake-sql",
        "spark.sql.extensions": ",".join(e for e in (extensions, "city.civiclake.Guard") if e),
        "spark.sql.runSQLOnFiles": "false",
        # Without this, ${env:NAME} and ${system:name} in a query show the server's own.
        "spark.sql.variable.substitute": "false",
        # A result is fetched partition by partition: a long one does not fill the memory.
        "spark.sql.thriftServer.incrementalCollect": "true",
        **_mounts(settings, work),
        "spark.sql.warehouse.dir": f"{_LAKE}/default",
        "spark.driver.memory": settings.engine.sql_memory,
        **limits.options(settings),
        **{f"spark.hadoop.hive.{key}": value for key, value in hive.items()},
    }


def _mounts(settings: Settings, work: Path) -> dict[str, str]:
    """What of the lake the server sees at all: the open layers, each under its name."""
    places = {layer: f"{_root(settings)}/{layer}" for layer in rights.OPEN_LAYERS}
    places["default"] = (work / "warehouse").absolute().as_uri()  # where nothing is
    mount = "spark.hadoop.fs.viewfs.mounttable.lake.link./"
    return {f"{mount}{name}": place for name, place in places.items()}


def _root(settings: Settings) -> str:
    return settings.lake if "://" in settings.lake else Path(settings.lake).absolute().as_uri()


def _java(settings: Settings, work: Path) -> list[str]:
    """Properties of the JVM, which no session can read or change, and the main class."""
    return [
        f"-Dciviclake.lake={_LAKE}",
        f"-Dciviclake.store={_root(settings).partition(':')[0]}",
        f"-Dciviclake.host={settings.engine.host}",
        f"-Dciviclake.port={settings.engine.sql_port}",
        f"-Dciviclake.root={settings.state_dir.absolute()}",
        f"-Dciviclake.analysts={analysts.path(settings)}",
        *(f"-Dciviclake.gate.{name}={n}" for name, n in settings.engine.gate.model_dump().items()),
        "-Dhive.server2.custom.authentication.class=city.civiclake.PasswordLogin",
        f"-Djava.io.tmpdir={work / 'tmp'}",
        *settings.engine.sql_java_options,
        "-XX:-ExitOnOutOfMemoryError",  # one query may; DoorWatch ends the process where it must
        _MAIN,
    ]


def _environment(settings: Settings, work: Path) -> dict[str, str]:
    """Clean: what is not here can't leak. A lake in S3 needs its (read-only) credentials."""
    keep = ("PATH", "LANG", "TZ", *(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN", "AWS_REGION") if "://" in settings.lake else ()))  # fmt: skip
    found = {name: os.environ[name] for name in keep if name in os.environ}
    own = {"HOME": str(work), "SPARK_LOCAL_DIRS": str(work / "tmp")}
    return {
        **found,
        **stores.reading(settings, "door"),
        **own,
        "SPARK_LOCAL_IP": settings.engine.host,
    }
