"""The compiled manifest: all contracts in one JSON file, which ``dags/`` reads."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from civiclake.contracts.model import Manifest
from civiclake.errors import UserError


def write(manifest: Manifest, path: Path) -> None:
    """Write the manifest in one move: a reader sees the old one or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(manifest.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it 0600; the scheduler may run as another user, and it holds no secret.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> Manifest:
    """Read the manifest back.

    Raises:
        UserError: there is none, or it was written by another version.
    """
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run `civiclake compile` to make it") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = f"{path} can't be used ({where}: {first['msg']}); run `civiclake compile`"
        raise UserError(message) from None
