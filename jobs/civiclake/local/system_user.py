"""System users for servers that refuse to run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from civiclake.errors import UserError
from civiclake.local import process


def ensure(name: str, what: str) -> str | None:
    """Who a server runs as: ourselves (None), or under root a user made for it.

    Args:
        name: of the system user.
        what: the server, as a sentence names it.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        pwd.getpwnam(name)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise UserError(
                f"{what} can't run as root and the user {name} can't be made "
                f"({made.stderr.strip()}): make that user, or run as an ordinary user"
            ) from None
    return name


def run(
    command: Sequence[str], *, user: str | None, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as that user (None: as ourselves); what it said is kept."""
    return subprocess.run(
        process.as_user(user, command),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=env,
    )


def give(user: str, *paths: Path) -> None:
    """Let the paths belong to the user."""
    for path in paths:
        shutil.chown(path, user=user, group=process.group_of(user))


def let_pass(*folders: Path) -> None:
    """Let the server's user walk through (not list) the folders above its own."""
    for folder in folders:
        for step in (folder, *folder.parents):
            if step.exists() and not step.stat().st_mode & 0o001:
                step.chmod(step.stat().st_mode | 0o001)
