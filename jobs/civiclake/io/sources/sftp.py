"""SFTP drops: a department puts files on a server of its own or of the city's."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import posixpath
import re
import stat
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import paramiko

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.landing.delivery import UNFINISHED, Delivery, StillWritten, ask, expand, holds
from civiclake.io.sources import sftp_login

_LOST = (paramiko.SSHException, EOFError, ConnectionError, TimeoutError)
_DOUBTFUL_SECONDS = 3600
"""The server's clock is its own: what seems changed since then is looked at twice."""
_REQUESTS = 64
"""Blocks asked for ahead: two megabytes are on their way at most."""


def find(dataset: Dataset, *, settle_seconds: float) -> tuple[list[Delivery], list[str]]:
    """All files that match the contract's ``sftp://host:port/folder/pattern``.

    A path that begins with ``/~/`` starts in the login's own folder.

    Args:
        dataset: the compiled contract.
        settle_seconds: a file that changes within this time is still being written.

    Returns:
        The deliveries, oldest first, and the names of files still being written.
    """
    session = _Session(dataset)
    listed = session.listed()
    if settle_seconds and any(_is_doubtful(entry) for entry in listed):
        time.sleep(settle_seconds)
        before = {entry.path: entry.state for entry in listed}
        listed = session.listed()
    else:
        before = {entry.path: entry.state for entry in listed}
    found, growing = [], []
    for entry in listed:
        name = posixpath.basename(entry.path)
        if before.get(entry.path) != entry.state or name.lower().endswith(UNFINISHED):
            growing.append(name)
        else:
            found.append(_delivery(session, entry))
    return sorted(found, key=lambda d: (d.modified_at, d.origin)), growing


def beside(dataset: Dataset) -> str:
    """What lies where the pattern looks, when nothing matches it."""
    return _Session(dataset).beside()


@dataclass(frozen=True)
class _Entry:
    """A file as it was listed."""

    path: str
    size_bytes: int
    modified: int

    @property
    def state(self) -> tuple[int, int]:
        return (self.size_bytes, self.modified)


def _is_doubtful(entry: _Entry) -> bool:
    return abs(time.time() - entry.modified) < _DOUBTFUL_SECONDS


def _delivery(session: _Session, entry: _Entry) -> Delivery:
    return Delivery(
        origin=f"sftp://{session.host}:{session.port}{entry.path}",
        name=posixpath.basename(entry.path),
        size_bytes=entry.size_bytes,
        modified_at=datetime.fromtimestamp(entry.modified, UTC),
        version=str(entry.modified),
        open=lambda: session.open(entry),
    )


