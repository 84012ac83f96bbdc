"""The object store of landing: its objects, and its faults in sentences.

An ETag says nothing of an object's bytes (three clients give one file three of them): every object
carries the SHA-256 of what was written, and is compared with it when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as faults
from botocore.config import Config

from civiclake import secrets
from civiclake.errors import CivicLakeError, StateUnavailable, UserError
from civiclake.settings import Settings

_ACCESS, _SECRET = "landing_access_key", "landing_secret_key"
_TOKEN = "CIVICLAKE_LANDING_SESSION_TOKEN"  # noqa: S105 - its name
_SHA = "sha256"
_CHUNK = 1 << 20
_ATTEMPTS = 5
"""How often a request is made, with growing pauses, before the store counts as away."""
_KEYS = {
    "InvalidAccessKeyId": "does not know the access key",
    "SignatureDoesNotMatch": "refuses the secret key",
    "AccessDenied": "denies access",
    "403": "denies access (a wrong key, or none of this bucket)",
    "ExpiredToken": "says that the session token has expired",
    "ExpiredTokenException": "says that the session token has expired",
    "InvalidToken": "does not know the session token",
    "TokenRefreshRequired": "says that the session token has expired",
}
_ABSENT = ("NoSuchKey", "404", "NotFound")
_THERE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class Bucket:
    """Objects below the folder that ``landing.url`` names.

    Args:
        settings: of this installation.
    """

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.landing.url)
        self._settings = settings
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")

    def url(self, name: str) -> str:
        """An object's address."""
        return f"s3://{self._bucket}/{self._key(name)}"

    def get(self, name: str) -> tuple[bytes, datetime] | None:
        """An object's bytes and when the store took them; None where there is none."""
        with self._told():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            except faults.ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            with contextlib.closing(found["Body"]) as body:
                return body.read(), found["LastModified"]

    def taken_at(self, name: str) -> datetime | None:
        """When the store took an object; None where there is none."""
        with self._told():
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=self._key(name))
            except faults.ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            moment: datetime = found["LastModified"]
            return moment

    def put_new(self, name: str, content: bytes) -> bool:
        """Put an object unless there is one; False where other bytes stand there.

        Whoever lost the answer to a put finds its own bytes there, and has done it.
        """
        with self._told():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._key(name), Body=content, IfNoneMatch="*",
                    Metadata={_SHA: hashlib.sha256(content).hexdigest()},
                )  # fmt: skip
                return True
            except faults.ClientError as error:
                if _code(error) not in _THERE:
                    raise
        found = self.get(name)
        return found is not None and found[0] == content

    def put(self, name: str, content: bytes) -> None:
        """Put an object, whatever stands there."""
        with self._told():
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=content)

    def send(self, path: Path, name: str) -> None:
        """Put a file, in parts where it is large."""
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            with self._told():
                more = {"Metadata": {_SHA: known}}
                self._client.upload_fileobj(file, self._bucket, self._key(name), ExtraArgs=more)

    def fetch(self, name: str, path: Path, sha256: str | None = None) -> None:
        """Write an object into a file.

        Args:
            name: of the object.
            path: the file, whose folder is made.
            sha256: what is known of its bytes, beside what it carries itself.

        Raises:
            CivicLakeError: its bytes are not those that were written.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = hashlib.sha256()
        with self._told(), path.open("wb") as file:
            found = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            with contextlib.closing(found["Body"]) as body:
                for chunk in iter(lambda: body.read(_CHUNK), b""):
                    made.update(chunk)
                    file.write(chunk)
        said = {found.get("Metadata", {}).get(_SHA), sha256} - {None}
        if said and said != {made.hexdigest()}:
            raise CivicLakeError(
                f"{self.url(name)} is not what was landed: its SHA-256 is {made.hexdigest()}, but"
                f" {' and '.join(sorted(map(str, said)))} was written down; put it back from a copy"
            )

    def names(self, folder: str) -> list[str]:
        """Names of all objects below a folder; what other clients left as folders is none."""
        return sorted(
            key[len(self._key("")) :]
            for page in self._pages(folder, "")
            for entry in page.get("Contents", ())
            if not (key := entry["Key"]).endswith("/")
        )

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder."""
        found = (e for page in self._pages(folder, "/") for e in page.get("CommonPrefixes", ()))
        return sorted(entry["Prefix"].rstrip("/").rpartition("/")[2] for entry in found)

    def remove(self, names: list[str]) -> None:
        """Take objects away, in this order."""
        with self._told():
            for name in names:
                self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def refuse_absent(self) -> None:
        """Some stores make a bucket whose name was mistyped, without a word.

        Raises:
            UserError: there is no such bucket.
        """
        with self._told():
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except faults.ClientError as error:
                if _code(error) in (*_ABSENT, "NoSuchBucket"):
                    raise self._no_bucket() from None
                raise

    def _pages(self, folder: str, delimiter: str) -> Iterator[dict[str, Any]]:
        with self._told():
            yield from self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._key(folder)}/", Delimiter=delimiter
            )

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @cached_property
    def _client(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._settings.landing.endpoint or None,
            aws_access_key_id=secrets.get(self._settings, _ACCESS),
            aws_secret_access_key=secrets.get(self._settings, _SECRET),
            aws_session_token=os.environ.get(_TOKEN) or None,
            region_name=self._settings.landing.region,
            config=Config(
                connect_timeout=3,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                s3={"addressing_style": "path" if self._settings.landing.endpoint else "auto"},
            ),
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn boto's errors into sentences; none of boto's own text with keys gets out."""
        try:
            yield
        except faults.ClientError as error:
            raise self._refusal(error) from None
        except (faults.BotoCoreError, ConnectionError, TimeoutError, ValueError) as error:
            if isinstance(error, ValueError) and "endpoint" not in str(error).lower():
                raise
            if isinstance(error, ValueError):
                raise UserError(
                    f"landing.endpoint is {self._settings.landing.endpoint!r}: allowed is an"
                    " address such as https://store.example.org"
                ) from None
            raise StateUnavailable(
                f"landing's object store {self._store} does not answer ({type(error).__name__}):"
                " try again when it is up"
            ) from None

    def _refusal(self, error: faults.ClientError) -> CivicLakeError:
        code = _code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code == "NoSuchBucket":
            return self._no_bucket()
        if code in _KEYS:
            return UserError(
                f"landing's object store {self._store} {_KEYS[code]} for bucket {self._bucket}:"
                f" correct {secrets.variable(_ACCESS)} and {secrets.variable(_SECRET)}"
                f"{f' together with {_TOKEN}' if os.environ.get(_TOKEN) else ''}"
            )
        if status >= 500 or code in ("SlowDown", "RequestTimeout", "RequestTimeTooSkewed"):
            clock = "; this host's clock is wrong" if code == "RequestTimeTooSkewed" else ""
            return StateUnavailable(
                f"landing's object store {self._store} failed {_ATTEMPTS} times ({code}{clock}):"
                " try again later"
            )
        return CivicLakeError(
            f"landing's object store {self._store} refuses a request for bucket {self._bucket}"
            f" ({code})"
        )

    def _no_bucket(self) -> UserError:
        return UserError(
            f"landing's bucket {self._bucket} is not there ({self._store}): make it, or correct"
            " landing.url"
        )

    @property
    def _store(self) -> str:
        return f"at {self._settings.landing.endpoint or 'AWS'}"


def _code(error: faults.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
