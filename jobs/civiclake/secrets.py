"""Secrets: from the environment, else made at first start in the state folder (mode 0600).

A secret's environment variable is its name in capitals with ``CIVICLAKE_`` before it:
``pseudonym_key_k1`` is ``CIVICLAKE_PSEUDONYM_KEY_K1``. Nothing here is ever logged.
"""

from __future__ import annotations

import contextlib
import os
import secrets as _random
import tempfile
from pathlib import Path

from civiclake.errors import UserError
from civiclake.settings import Settings


def variable(name: str) -> str:
    """The environment variable of a secret."""
    return f"CIVICLAKE_{name.upper()}"


def get(settings: Settings, name: str) -> str:
    """The secret of that name.

    Raises:
        UserError: it is neither in the environment nor in the state folder.
    """
    found = os.environ.get(variable(name))
    if found:
        return found
    path = settings.secrets_dir / name
    if path.exists():
        return path.read_text().strip()
    raise UserError(f"secret {name!r} is not set: set {variable(name)}, or run `make up` once")


def ensure(settings: Settings, name: str, *, length_bytes: int = 32) -> str:
    """The secret of that name, made at random when there is none yet."""
    found = os.environ.get(variable(name))
    if found:
        return found
    folder = settings.secrets_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        _write_once(path, _random.token_urlsafe(length_bytes))
    return path.read_text().strip()


def _write_once(path: Path, value: str) -> None:
    """Two starters may race: the first one's file stays, and appears with its content."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(value + "\n")
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink()
