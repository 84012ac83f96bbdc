"""Which Java runs Spark, and where pyspark's own JARs are."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from civiclake.errors import UserError

SUPPORTED = (17, 21)

# What Spark's own launcher adds: Spark reaches into these packages of the JDK.
MODULE_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang",
            "java.lang.invoke",
            "java.lang.reflect",
            "java.io",
            "java.net",
            "java.nio",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "jdk.internal.ref",
            "sun.nio.ch",
            "sun.nio.cs",
            "sun.security.action",
            "sun.util.calendar",
        )
    ),
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)


@cache
def java_home() -> Path:
    """The JDK to use: ``JAVA_HOME``, then ``java`` on the path, then the usual folders.

    Raises:
        UserError: there is no JDK 17 or 21 on this machine.
    """
    seen: list[str] = []
    for home in _candidates():
        version = _major(home)
        if version in SUPPORTED and (home / "bin" / "javac").exists():
            return home
        seen.append(f"{home} (version {version})")
    found = f"; found only {', '.join(seen)}" if seen else ""
    raise UserError(
        f"no JDK 17 or 21 on this machine{found}: install one (on Debian and Ubuntu:"
        " `apt-get install openjdk-17-jdk-headless`) or set JAVA_HOME to it"
    )


def _candidates() -> Iterator[Path]:
    named = os.environ.get("JAVA_HOME")
    if named:
        yield Path(named)
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parent.parent
    for folder in ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"):
        for home in sorted(Path(folder).glob("*")):
            inner = home / "Contents" / "Home"
            yield inner if inner.exists() else home


def _major(home: Path) -> int | None:
    java = home / "bin" / "java"
    if not java.exists():
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(\d+)', said.stderr + said.stdout)
    return int(match.group(1)) if match else None


def spark_home() -> Path:
    """The folder of the installed pyspark, found without importing it."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise UserError("pyspark is not installed in this environment: run `make setup`")
    return Path(spec.origin).parent


def spark_jars() -> list[Path]:
    """The JARs that pyspark ships."""
    return sorted((spark_home() / "jars").glob("*.jar"))
