"""The lake's objects in S3, where Spark is not asked: listed, put, fetched, taken away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from civiclake import secrets
from civiclake.errors import StateUnavailable, UserError
from civiclake.settings import Settings
from civiclake.settings_stores import StoreSettings

_TOKEN = "CIVICLAKE_LAKE_SESSION_TOKEN"  # noqa: S105 - its name
_KEYS = (
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken",
    "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "403",
)  # fmt: skip
"""What a store says to keys that may not, or may no longer."""


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
    with _told(settings, bucket):
        pages = _client(settings).get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(prefix)


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
    with _told(settings, bucket):
        for key in found:
            _client(settings).delete_object(Bucket=bucket, Key=prefix + key)


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
    with _told(settings, bucket):
        if isinstance(content, bytes):
            _client(settings).put_object(Bucket=bucket, Key=key, Body=content)
            return len(content)
        _client(settings).upload_file(str(content), bucket, key)
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
    with _told(settings, bucket):
        _client(settings).download_file(bucket, key.rstrip("/"), str(path))


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
    with _told(settings, bucket):
        _client(settings).delete_object(Bucket=bucket, Key=key.rstrip("/"))


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.strip("/") + "/"


def _client(settings: Settings) -> Any:
    access, secret = (secrets.get(settings, f"lake_{name}_key") for name in ("access", "secret"))
    return _made(settings.store, access, secret, os.environ.get(_TOKEN) or None)


@lru_cache(maxsize=4)
def _made(store: StoreSettings, access: str, secret: str, token: str | None) -> Any:
    import boto3  # 0.3 s, which a lake on a disk need not
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=store.endpoint or None,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        aws_session_token=token,
        region_name=store.region,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 5, "mode": "standard"},
            s3={"addressing_style": "path" if store.path_style else "virtual"},
        ),
    )


@contextlib.contextmanager
def _told(settings: Settings, bucket: str) -> Iterator[None]:
    """Turn boto's errors into sentences; none of its own text, which may hold keys, gets out."""
    from botocore import exceptions as faults

    place = f"the lake's store at {settings.store.endpoint or 'AWS'}"
    try:
        yield
    except faults.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("NoSuchBucket", "404"):
            raise UserError(
                f"{place} has no bucket {bucket}: make it, or correct lake_uri"
            ) from None
        if code in _KEYS:
            raise UserError(
                f"{place} refuses the keys for bucket {bucket} ({code}): renew"
                " CIVICLAKE_LAKE_ACCESS_KEY and CIVICLAKE_LAKE_SECRET_KEY, and let them list, read"
                " and write there"
            ) from None
        raise StateUnavailable(f"{place} failed for bucket {bucket} ({code}): try again") from None
    except (faults.BotoCoreError, ConnectionError, TimeoutError) as error:
        raise StateUnavailable(
            f"{place} does not answer ({type(error).__name__}): try again, or see whether it is up"
        ) from None
