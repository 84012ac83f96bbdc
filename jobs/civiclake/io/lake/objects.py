"""The lake's objects in S3, where Spark is not asked: listed, put, fetched, taken away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from civiclake.settings import Settings
from civiclake.state.object_store import Place, client, told


def names(settings: Settings, uri: str) -> Iterator[str]:
    """What stands below a folder, as paths relative to it, in no order that could be relied on.

    Args:
        settings: says where the store is and with which keys.
        uri: of the folder, ``s3a://bucket/folder``.

    Raises:
        StateUnavailable: the store does not answer; trying again may help.
        UserError: the bucket is not there, or the keys may not.
    """
    bucket, prefix = _split(uri)
    with _asking(settings, bucket) as store:
        pages = store.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(prefix)


def greet(settings: Settings) -> None:
    """Ask the store for one name of the lake, and say what is wrong with it, if anything is.

    Args:
        settings: of an installation whose lake is in S3.

    Raises:
        StateUnavailable: the store does not answer; trying again may help.
        UserError: the bucket is not there, or the keys may not.
    """
    bucket, prefix = _split(settings.lake)
    with _asking(settings, bucket) as store:
        store.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)


def remove(settings: Settings, uri: str) -> None:
    """Take a folder away with all that is in it.

    Args:
        settings: says where the store is and with which keys.
        uri: of the folder.

    Raises:
        StateUnavailable: the store does not answer, or kept an object.
        UserError: the bucket is not there, or the keys may not.
    """
    bucket, prefix = _split(uri)
    # A store that keeps folders as objects lists them last, as a prefix of what it listed before.
    found = sorted(names(settings, uri), reverse=True)
    with _asking(settings, bucket) as store:
        for key in found:
            store.delete_object(Bucket=bucket, Key=prefix + key)


def put(settings: Settings, uri: str, content: Path | bytes) -> int:
    """Put an object whose name nobody else has, in parts where it is large.

    Args:
        settings: says where the store is and with which keys.
        uri: of the object.
        content: its bytes, or the file that holds them.

    Returns:
        How many bytes it has.

    Raises:
        StateUnavailable: the store does not answer; trying again may help.
        UserError: the bucket is not there, or the keys may not.
    """
    bucket, key = _split(uri)
    key = key.rstrip("/")
    with _asking(settings, bucket) as store:
        if isinstance(content, bytes):
            store.put_object(Bucket=bucket, Key=key, Body=content)
            return len(content)
        store.upload_file(str(content), bucket, key)
    return content.stat().st_size


def fetch(settings: Settings, uri: str, path: Path) -> None:
    """Write an object into a file.

    Args:
        settings: says where the store is and with which keys.
        uri: of the object.
        path: of the file, whose folder is there.

    Raises:
        StateUnavailable: the store does not answer; trying again may help.
        UserError: the bucket is not there, or the keys may not.
    """
    bucket, key = _split(uri)
    with _asking(settings, bucket) as store:
        store.download_file(bucket, key.rstrip("/"), str(path))


def drop(settings: Settings, uri: str) -> None:
    """Take one object away.

    Args:
        settings: says where the store is and with which keys.
        uri: of the object.

    Raises:
        StateUnavailable: the store does not answer; trying again may help.
        UserError: the bucket is not there, or the keys may not.
    """
    bucket, key = _split(uri)
    with _asking(settings, bucket) as store:
        store.delete_object(Bucket=bucket, Key=key.rstrip("/"))


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.strip("/") + "/"


def _place(settings: Settings, bucket: str) -> Place:
    store = settings.store
    style: Literal["path", "virtual"] = "path" if store.path_style else "virtual"
    return Place("lake", bucket, store.endpoint, store.region, style, "lake_uri", "store.endpoint")


@contextlib.contextmanager
def _asking(settings: Settings, bucket: str) -> Iterator[Any]:
    """A client of the store, whose faults are told in sentences."""
    place = _place(settings, bucket)
    with told(place):
        yield client(settings, place)
