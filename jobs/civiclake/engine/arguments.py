"""Java's arguments as a file: no limit on its length, and nobody else's to read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from civiclake.engine.java import MODULE_OPTIONS
from civiclake.settings import project_root


def write(path: Path, options: Sequence[str], classpath: Sequence[Path], main: list[str]) -> Path:
    """Write what one of our JVMs is started with.

    Args:
        path: of the file, made anew with mode 0600.
        options: of this JVM, beside those of all.
        classpath: where it finds its classes, in this order.
        main: further options, the main class, and its own arguments.

    Returns:
        The path: ``java @path`` starts it.
    """
    lines = [
        *MODULE_OPTIONS,
        "-Dfile.encoding=UTF-8",
        "-Duser.timezone=UTC",
        log_option(),
        *options,
        "-cp",
        os.pathsep.join(str(jar) for jar in classpath),
        *main,
    ]
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("".join(f'"{_escaped(line)}"\n' for line in lines))
    return path


def log_option() -> str:
    """How a JVM of ours finds out what it is to log."""
    return f"-Dlog4j2.configurationFile=file:{project_root() / 'conf' / 'log4j2.properties'}"


def properties(spark: Mapping[str, str]) -> list[str]:
    """Spark's settings as a JVM is told them."""
    return [f"-D{key}={value}" for key, value in spark.items()]


def scratch(folder: Path) -> dict[str, str]:
    """Where a process of Spark's puts what it will not keep: shuffles, and what goes to S3, which
    would stand in the system's folder else."""
    return {"SPARK_LOCAL_DIRS": str(folder), "LOCAL_DIRS": str(folder)}


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"', '\\"')
