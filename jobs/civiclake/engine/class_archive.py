"""Spark's classes read and checked once, and not at every start: Java's class-data archive.

Half of an engine's start is the reading of some ten thousand classes. Set-up keeps them as the JVM
has them in memory (:mod:`civiclake.engine.rehearsal`), in one file for both engines. An engine that
finds none starts as ever, and the JVM passes over one that is of another Java, of other JARs, or
damaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from civiclake.engine import jars
from civiclake.engine.java import java_home, spark_jars


def class_path(jars_dir: Path, drivers: Sequence[Path] = ()) -> list[Path]:
    """Where the jobs' engine finds its classes, in this order.

    An archive holds for all class paths that begin as its own: what the analysts' engine goes
    without comes last.
    """
    return [*door_class_path(jars_dir), *filter(_is_learning, spark_jars()), *drivers]


def door_class_path(jars_dir: Path) -> list[Path]:
    """Where the analysts' engine finds its classes.

    Spark's library of machine learning is not among them: it hangs functions of its own into every
    session by Scala's reflection, a fifth of what a start costs.
    """
    return [*jars.classpath(jars_dir), *(one for one in spark_jars() if not _is_learning(one))]


def _is_learning(jar: Path) -> bool:
    return jar.name.startswith("spark-mllib_")


def path(jars_dir: Path) -> Path:
    """The archive that belongs to this Java and these JARs, made or not."""
    home = java_home()
    parts = [str(home), (home / "release").read_text() if (home / "release").exists() else ""]
    for jar in door_class_path(jars_dir):
        found = jar.stat()
        parts.append(f"{jar} {found.st_size} {found.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return jars_dir / f"classes-{digest[:16]}.jsa"


def options(jars_dir: Path) -> list[str]:
    """What Java is told of the archive; nothing where there is none."""
    archive = path(jars_dir)
    if not archive.exists():
        return []
    return [
        f"-XX:SharedArchiveFile={archive}",
        "-Xshare:auto",
        "-XX:+VerifySharedSpaces",  # a damaged one is passed over, too
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
    ]


def made(jars_dir: Path) -> list[Path]:
    """All archives of the folder, also those of former JARs."""
    return sorted(jars_dir.glob("classes-*.jsa"))
