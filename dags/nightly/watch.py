"""A new or changed contract reaches the night by itself.

Whoever parses DAGs looks whether a file of the contracts has changed since the last compile
(a few milliseconds), and only then has the other environment compile them. What is faulty stays
in the manifest as it was when it was sound last.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nightly import child
from nightly.places import manifest_path, root, state_dir

_SAYS_SOMETHING = (".yaml", ".yml", ".json", ".sql")
# Airflow gives a file 30 seconds to be parsed.
_TIMEOUT_S = 25


class FaultyContracts(RuntimeError):
    """The contracts can't be compiled; the message lists every fault."""


def compile_changed() -> None:
    """Compile the contracts if a file has changed since they were compiled last.

    Raises:
        FaultyContracts: they are faulty; again at every call, until a file changes.
    """
    mark = state_dir() / "run" / "contracts-compiled.json"
    now = fingerprint()
    seen = _read(mark)
    if seen.get("fingerprint") != now or not (manifest_path().exists() or seen["faults"]):
        seen = {"fingerprint": now, "faults": _compile()}
        _write(mark, seen)
    if seen["faults"]:
        raise FaultyContracts(
            "the contracts are faulty, so the night goes on by the last good ones:\n"
            + seen["faults"]
        )


def fingerprint() -> str:
    """What tells that a file was added, changed, moved or removed: names, times and sizes."""
    digest = hashlib.sha256()
    for folder in _folders():
        for path, found in sorted(_files(folder)):
            digest.update(f"{path} {found.st_mtime_ns} {found.st_size}\n".encode())
    return digest.hexdigest()


def _folders() -> list[str]:
    """Contracts, suites and marts."""
    schemas = os.environ.get("CIVICLAKE_SCHEMAS_DIR") or root() / "schemas"
    expectations = os.environ.get("CIVICLAKE_EXPECTATIONS_DIR") or root() / "expectations"
    marts = os.environ.get("CIVICLAKE_MARTS_DIR") or root() / "marts"
    return [str(schemas), str(expectations), str(marts)]


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder that may say something; a missing folder holds none."""
    if not os.path.isdir(folder):  # noqa: PTH112 - paths as text: thousands of files, often
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            elif entry.name.endswith(_SAYS_SOMETHING):
                yield entry.path, entry.stat()


def _compile() -> str:
    """Run ``civiclake compile``; the faults, or nothing when there are none.

    Raises:
        RuntimeError: it failed for another reason, which may be gone at the next call.
    """
    done = subprocess.run(
        child.command("compile"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=child.environment(),
        timeout=_TIMEOUT_S,
        check=False,
    )
    if not done.returncode:
        return ""
    result = child.last_json(done.stdout.splitlines())
    told = str((result or {}).get("error") or done.stderr.strip() or "no reason was given")
    if done.returncode == child.EXIT_USER:
        return told.removeprefix("civiclake: ")
    raise RuntimeError(f"`civiclake compile` ended with code {done.returncode}: {told}")


def _read(mark: Path) -> dict[str, str]:
    try:
        found = json.loads(mark.read_text())
        return {"fingerprint": str(found["fingerprint"]), "faults": str(found["faults"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"fingerprint": "", "faults": ""}


def _write(mark: Path, seen: dict[str, str]) -> None:
    mark.parent.mkdir(parents=True, exist_ok=True)
    fresh = mark.with_name(f".{mark.name}.{os.getpid()}")
    fresh.write_text(json.dumps(seen))
    fresh.replace(mark)
