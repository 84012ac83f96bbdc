"""A department's SFTP server: OpenSSH's own ``sshd`` on the loopback, read-only, with keys.

It shows the files below one folder to one login, and lets nobody run a command. Under root
that login is a system user made for it; else it is whoever runs the city, by key only.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from civiclake.errors import UserError
from civiclake.local import process

HOST = "127.0.0.1"
NAME = "sshd"
SYSTEM_USER = "civiclake_sftp"
"""The login under root."""


@dataclass(frozen=True)
class Key:
    """A pair of keys that always comes out the same of one secret."""

    seed: str = field(repr=False)

    @property
    def private(self) -> str:
        """The private key's text, as OpenSSH writes it."""
        text = self._pair().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        return text.decode()

    @property
    def public(self) -> str:
        """The public key's line, as it stands in ``known_hosts`` or ``authorized_keys``."""
        key = self._pair().public_key()
        return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def _pair(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.seed.encode()).digest())


def start(
    data_dir: Path,
    run_dir: Path,
    *,
    port: int,
    drops: Path,
    host_key: Key,
    login: Key,
    password: str | None = None,
    writable: bool = False,
) -> str:
    """Start the server and wait until it listens.

    Args:
        data_dir: its keys and settings.
        run_dir: folder of process ids and logs.
        port: where it listens, on the loopback.
        drops: the login's folder, in which ``sftp://host:port/~/`` begins.
        host_key: the server's own.
        login: the key that lets in.
        password: lets in as well; only root can set one.
        writable: whether the login may also put files there.

    Returns:
        The login's name.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    drops.mkdir(parents=True, exist_ok=True)
    user = _user(password)
    _let_pass(drops)
    config = _write_config(data_dir, port, drops, user, host_key, login, password, writable)
    running = process.start(
        NAME, [str(_binary()), "-D", "-e", "-f", str(config)], run_dir=run_dir, cwd=Path("/")
    )
    process.wait_port(HOST, port, timeout_s=20, running=running, what="the SFTP server (sshd)")
    return user


def stop(run_dir: Path) -> bool:
    """Stop the server; whether it was running."""
    return process.stop(NAME, run_dir, timeout_s=5.0)


def status(run_dir: Path) -> process.Running | None:
    """The server's process, or None."""
    return process.status(NAME, run_dir)


def _write_config(
    data_dir: Path,
    port: int,
    drops: Path,
    user: str,
    host_key: Key,
    login: Key,
    password: str | None,
    writable: bool,
) -> Path:
    keys = data_dir / "host_key"
    _write(keys, host_key.private)
    # The login's own user reads this one.
    allowed = data_dir / "authorized_keys"
    _write(allowed, login.public + "\n", mode=0o644)
    _let_pass(data_dir)
    lines = {
        "ListenAddress": f"{HOST}:{port}",
        "HostKey": keys,
        "AuthorizedKeysFile": allowed,
        "PidFile": "none",
        "AllowUsers": user,
        "PasswordAuthentication": "yes" if password else "no",
        "KbdInteractiveAuthentication": "no",
        # The folders above may be open to others, such as /tmp.
        "StrictModes": "no",
        "UsePAM": "no",
        "DisableForwarding": "yes",
        "PermitTTY": "no",
        "Subsystem": "sftp internal-sftp",
        "ForceCommand": f"internal-sftp {'' if writable else '-R '}-d {drops.absolute()}",
    }
    config = data_dir / "sshd_config"
    _write(config, "".join(f"{name} {value}\n" for name, value in lines.items()))
    return config


def login_name() -> str:
    """The login that :func:`start` lets in."""
    return SYSTEM_USER if os.geteuid() == 0 else getpass.getuser()


def _user(password: str | None) -> str:
    if os.geteuid() != 0:
        if password:
            raise UserError("an SFTP login with a password wants root: leave the password out")
        return login_name()
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd locks itself in there
    if _run("id", SYSTEM_USER).returncode:
        made = _run(
            "useradd", "--system", "--no-create-home", "--home-dir", "/", "--shell", "/bin/false",
            # No password, and yet not locked: a locked user may not come in by key either.
            "--password", "*", SYSTEM_USER,
        )  # fmt: skip
        if made.returncode:
            raise UserError(f"the user {SYSTEM_USER} can't be made: {made.stderr.strip()}")
    if password and _run("chpasswd", said=f"{SYSTEM_USER}:{password}\n").returncode:
        raise UserError(f"the password of {SYSTEM_USER} can't be set")
    return SYSTEM_USER


def _run(*command: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(command), input=said, capture_output=True, text=True, check=False)


def _let_pass(folder: Path) -> None:
    """Let the login walk through (not list) the folders above its own."""
    if os.geteuid() != 0:
        return
    for step in (folder.absolute(), *folder.absolute().parents):
        if not step.stat().st_mode & 0o001:
            step.chmod(step.stat().st_mode | 0o001)
    folder.chmod(folder.stat().st_mode | 0o005)


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def _binary() -> Path:
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if not found:
        raise UserError("the program sshd is missing: install it (Debian: openssh-server)")
    return Path(found)
