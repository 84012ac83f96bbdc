"""The tables of long code lists, kept by version beside the manifest that names them."""

from __future__ import annotations

import os
from pathlib import Path

from civiclake.contracts.model import Manifest
from civiclake.contracts.read.codes import fingerprint
from civiclake.contracts.read.library import CODES
from civiclake.contracts.standards import Codes
from civiclake.errors import UserError
from civiclake.settings import Settings


def keep(settings: Settings, manifest: Manifest) -> None:
    """Keep the version of every table that a manifest was compiled with.

    A night works by the manifest that it began with, whatever is edited meanwhile.
    """
    for dataset in manifest.datasets:
        for column in dataset.columns:
            if column.codes is not None and column.codes.table is not None:
                kept(settings, column.codes)


def kept(settings: Settings, codes: Codes) -> Path:
    """The table of the version that a contract was compiled with.

    Raises:
        UserError: it was not kept, and the list has changed since.
    """
    path = settings.state_dir / "codes" / f"{codes.list_id}-{codes.fingerprint}.csv"
    if path.exists():
        return path
    source = settings.schemas_dir / CODES / str(codes.table)
    if not source.exists() or fingerprint(source) != codes.fingerprint:
        raise UserError(
            f"{source.name} is not the code list that the contracts were compiled with;"
            " run `civiclake compile`"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(source.read_bytes())
    temporary.replace(path)
    return path
