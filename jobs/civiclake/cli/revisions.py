"""Contracts of another time or place: a folder, one file, or a revision of the git repository."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from civiclake.contracts.city import read_city
from civiclake.contracts.diff.compare import published
from civiclake.contracts.diff.model import Published
from civiclake.contracts.inputs import MARTS
from civiclake.contracts.mart import CONTRACT
from civiclake.contracts.read.library import CODES, COLUMNS
from civiclake.errors import UserError
from civiclake.settings import Settings


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
    own = _marts(settings)
    if said is None:
        return _read(settings.schemas_dir, own), False
    path = Path(said)
    if path.is_dir():
        return _read(path, path.parent / MARTS), False
    if path.is_file() and path.name == CONTRACT:
        with _mart_alone(settings, path) as (folder, marts):
            return _of_marts(_read(folder, marts)), True
    if path.is_file():
        with alone(settings, path) as folder:
            return _read(folder, folder.parent / MARTS), True
    with (
        _checked_out(settings.schemas_dir, said) as folder,
        _checked_out(own, said, MARTS) if own.is_dir() else nullcontext(own) as marts,
    ):
        return _read(folder, marts), False


def _marts(settings: Settings) -> Path:
    """The marts, where they have the revisions that the contracts have; else a folder of none."""
    roots = {
        _git(folder, "rev-parse", "--show-toplevel")
        for folder in (settings.schemas_dir, settings.marts_dir)
    }
    return settings.marts_dir if len(roots) == 1 else settings.schemas_dir / "no-marts"


def _read(schemas: Path, marts: Path) -> Mapping[str, Published]:
    # Suites are no part of what is compared, and faults are told where they matter.
    return published(read_city(schemas, schemas / "no-suites", marts))


def _of_marts(found: Mapping[str, Published]) -> Mapping[str, Published]:
    return {name: one for name, one in found.items() if name.startswith(f"{MARTS}.")}


@contextmanager
def alone(settings: Settings, file: Path) -> Iterator[Path]:
    """A city of one contract, with the shared columns and code lists that it was written for."""
    said = _said(file)
    department, _, name = str(said).partition(".")
    if not (department.isidentifier() and name.isidentifier()):
        raise UserError(
            f"{file}: id is {said!r}; allowed is '<department>.<dataset>', such as health.visits"
        )
    with _shared(settings, file.resolve().parent.parent) as root:
        (root / department).mkdir(parents=True)
        shutil.copyfile(file, root / department / f"{name}.yaml")
        yield root


@contextmanager
def _mart_alone(settings: Settings, file: Path) -> Iterator[tuple[Path, Path]]:
    """One mart's folder, likewise."""
    application, name = file.resolve().parts[-3:-1]
    with _shared(settings, file.resolve().parents[3] / "schemas") as root:
        marts = root.parent / MARTS
        shutil.copytree(file.parent, marts / application / name)
        yield root, marts


@contextmanager
def _shared(settings: Settings, near: Path) -> Iterator[Path]:
    """An empty folder of contracts, with what contracts share."""
    shared = near if (near / COLUMNS).is_dir() else settings.schemas_dir
    with TemporaryDirectory(prefix="civiclake-diff-") as made:
        root = Path(made) / "schemas"
        root.mkdir()
        for folder in (COLUMNS, CODES):
            if (shared / folder).is_dir():
                shutil.copytree(shared / folder, root / folder)
        yield root


def _said(file: Path) -> object:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no contract: {str(error).splitlines()[0]}") from None
    return data.get("id") if isinstance(data, dict) else None


@contextmanager
def _checked_out(folder: Path, revision: str, name: str = "schemas") -> Iterator[Path]:
    """A folder as a revision holds it; empty, if the revision is older than the folder."""
    if not _git(folder, "rev-parse", "--is-inside-work-tree"):
        raise UnknownRevision(
            f"{revision!r} is no folder and no file, and {folder} is in no git repository"
        )
    commit = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise UnknownRevision(
            f"{revision!r} is no folder, no file and no revision that this clone holds"
            " (a shallow clone holds the newest only: `git fetch --deepen=100`)"
        )
    with TemporaryDirectory(prefix="civiclake-diff-") as made:
        root = Path(made) / name
        root.mkdir()
        # Run inside the folder, git packs that folder alone, with names relative to it.
        packed = _git(folder, "archive", "--format=tar", commit.decode().strip())
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