class _Session:
    """A connection that is opened when it is needed, and closed with its last delivery."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.host, self.port, self._pattern = _location(dataset)
        self._client: paramiko.SFTPClient | None = None

    @property
    def where(self) -> str:
        """The server in a sentence."""
        return f"the SFTP server at {self.host}:{self.port}"

    def listed(self) -> list[_Entry]:
        """Everything that matches the pattern now."""
        with self._translated(self._pattern):
            client = self._connected()
            first, _, rest = self._pattern.partition("/")
            root = client.normalize(".") if first == "~" else "/"
            return sorted(self._matching(client, root, rest.split("/")), key=lambda e: e.path)

    def beside(self) -> str:
        """What lies in the folder where the pattern looks."""
        fixed = re.split(r"[*?\[]", self._pattern, maxsplit=1)[0].rpartition("/")[0]
        with self._translated(fixed or "/"):
            client = self._connected()
            first, _, rest = fixed.partition("/")
            root = client.normalize(".") if first == "~" else "/"
            return holds(f"/{fixed}", sorted(client.listdir(posixpath.join(root, rest))))

    @contextlib.contextmanager
    def open(self, entry: _Entry) -> Iterator[io.RawIOBase]:
        """The bytes of a listed file, which must stay as it was listed.

        Raises:
            StillWritten: it changed meanwhile.
            SourceError: it can't be read, or is gone.
        """
        with self._translated(entry.path):
            client = self._connected()
            self._check(client, entry)
            handle = client.open(entry.path, "rb")
        name = posixpath.basename(entry.path)
        with contextlib.closing(handle):
            if entry.size_bytes:  # of nothing, paramiko would wait for the first block for ever
                handle.prefetch(entry.size_bytes, max_concurrent_requests=_REQUESTS)
            try:
                yield _Bytes(self, handle, entry.path)
            except SourceError:
                raise
            except Exception:
                if self._changed(client, entry):  # a file read while it grew looks broken
                    raise StillWritten(name) from None
                raise
            if self._changed(client, entry):
                raise StillWritten(name)

    @contextlib.contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        """Turn paramiko's errors into sentences."""
        try:
            yield
        except FileNotFoundError:
            raise SourceUnavailable(
                f"{self._dataset.id}: {path} is not on {self.where} (any more): the next try reads "
                f"what is there then; if it stays so, {ask(self._dataset)} to deliver"
            ) from None
        except PermissionError:
            raise SourceError(
                f"{self._dataset.id}: {self.where} denies access to {path}: "
                f"{ask(self._dataset)} for it"
            ) from None
        except _LOST as error:
            raise self.lost(error) from None
        except OSError as error:
            raise SourceError(
                f"{self._dataset.id}: {path} on {self.where} can't be read "
                f"({error.strerror or error}): {ask(self._dataset)}"
            ) from None

    def lost(self, error: BaseException) -> SourceUnavailable:
        """The connection broke."""
        self._client = None
        return SourceUnavailable(
            f"{self._dataset.id}: {self.where} broke off ({type(error).__name__}): "
            f"if it stays so, {ask(self._dataset)} whether it is up"
        )

    def _connected(self) -> paramiko.SFTPClient:
        if self._client is None:
            transport = sftp_login.connect(self._dataset, self.host, self.port)
            weakref.finalize(self, transport.close)
            self._client = paramiko.SFTPClient.from_transport(transport)
            if self._client is None:
                raise paramiko.SSHException("no SFTP channel")
            self._client.get_channel().settimeout(30)
        return self._client

    def _matching(
        self, client: paramiko.SFTPClient, folder: str, parts: list[str]
    ) -> Iterator[_Entry]:
        """Walk down the pattern; what is listed says itself whether it is a link."""
        part, rest = parts[0], parts[1:]
        if rest and not re.search(r"[*?\[]", part):
            yield from self._matching(client, posixpath.join(folder, part), rest)
            return
        for item in client.listdir_attr(folder):
            if item.filename.startswith(".") or not fnmatch.fnmatchcase(item.filename, part):
                continue
            path, is_folder = posixpath.join(folder, item.filename), stat.S_ISDIR(_mode(item))
            if rest and is_folder:
                yield from self._matching(client, path, rest)
            elif not rest and not is_folder:
                yield self._entry(path, item)

    def _entry(self, path: str, item: paramiko.SFTPAttributes) -> _Entry:
        if not stat.S_ISREG(_mode(item)):
            raise SourceError(
                f"{self._dataset.id}: {path} is a link or no plain file, which is never followed: "
                f"{ask(self._dataset)} to deliver the file itself"
            )
        return _Entry(path, item.st_size or 0, item.st_mtime or 0)

    def _check(self, client: paramiko.SFTPClient, entry: _Entry) -> None:
        """It is still what was listed, and no link took its place."""
        now = self._entry(entry.path, client.lstat(entry.path))
        if now.state != entry.state:
            raise StillWritten(posixpath.basename(entry.path))

    def _changed(self, client: paramiko.SFTPClient, entry: _Entry) -> bool:
        with self._translated(entry.path):
            try:
                now = client.lstat(entry.path)
            except FileNotFoundError:
                return False  # taken away after it was opened: what was read is whole
            return (now.st_size, now.st_mtime) != entry.state


class _Bytes(io.RawIOBase):
    """A remote file; whoever unpacks it must not take the connection's errors for the file's."""

    def __init__(self, session: _Session, handle: paramiko.SFTPFile, path: str) -> None:
        self._session, self._handle, self._path = session, handle, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._handle.read(len(buffer))
        except (*_LOST, OSError) as error:
            raise self._session.lost(error) from None
        buffer[: len(data)] = data
        return len(data)


def _mode(item: paramiko.SFTPAttributes) -> int:
    return item.st_mode or 0


def _location(dataset: Dataset) -> tuple[str, int, str]:
    location = expand(dataset, "location", dataset.source.location)
    match = re.fullmatch(r"sftp://([^/@:]+|\[[^\]]+\])(?::([0-9]{1,5}))?/(.*[^/])", location)
    if not match:
        raise UserError(
            f"{dataset.path}: location {location!r} of {dataset.id} is not allowed: write "
            "sftp://host:port/folder/*.csv, without a login (that is the connection's)"
        )
    pattern = match[3] if match[3].startswith("~/") else f"/{match[3]}"
    return match[1].strip("[]"), int(match[2] or 22), pattern
