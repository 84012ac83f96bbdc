"""Contracts of another time or place: a folder, one file, or a revision of the git repository."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from civiclake.contracts.city import read_city
from civiclake.contracts.diff.compare import published
from civiclake.contracts.diff.model import Published
from civiclake.contracts.read.library import CODES, COLUMNS
from civiclake.errors import UserError
from civiclake.settings import MARTS_DIR, Settings


class UnknownRevision(UserError):
    """This clone does not hold that revision."""


def read_side(settings: Settings, said: str | None) -> tuple[Mapping[str, Published], bool]:
    """The contracts that a person named, and whether it is one file alone.

    Args:
        settings: where this installation's contracts are.
        said: a folder of contracts, a contract's file or a git revision; None is what stands
            in the working tree.

    Raises:
        UserError: it is none of the three.
    """
    path = settings.schemas_dir if said is None else Path(said)
    if path.is_dir():
        return _read(path), False
    if path.is_file():
        with alone(settings, path) as folder:
            return _read(folder), True
    with _checked_out(settings.schemas_dir, str(said)) as folder:
        return _read(folder), False


def _read(schemas: Path) -> Mapping[str, Published]:
    # Suites are no part of what is compared, and faults are told where they matter.
    return published(read_city(schemas, schemas / "no-suites", MARTS_DIR))


@contextmanager
def alone(settings: Settings, file: Path) -> Iterator[Path]:
    """A city of one contract, with the shared columns and code lists that it was written for."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no contract: {str(error).splitlines()[0]}") from None
    said = data.get("id") if isinstance(data, dict) else None
    department, _, name = str(said).partition(".")
    if not (department.isidentifier() and name.isidentifier()):
        raise UserError(
            f"{file}: id is {said!r}; allowed is '<department>.<dataset>', such as health.visits"
        )
    near = file.resolve().parent.parent
    shared = near if (near / COLUMNS).is_dir() else settings.schemas_dir
    with TemporaryDirectory(prefix="civiclake-diff-") as made:
        root = Path(made) / "schemas"
        (root / department).mkdir(parents=True)
        shutil.copyfile(file, root / department / f"{name}.yaml")
        for folder in (COLUMNS, CODES):
            if (shared / folder).is_dir():
                shutil.copytree(shared / folder, root / folder)
        yield root


@contextmanager
def _checked_out(schemas: Path, revision: str) -> Iterator[Path]:
    """The contracts as a revision holds them; none, if it is older than the folder."""
    if not _git(schemas, "rev-parse", "--is-inside-work-tree"):
        raise UnknownRevision(
            f"{revision!r} is no folder and no file, and {schemas} is in no git repository"
        )
    commit = _git(schemas, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise UnknownRevision(
            f"{revision!r} is no folder, no file and no revision that this clone holds"
            " (a shallow clone holds the newest only: `git fetch --deepen=100`)"
        )
    with TemporaryDirectory(prefix="civiclake-diff-") as made:
        root = Path(made) / "schemas"
        root.mkdir()
        # Run inside the folder, git packs that folder alone, with names relative to it.
        packed = _git(schemas, "archive", "--format=tar", commit.decode().strip())
        if packed:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(root, filter="data")
        yield root


def _git(folder: Path, *words: str) -> bytes:
    """What git says; nothing when it refuses, or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, check=False, timeout=60
        )
    except FileNotFoundError:
        return b""
    return done.stdout if done.returncode == 0 else b""
