"""Who may enter by the analysts' door: a file of salted hashes.

One line each, ``name:iterations:salt:hash`` (PBKDF2-HMAC-SHA256, in hex). The server reads
it at every login, so that what is changed here counts at once.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets as random
from contextlib import AbstractContextManager
from pathlib import Path

from civiclake import secrets
from civiclake.errors import UserError
from civiclake.local.held import held
from civiclake.settings import Settings

DEFAULT = "analyst"
"""The analyst that is made at first start; the password is the secret ``analyst_password``."""
_ITERATIONS = 210_000
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,31}")
_SHORTEST = 12
_LONGEST = 256


def path(settings: Settings) -> Path:
    """The file of hashes."""
    return settings.state_dir / "door" / "analysts"


def names(settings: Settings) -> list[str]:
    """All analysts, in order."""
    return sorted(_read(settings))


def add(settings: Settings, name: str, password: str | None = None) -> str:
    """Let an analyst in, or give one a new password; returns the password.

    Args:
        settings: whose door.
        name: 1 to 32 of a-z, 0-9, ``_``, ``.`` and ``-``, a letter first.
        password: 12 to 256 characters; made at random when not given.

    Raises:
        UserError: the name or the password is not allowed.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"analyst {name!r}: a name is 1 to 32 of a-z, 0-9, '_', '.' and '-', a letter first"
        )
    chosen = random.token_urlsafe(18) if password is None else password
    if not _SHORTEST <= len(chosen) <= _LONGEST:
        raise UserError(
            f"analyst {name!r}: a password has {_SHORTEST} to {_LONGEST} characters,"
            f" this one has {len(chosen)}"
        )
    with _locked(settings):
        _write(settings, {**_read(settings), name: _entry(name, chosen)})
    return chosen


def remove(settings: Settings, name: str) -> None:
    """Shut an analyst out; sessions that are open end within a second or two.

    Raises:
        UserError: there is no such analyst.
    """
    with _locked(settings):
        entries = _read(settings)
        if name not in entries:
            known = ", ".join(sorted(entries)) or "nobody"
            raise UserError(f"analyst {name!r} is not known; known: {known}")
        _write(settings, {k: v for k, v in entries.items() if k != name})


def default_password(settings: Settings) -> str:
    """The password of :data:`DEFAULT`, as the demo prints it."""
    return secrets.ensure(settings, "analyst_password", length_bytes=18)


def ensure_default(settings: Settings) -> None:
    """At first start there is one analyst, :data:`DEFAULT`."""
    if not path(settings).exists():
        add(settings, DEFAULT, default_password(settings))


def _entry(name: str, password: str) -> str:
    salt = random.token_bytes(16)
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    return f"{name}:{_ITERATIONS}:{salt.hex()}:{made.hex()}"


def _locked(settings: Settings) -> AbstractContextManager[None]:
    """In the run folder, which the door's user can't enter: what it could open it could hold."""
    path(settings).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return held(settings.run_dir / ".analysts.lock", "changing the list of analysts")


def _read(settings: Settings) -> dict[str, str]:
    try:
        lines = path(settings).read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {line.partition(":")[0]: line for line in lines if line}


def _write(settings: Settings, entries: dict[str, str]) -> None:
    """Replace the file at once, readable by the same group as before."""
    target = path(settings)
    made = target.with_name(f".analysts.{os.getpid()}")
    made.unlink(missing_ok=True)
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(handle, "w") as file:
        file.write("".join(f"{entries[name]}\n" for name in sorted(entries)))
    if target.exists():
        os.chown(made, -1, target.stat().st_gid)
    made.chmod(0o640)
    made.replace(target)
