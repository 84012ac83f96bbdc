"""The object store of landing: its objects.

An ETag says nothing of an object's bytes (three clients give one file three of them): every object
carries the SHA-256 of what was written, and is compared with it when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as faults

from civiclake.errors import CivicLakeError
from civiclake.settings import Settings
from civiclake.state.object_store import ABSENT, Place, client, code_of, no_bucket, told

_SHA = "sha256"
_CHUNK = 1 << 20
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
        with told(self._place):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            except faults.ClientError as error:
                if code_of(error) in ABSENT:
                    return None
                raise
            with contextlib.closing(found["Body"]) as body:
                return body.read(), found["LastModified"]

    def taken_at(self, name: str) -> datetime | None:
        """When the store took an object; None where there is none."""
        with told(self._place):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=self._key(name))
            except faults.ClientError as error:
                if code_of(error) in ABSENT:
                    return None
                raise
            moment: datetime = found["LastModified"]
            return moment

    def put_new(self, name: str, content: bytes) -> bool:
        """Put an object unless there is one; False where other bytes stand there.

        Whoever lost the answer to a put finds its own bytes there, and has done it.
        """
        with told(self._place):
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._key(name), Body=content, IfNoneMatch="*",
                    Metadata={_SHA: hashlib.sha256(content).hexdigest()},
                )  # fmt: skip
                return True
            except faults.ClientError as error:
                if code_of(error) not in _THERE:
                    raise
        found = self.get(name)
        return found is not None and found[0] == content

    def put(self, name: str, content: bytes) -> None:
        """Put an object, whatever stands there."""
        with told(self._place):
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=content)

    def send(self, path: Path, name: str) -> None:
        """Put a file, in parts where it is large."""
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            with told(self._place):
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
        with told(self._place), path.open("wb") as file:
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
        with told(self._place):
            for name in names:
                self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def refuse_absent(self) -> None:
        """Some stores make a bucket whose name was mistyped, without a word.

        Raises:
            UserError: there is no such bucket.
        """
        with told(self._place):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except faults.ClientError as error:
                if code_of(error) in (*ABSENT, "NoSuchBucket"):
                    raise no_bucket(self._place) from None
                raise

    def _pages(self, folder: str, delimiter: str) -> Iterator[dict[str, Any]]:
        with told(self._place):
            yield from self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._key(folder)}/", Delimiter=delimiter
            )

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @cached_property
    def _client(self) -> Any:
        return client(self._settings, self._place)

    @cached_property
    def _place(self) -> Place:
        landing = self._settings.landing
        return Place(
            "landing", self._bucket, landing.endpoint, landing.region,
            "path" if landing.endpoint else "auto", "landing.url", "landing.endpoint",
        )  # fmt: skip
