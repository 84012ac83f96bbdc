"""Set-up of what the JVM needs: the JARs of ``conf/locks/jars.xml``, and our own from ``jvm/``.

``python -m civiclake.engine.jars`` does both, and nothing when both are done already.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from civiclake.engine.java import java_home, spark_home, spark_jars
from civiclake.errors import SourceUnavailable, UserError
from civiclake.local.held import held
from civiclake.settings import load_settings, project_root

OWN_JAR = "civiclake-jvm.jar"
_ATTEMPTS = 3
_WAIT_S = 900.0
_SOURCE_STAMP = "META-INF/civiclake-source.sha256"

Echo = Callable[[str], None]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the progress of set-up


def lock_dir() -> Path:
    """Where ``jars.xml`` and ``jars.sha256`` stand."""
    return project_root() / "conf" / "locks"


def locked() -> dict[str, str]:
    """SHA-256 by file name, as ``jars.sha256`` gives them."""
    lines = (lock_dir() / "jars.sha256").read_text().splitlines()
    pairs = (line.split() for line in lines if line.strip())
    return {name.lstrip("*"): digest for digest, name in pairs}


def fetch(jars_dir: Path, echo: Echo = _say) -> list[Path]:
    """Bring all locked JARs into the folder and check their SHA-256.

    What is there and right is kept, so a second call does nothing and a call after a
    failure goes on where it stopped.

    Raises:
        SourceUnavailable: a JAR could not be fetched; trying again resumes.
        UserError: a fetched JAR is not the one that was locked.
    """
    wanted = locked()
    jars_dir.mkdir(parents=True, exist_ok=True)
    with held(jars_dir / ".lock", "fetching the JARs", timeout_s=_WAIT_S):
        missing = _missing(jars_dir, wanted)
        if missing:
            echo(f"fetching {len(missing)} of {len(wanted)} JARs")
            _retrieve(jars_dir, missing, echo)
            _refuse_changed(jars_dir, wanted)
            echo(f"{len(wanted)} JARs fetched, their SHA-256 checked")
    return [jars_dir / name for name in sorted(wanted)]


def _missing(jars_dir: Path, wanted: dict[str, str]) -> list[str]:
    return [n for n, digest in wanted.items() if _sha256(jars_dir / n) != digest]


def _sha256(path: Path) -> str | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _retrieve(jars_dir: Path, missing: list[str], echo: Echo) -> None:
    """Run Ivy until all is there; its cache keeps what an attempt has fetched."""
    for name in missing:
        (jars_dir / name).unlink(missing_ok=True)
    failed: list[str] = []
    for attempt in range(1, _ATTEMPTS + 1):
        failed = _ivy(jars_dir, echo)
        if not failed and not [n for n in missing if not (jars_dir / n).exists()]:
            return
        echo(f"attempt {attempt} of {_ATTEMPTS} failed for {', '.join(failed) or 'all'}")
    named = failed or [n for n in missing if not (jars_dir / n).exists()]
    raise SourceUnavailable(
        f"could not fetch {', '.join(named)} from Maven Central; what was fetched is kept in"
        f" {jars_dir}: check the network (or proxy) and run the same command again"
    )


def _ivy(jars_dir: Path, echo: Echo) -> list[str]:
    """One run of the Ivy inside pyspark; returns what it could not fetch."""
    ivy = next(iter(sorted((spark_home() / "jars").glob("ivy-*.jar"))))
    target = jars_dir / "[artifact]-[revision].[ext]"
    command = [
        java_home() / "bin" / "java", "-Djava.net.useSystemProxies=true", "-jar", ivy,
        "-ivy", lock_dir() / "jars.xml", "-cache", jars_dir / ".ivy", "-retrieve", target,
    ]  # fmt: skip
    failed: set[str] = set()
    with subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            got = re.search(r"\[SUCCESSFUL ?\] \S+?#(\S+?)!", line)
            lost = re.search(r"\[FAILED +\] \S+?#(\S+?)!|:: \S+?#(\S+?): not found", line)
            if got:
                echo(f"  {got.group(1)}")
            if lost:
                failed.add(lost.group(1) or lost.group(2))
    return sorted(failed)


def _refuse_changed(jars_dir: Path, wanted: dict[str, str]) -> None:
    changed = _missing(jars_dir, wanted)
    for name in changed:
        (jars_dir / name).unlink(missing_ok=True)
        for cached in (jars_dir / ".ivy").rglob(name):
            cached.unlink()
    if changed:
        raise UserError(
            f"{', '.join(changed)}: the SHA-256 of what was fetched is not the one in"
            f" {lock_dir() / 'jars.sha256'}; it was deleted, run the same command again, and if"
            " it differs again do not use this network or mirror"
        )


def compile_jvm(jars_dir: Path, echo: Echo = _say) -> Path:
    """Compile ``jvm/src`` into one JAR, unless the JAR was made from these very sources.

    Raises:
        UserError: javac refused; its words are in the message.
    """
    sources = sorted((project_root() / "jvm" / "src").rglob("*.java"))
    stamp = _stamp([*sources, *_services()])
    jar = jars_dir / OWN_JAR
    jars_dir.mkdir(parents=True, exist_ok=True)
    with held(jars_dir / ".lock", "compiling jvm/", timeout_s=_WAIT_S):
        if _stamp_of(jar) == stamp:
            return jar
        echo("compiling jvm/ with javac")
        with tempfile.TemporaryDirectory(dir=jars_dir, prefix=".javac-") as folder:
            _javac(sources, [jars_dir / name for name in locked()], Path(folder))
            _pack(Path(folder), jar, stamp)
    return jar


def _services() -> list[Path]:
    """By which Java finds a class that implements something, one file for each interface."""
    return sorted((project_root() / "jvm" / "services").iterdir())


def _stamp(sources: list[Path]) -> str:
    digest = hashlib.sha256(f"{java_home()} {spark_home().name}".encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _stamp_of(jar: Path) -> str | None:
    try:
        with zipfile.ZipFile(jar) as archive:
            return archive.read(_SOURCE_STAMP).decode()
    except (FileNotFoundError, KeyError, zipfile.BadZipFile):
        return None


def _javac(sources: list[Path], locked_jars: list[Path], target: Path) -> None:
    classpath = os.pathsep.join(str(path) for path in [*spark_jars(), *locked_jars])
    command = ["-proc:none", "-nowarn", "--release", "17", "-d", str(target), "-cp", classpath]
    ran = subprocess.run(
        [str(java_home() / "bin" / "javac"), *command, *map(str, sources)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise UserError(f"javac could not compile jvm/src:\n{ran.stdout}{ran.stderr}")


def _pack(classes: Path, jar: Path, stamp: str) -> None:
    made = classes / OWN_JAR
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(classes.rglob("*.class")):
            archive.write(path, path.relative_to(classes).as_posix())
        for path in _services():
            archive.write(path, f"META-INF/services/{path.name}")
        archive.writestr(_SOURCE_STAMP, stamp)
    made.chmod(0o644)
    made.replace(jar)


def classpath(jars_dir: Path) -> list[Path]:
    """Our JARs, in the order of the class path.

    Raises:
        UserError: set-up has not been run here.
    """
    jars = [jars_dir / OWN_JAR, *(jars_dir / name for name in sorted(locked()))]
    missing = [jar.name for jar in jars if not jar.exists()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(jars)} JARs are not in {jars_dir} (first {missing[0]}):"
            " run `make setup`"
        )
    return jars


def drivers(wanted: Sequence[Path]) -> list[Path]:
    """The JARs of further JDBC drivers.

    Raises:
        UserError: one is not there.
    """
    missing = [str(jar) for jar in wanted if not jar.is_file()]
    if missing:
        raise UserError(
            f"the setting engine.jars names {', '.join(missing)}, which is not there: correct it"
        )
    return [jar.absolute() for jar in wanted]


def main() -> None:
    """Fetch and compile."""
    settings = load_settings()
    fetch(settings.jars_dir)
    compile_jvm(settings.jars_dir)


if __name__ == "__main__":
    main()
