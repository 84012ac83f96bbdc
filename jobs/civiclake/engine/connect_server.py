"""The jobs' door: a Spark Connect server that asks for a token."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from civiclake import secrets
from civiclake.engine import arguments, class_archive, cluster, jars, rights, store
from civiclake.engine.java import java_home
from civiclake.engine.service import Service
from civiclake.settings import Settings

_MAIN = "city.civiclake.JobsServer"
_TOKEN_VARIABLE = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # noqa: S105 - a name, not a secret
_EXECUTORS_VARIABLE = "CIVICLAKE_EXECUTOR_VARIABLES"
"""Names of variables that executors get, too, where tasks run in processes of their own."""
_LOCAL_FILES = {
    "spark.hadoop.fs.file.impl": "city.civiclake.LocalFiles",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "city.civiclake.LocalFilesContext",
}
"""Hadoop's own start a process for every file that is made."""


def service(settings: Settings) -> Service:
    """The process as the run folder knows it."""
    return Service(
        name="jobs",
        run_dir=settings.run_dir,
        host=settings.engine.host,
        port=settings.engine.connect_port,
        port_setting="CIVICLAKE_ENGINE__CONNECT_PORT",
    )


def start(settings: Settings) -> None:
    """Start it, detached; does not wait."""
    rights.secure(settings)
    cluster.wait_for_master(settings)
    path = write_arguments(
        settings.run_dir / "engine-jobs.args",
        settings,
        _options(settings),
        [_MAIN],
        class_archive.class_path(settings.jars_dir, jars.drivers(settings.engine.jars)),
    )
    service(settings).start(
        [str(java_home() / "bin" / "java"), f"@{path}"], _environment(settings),
        cwd=settings.run_dir,
    )  # fmt: skip


def _options(settings: Settings) -> dict[str, str]:
    work = settings.state_dir / "spark" / "jobs"
    return {
        **store.options(settings),
        **cluster.spark(settings),
        **settings.engine.spark,
        "spark.sql.catalog.civiclake": "city.civiclake.Procedures",
        "spark.app.name": "civiclake-jobs",
        "spark.connect.grpc.binding.address": settings.engine.host,
        "spark.connect.grpc.binding.port": str(settings.engine.connect_port),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.driver.memory": settings.engine.jobs_memory,
    }


def write_arguments(
    path: Path,
    settings: Settings,
    spark: dict[str, str],
    main: list[str],
    classpath: Sequence[Path],
) -> Path:
    """Java's arguments of a driver, as a file.

    The JARs stand on the class path itself: added by ``--jars``, they would be missing in
    the second session of the Thrift server.
    """
    options = {
        "spark.master": settings.engine.master,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.hadoop.fs.permissions.umask-mode": "027",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **_LOCAL_FILES,
        **spark,
        # The driver's own ports, which any user of this machine may connect to.
        "spark.authenticate": "true",
    }
    java = [
        f"-Xmx{options['spark.driver.memory']}",
        "-XX:+UseParallelGC",
        "-XX:+ExitOnOutOfMemoryError",
        *class_archive.options(settings.jars_dir),
        *settings.engine.java_options,
        *arguments.properties(options),
    ]
    return arguments.write(path, java, classpath, main)


def _environment(settings: Settings) -> dict[str, str]:
    """Secrets travel by the environment: a command line is seen by every user."""
    executors = {**_pseudonym_keys(settings), **store.environment(settings)}
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    return {
        **keep,
        **executors,
        **cluster.environment(settings),
        _EXECUTORS_VARIABLE: ",".join(executors),
        _TOKEN_VARIABLE: secrets.ensure(settings, "connect_token"),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": settings.engine.host,
        **arguments.scratch(settings.state_dir / "spark" / "jobs" / "tmp"),
    }


def _pseudonym_keys(settings: Settings) -> dict[str, str]:
    name = f"pseudonym_key_{settings.pseudonym.key_id}"
    return {
        secrets.variable("pseudonym_key_id"): settings.pseudonym.key_id,
        secrets.variable(name): secrets.ensure(settings, name),
    }
