"""As whom the analysts' door runs, and what keeps it from that."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from civiclake.engine import analysts, jars, limits, rights
from civiclake.engine.java import java_home, spark_jars
from civiclake.local.process import as_user
from civiclake.settings import Settings, project_root


def choose(settings: Settings, work: Path) -> tuple[str | None, str]:
    """The user to run as, or None and a plain word about why not."""
    if os.geteuid() != 0:
        return None, (
            "runs with the rights of the user who started it, who may read all of the lake:"
            " login and guard hold, but there is no second wall; start it as root to have one"
        )
    user, note = rights.door_user()
    if user is None:
        return None, note
    give(settings, work, user)
    closed = _first_closed(settings, work, user)
    if closed:
        return None, (
            f"runs as root: the user {user!r} may not reach {closed}; put the project in"
            " a folder that all may enter (mode 0755) to have it run without rights"
        )
    return user, ""


def give(settings: Settings, work: Path, user: str) -> None:
    """Its scratch space belongs to the user; the lists of analysts and limits it may read."""
    entry = pwd.getpwnam(user)
    for path in (work, *work.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    for path in (analysts.path(settings).parent, analysts.path(settings), limits.path(settings)):
        rights.share(path, entry.pw_gid)


def _first_closed(settings: Settings, work: Path, user: str) -> str | None:
    """The first thing the server needs that this user can't read; asked of the kernel itself."""
    wanted = [
        java_home() / "bin" / "java",
        project_root() / "conf" / "log4j2.properties",
        *jars.classpath(settings.jars_dir),
        *spark_jars(),
        work,
        analysts.path(settings),
    ]
    if "://" not in settings.lake:
        wanted += [Path(settings.lake) / layer for layer in rights.OPEN_LAYERS]
    script = 'for one in "$@"; do [ -r "$one" ] || { echo "$one"; exit 1; }; done'
    asked = subprocess.run(
        as_user(user, ["/bin/sh", "-c", script, "sh", *map(str, wanted)]),
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    return asked.stdout.strip() or None
