"""The analysts' door: Spark's Thrift server behind a login, a guard and a user of its own.

The server is one JVM (``jvm/``: ``SqlServer``). It gets a clean environment, and where this
machine allows it the rights of ``nobody``: what it must not show it could not even read.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from civiclake.engine import analysts, jars, limits
from civiclake.engine.connect_server import make_folders, write_arguments
from civiclake.engine.java import java_home, spark_jars
from civiclake.engine.service import Service
from civiclake.local.process import as_user
from civiclake.settings import Settings, project_root

_MAIN = "city.civiclake.SqlServer"
_UNPRIVILEGED = "nobody"


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
    make_folders(settings)
    interrupted = limits.interrupted(settings.state_dir / "spark" / "sql")
    work = _make_work_dir(settings)
    arguments = settings.run_dir / "engine-sql.args"
    java = [*limits.properties(settings, work, interrupted), *_java(settings, work)]
    write_arguments(arguments, settings, _options(settings, work), java)
    analysts.ensure_default(settings)
    limits.write(settings)
    user, note = choose_user(settings, work)
    if user:
        entry = pwd.getpwnam(user)
        for path in (work, *work.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        for path in (analysts.path(settings), limits.path(settings)):
            os.chown(path, -1, entry.pw_gid)
    service(settings).start(
        [str(java_home() / "bin" / "java"), f"@{arguments}"], _environment(settings, work),
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
        "server2.thrift.port": str(settings.engine.sql_port),
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
        **settings.engine.spark,
        "spark.app.name": "civiclake-sql",
        "spark.sql.extensions": ",".join(e for e in (extensions, "city.civiclake.Guard") if e),
        "spark.sql.runSQLOnFiles": "false",
        # Without this, ${env:NAME} and ${system:name} in a query show the server's own.
        "spark.sql.variable.substitute": "false",
        # A result is fetched partition by partition: a long one does not fill the memory.
        "spark.sql.thriftServer.incrementalCollect": "true",
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.driver.memory": settings.engine.sql_memory,
        **limits.options(settings),
        **{f"spark.hadoop.hive.{key}": value for key, value in hive.items()},
    }


def _java(settings: Settings, work: Path) -> list[str]:
    """Properties of the JVM, which no session can read or change, and the main class."""
    return [
        f"-Dciviclake.lake={settings.lake}",
        f"-Dciviclake.analysts={analysts.path(settings)}",
        "-Dhive.server2.custom.authentication.class=city.civiclake.PasswordLogin",
        f"-Djava.io.tmpdir={work / 'tmp'}",
        "-XX:-ExitOnOutOfMemoryError",  # one query may; DoorWatch ends the process where it must
        _MAIN,
    ]


def _environment(settings: Settings, work: Path) -> dict[str, str]:
    """Clean: what is not here can't leak. A lake in S3 needs its (read-only) credentials."""
    keep = ("PATH", "LANG", "TZ", *(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN", "AWS_REGION") if "://" in settings.lake else ()))  # fmt: skip
    found = {name: os.environ[name] for name in keep if name in os.environ}
    own = {"HOME": str(work), "SPARK_LOCAL_DIRS": str(work / "tmp")}
    return {**found, **own, "SPARK_LOCAL_IP": settings.engine.host}


def choose_user(settings: Settings, work: Path) -> tuple[str | None, str]:
    """The unprivileged user to run as, or None and a plain word about why not."""
    if os.geteuid() != 0:
        return None, (
            "runs with the rights of the user who started it, who may read all of the lake:"
            " login and guard hold, but there is no second wall; start it as root to have one"
        )
    try:
        pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        return None, f"runs as root: this machine has no user {_UNPRIVILEGED!r}"
    closed = _first_closed(settings, work, _UNPRIVILEGED)
    if closed:
        return None, (
            f"runs as root: the user {_UNPRIVILEGED!r} may not reach {closed}; put the project in"
            " a folder that all may enter (mode 0755) to have it run without rights"
        )
    return _UNPRIVILEGED, ""


def _first_closed(settings: Settings, work: Path, user: str) -> str | None:
    """The first thing the server needs that this user can't read; asked of the kernel itself."""
    wanted = [
        java_home() / "bin" / "java",
        project_root() / "conf" / "log4j2.properties",
        settings.run_dir / "engine-sql.args",
        *jars.classpath(settings.jars_dir),
        *spark_jars(),
        work.parent,
        analysts.path(settings).parent,
    ]
    if "://" not in settings.lake:
        wanted += [Path(settings.lake) / "unified", Path(settings.lake) / "marts"]
    script = 'for one in "$@"; do [ -r "$one" ] || { echo "$one"; exit 1; }; done'
    asked = subprocess.run(
        as_user(user, ["/bin/sh", "-c", script, "sh", *map(str, wanted)]),
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    return asked.stdout.strip() or None
