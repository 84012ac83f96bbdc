"""Who may open what of an installation: the modes of its folders, set at every ``engine up``.

Everything that is made at run time belongs to the user who runs CivicLake. One other user gets
in, the one that the analysts' door runs as: into the two open layers of the lake and into the
file of analysts, by a group that only this user has. Where there is no such user (CivicLake
does not run as root), nobody else gets in at all.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from civiclake.errors import UserError
from civiclake.local import process, system_user
from civiclake.settings import Settings

DOOR_USER = "civiclake-door"
"""The system user of the analysts' door; its group is nobody else's."""
PRIVATE_LAYERS = ("raw", "quarantine", "marks", "ops", "staging", "link", "backfill")
OPEN_LAYERS = ("unified", "marts")
LINKS = "*_link"
"""Tables of the open layers that stay closed: who is who, until rights per login exist."""
_OWN, _SHARED = 0o700, 0o2750
_CLOSED = (
    "run", "locks", "landing", "secrets", "data_docs", "airflow", "backfills", "spark/jobs"
)  # fmt: skip
"""Made before anybody writes there: whoever makes a folder later would leave it open."""
_WALKED = ("spark",)
"""Others pass through, and list nothing."""


def door_user() -> tuple[str | None, str]:
    """The door's user, made where there is none; or None, and why not in plain words."""
    try:
        return system_user.ensure(DOOR_USER, "the analysts' door"), ""
    except UserError as error:
        return None, f"runs as root: {error}"


def door_group() -> int | None:
    """The group by which the door reads; None where it runs as whoever started it."""
    return process.group_of(door_user()[0])


def secure(settings: Settings) -> None:
    """Make the folders, and close those of a former version that stand open.

    What an open layer holds is gone through once, when the layer itself is not as it should be.
    """
    for name, mode in (*((n, _OWN) for n in _CLOSED), *((n, 0o711) for n in _WALKED)):
        folder = settings.state_dir / name
        folder.mkdir(parents=True, exist_ok=True, mode=_OWN)
        folder.chmod(mode)
    if "://" not in settings.lake:
        _secure_lake(Path(settings.lake), door_group())


def _secure_lake(root: Path, group: int | None) -> None:
    for layer in (*PRIVATE_LAYERS, *OPEN_LAYERS):
        (root / layer).mkdir(parents=True, exist_ok=True, mode=_OWN)
    for layer in PRIVATE_LAYERS:
        (root / layer).chmod(_OWN)
    share(root, group)
    for layer in OPEN_LAYERS:
        if not _is_shared(root / layer, group):
            _share_all(root / layer, group)
    for table in (root / OPEN_LAYERS[0]).glob(LINKS):
        table.chmod(_OWN)


def share(path: Path, group: int | None) -> None:
    """Let the group read a file, or enter a folder and read what will be made in it."""
    if group is None:
        path.chmod(_OWN if path.is_dir() else 0o600)
        return
    os.chown(path, -1, group)
    path.chmod(_SHARED if path.is_dir() else 0o640)


def _is_shared(folder: Path, group: int | None) -> bool:
    found = folder.stat()
    wanted = _OWN if group is None else _SHARED
    return stat.S_IMODE(found.st_mode) == wanted and group in (None, found.st_gid)


def _share_all(folder: Path, group: int | None) -> None:
    """The folder itself last: it tells the next start that all was done.

    Loads may write meanwhile: from the first step on, what they make belongs to the group.
    """
    if group is not None:
        os.chown(folder, -1, group)
        folder.chmod(0o2755)
        for path in _below(folder):
            with contextlib.suppress(FileNotFoundError):  # files of old versions go at any time
                share(path, group)
    share(folder, group)


def _below(folder: Path) -> Iterator[Path]:
    """Folders before what is in them; links are not followed."""
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if not (path := Path(here) / name).is_symlink():
                yield path
