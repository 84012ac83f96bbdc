"""Logging in to an SFTP server whose key is known beforehand: nobody is trusted at first sight."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import socket

import paramiko

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.landing.delivery import ask, credential

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 20.0
_KEY_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PUBLIC_KEY = re.compile(r"(?:[a-z0-9@.-]+ )?(AAAA[A-Za-z0-9+/]+=*)(?: .*)?")


def connect(dataset: Dataset, host: str, port: int) -> paramiko.Transport:
    """An encrypted connection to the right server, logged in.

    The connection's ``<ID>_HOST_KEY`` holds the server's public key or its fingerprint, one or
    several with commas between; ``<ID>_PRIVATE_KEY`` goes before ``<ID>_PASSWORD``.

    Raises:
        SourceUnavailable: the server does not answer.
        SourceError: it is another server, or refuses the login.
        UserError: a credential is missing, or is none.
    """
    known = _known_keys(dataset)
    user = credential(dataset, "USER")
    where = f"the SFTP server at {host}:{port}"
    try:
        line = socket.create_connection((host, port), timeout=_CONNECT_SECONDS)
        transport = paramiko.Transport(line)
        transport.banner_timeout = transport.auth_timeout = _ANSWER_SECONDS
        transport.set_keepalive(15)
        transport.start_client(timeout=_ANSWER_SECONDS)
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise SourceUnavailable(
            f"{dataset.id}: {where} does not answer ({type(error).__name__}): "
            f"if it stays so, {ask(dataset)} whether it is up"
        ) from None
    try:
        _check_server(dataset, transport, known, where)
        _log_in(dataset, transport, user, where)
    except BaseException:
        transport.close()
        raise
    return transport


def _check_server(
    dataset: Dataset, transport: paramiko.Transport, known: list[str], where: str
) -> None:
    """Before anything secret is sent."""
    shown = transport.get_remote_server_key()
    if shown.fingerprint not in known:
        raise SourceError(
            f"{dataset.id}: {where} shows the host key {shown.fingerprint} ({shown.get_name()}), "
            f"which is not in {_variable(dataset, 'HOST_KEY')}: it is another server, or "
            f"{ask(dataset)} whether its key was changed; nothing was sent"
        )


def _log_in(dataset: Dataset, transport: paramiko.Transport, user: str, where: str) -> None:
    key_text = os.environ.get(_variable(dataset, "PRIVATE_KEY"))
    used = _variable(dataset, "PRIVATE_KEY" if key_text else "PASSWORD")
    try:
        if key_text:
            transport.auth_publickey(user, _private_key(dataset, key_text))
        else:
            transport.auth_password(user, credential(dataset, "PASSWORD"))
    except paramiko.AuthenticationException:
        raise SourceError(
            f"{dataset.id}: {where} refuses the login of {user!r}: check "
            f"{_variable(dataset, 'USER')} and {used}, or {ask(dataset)} for access"
        ) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise SourceUnavailable(
            f"{dataset.id}: {where} broke off while logging in ({type(error).__name__}): "
            f"if it stays so, {ask(dataset)} whether it is up"
        ) from None


def _private_key(dataset: Dataset, text: str) -> paramiko.PKey:
    for kind in _KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except (paramiko.SSHException, ValueError, IndexError, UnicodeError):
            continue
    raise UserError(
        f"{_variable(dataset, 'PRIVATE_KEY')} is no private key: {dataset.id} needs the text of an "
        "Ed25519, ECDSA or RSA key without a password"
    )


def _known_keys(dataset: Dataset) -> list[str]:
    """Fingerprints of the keys that the server may show."""
    found = []
    for text in credential(dataset, "HOST_KEY").split(","):
        said = text.strip()
        public = _PUBLIC_KEY.fullmatch(said)
        if _FINGERPRINT.fullmatch(said):
            found.append(said)
        elif public:
            digest = hashlib.sha256(base64.b64decode(public[1])).digest()
            found.append("SHA256:" + base64.b64encode(digest).decode().rstrip("="))
        else:
            raise UserError(
                f"{_variable(dataset, 'HOST_KEY')} holds {said[:60]!r}: {dataset.id} needs the "
                "server's fingerprint (SHA256:..., as ssh-keygen -l prints it) or its public key"
            )
    return found


def _variable(dataset: Dataset, part: str) -> str:
    return f"{dataset.source.connection}_{part}".upper()
