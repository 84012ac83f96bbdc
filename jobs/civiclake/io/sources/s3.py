"""Objects in an S3 bucket."""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections.abc import Iterator
from io import RawIOBase
from typing import Any, cast

import boto3
from botocore import exceptions as faults
from botocore.config import Config

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.landing.delivery import (
    Delivery,
    StillWritten,
    ask,
    credential,
    expand,
    holds,
    optional,
)

_REFUSED = {
    "InvalidAccessKeyId": "does not know the access key",
    "SignatureDoesNotMatch": "refuses the secret key",
    "AccessDenied": "denies access",
    "403": "denies access",
}
_TOKENS = {
    "ExpiredToken": "says that the session token has expired",
    "ExpiredTokenException": "says that the session token has expired",
    "InvalidToken": "does not know the session token",
    "TokenRefreshRequired": "says that the session token has expired",
}
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint")
"""What a store says to a request for a bucket of another region."""
_ANY_REGION = "us-east-1"
"""For stores that know no regions."""


def find(dataset: Dataset, *, settle_seconds: float) -> tuple[list[Delivery], list[str]]:
    """All objects that match the contract's ``s3://bucket/pattern``.

    Args:
        dataset: the compiled contract.
        settle_seconds: an object appears whole, so none has to settle.

    Returns:
        The deliveries, oldest first; none is ever still being written.
    """
    bucket, pattern = _location(dataset)
    client = _client(dataset)
    prefix = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    found = []
    with _translated(dataset, bucket):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for entry in (entry for page in pages for entry in page.get("Contents", ())):
            if fnmatch.fnmatchcase(entry["Key"], pattern) and not entry["Key"].endswith("/"):
                found.append(_delivery(dataset, client, bucket, entry))
    return sorted(found, key=lambda d: (d.modified_at, d.origin)), []


def beside(dataset: Dataset) -> str:
    """What lies where the pattern looks, when nothing matches it."""
    bucket, pattern = _location(dataset)
    folder = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
    prefix = folder + "/" * bool(folder)
    with _translated(dataset, bucket):
        found = _client(dataset).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=20)
    names = (entry["Key"].removeprefix(prefix) for entry in found.get("Contents", ()))
    return holds(f"s3://{bucket}/{prefix}", filter(None, names))


def _delivery(dataset: Dataset, client: Any, bucket: str, entry: dict[str, Any]) -> Delivery:
    key, etag = entry["Key"], entry["ETag"].strip('"')
    return Delivery(
        origin=f"s3://{bucket}/{key}",
        name=key.rpartition("/")[2],
        size_bytes=entry["Size"],
        modified_at=entry["LastModified"],
        # the same bytes put again are a new delivery: the etag alone would hide it
        version=f"{etag}@{entry['LastModified'].isoformat()}",
        open=lambda: _open(dataset, client, bucket, key, etag),
    )


@contextlib.contextmanager
def _open(dataset: Dataset, client: Any, bucket: str, key: str, etag: str) -> Iterator[RawIOBase]:
    with _translated(dataset, bucket):
        try:
            answer = client.get_object(Bucket=bucket, Key=key, IfMatch=etag)
        except faults.ClientError as error:
            if _code(error) in ("PreconditionFailed", "412"):
                raise StillWritten(key) from None
            raise
        with contextlib.closing(answer["Body"]) as body:
            yield cast(RawIOBase, body)


def _location(dataset: Dataset) -> tuple[str, str]:
    location = expand(dataset, "location", dataset.source.location)
    match = re.fullmatch(r"s3a?://([^/]+)/(.+)", location)
    if not match:
        raise UserError(
            f"{dataset.path}: location {location!r} of {dataset.id} is not allowed: "
            "write s3://bucket/key, where the key may hold * and ?"
        )
    return match[1], match[2]


def _client(dataset: Dataset) -> Any:
    config = Config(
        connect_timeout=3,
        read_timeout=30,
        retries={"total_max_attempts": 1},  # extract tries again by itself, and says so
        s3={"addressing_style": dataset.source.s3.addressing.value},
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=_endpoint(dataset),
        aws_access_key_id=credential(dataset, "ACCESS_KEY"),
        aws_secret_access_key=credential(dataset, "SECRET_KEY"),
        aws_session_token=optional(dataset, "SESSION_TOKEN"),
        region_name=_region(dataset),
        config=config,
    )


def _region(dataset: Dataset) -> str:
    said = dataset.source.s3.region
    if said:
        return expand(dataset, "s3.region", said)
    return optional(dataset, "REGION") or _ANY_REGION


def _endpoint(dataset: Dataset) -> str | None:
    endpoint = dataset.source.endpoint_url
    return expand(dataset, "endpointUrl", endpoint) if endpoint else None


@contextlib.contextmanager
def _translated(dataset: Dataset, bucket: str) -> Iterator[None]:
    """Turn boto's errors into sentences; none of boto's own text with keys gets out."""
    try:
        yield
    except faults.ClientError as error:
        raise _refusal(dataset, bucket, error) from None
    except (faults.BotoCoreError, ConnectionError, TimeoutError) as error:
        raise SourceUnavailable(
            f"{dataset.id}: the object store of bucket {bucket} at {_endpoint(dataset) or 'AWS'} "
            f"does not answer ({type(error).__name__}): if it stays so, {ask(dataset)} "
            "whether it is up"
        ) from None


def _refusal(dataset: Dataset, bucket: str, error: faults.ClientError) -> SourceError:
    code = _code(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in ("NoSuchBucket", "NoSuchKey", "404"):
        return SourceError(
            f"{dataset.id}: {dataset.source.location} is missing ({code}): {ask(dataset)} "
            "to deliver it, or correct `location` in the contract"
        )
    connection = (dataset.source.connection or "").upper()
    keys = f"{connection}_ACCESS_KEY and {connection}_SECRET_KEY"
    if optional(dataset, "SESSION_TOKEN"):
        keys = f"{connection}_ACCESS_KEY, {connection}_SECRET_KEY and {connection}_SESSION_TOKEN"
    if code in _REFUSED:
        return SourceError(
            f"{dataset.id}: the object store {_REFUSED[code]} for bucket {bucket}: check "
            f"{keys}, or {ask(dataset)} for access"
        )
    if code in _TOKENS:
        return SourceError(
            f"{dataset.id}: the object store {_TOKENS[code]} for bucket {bucket}: renew "
            f"{keys} together, or {ask(dataset)} for new ones"
        )
    if code in _ELSEWHERE:
        told = str(error.response.get("Error", {}).get("Region") or "")
        return SourceError(
            f"{dataset.id}: bucket {bucket} is not in the region {_region(dataset)}"
            f"{f' but in {told}' if told else ''}: set `s3.region` in {dataset.path}, or "
            f"{connection}_REGION, or {ask(dataset)} where it is ({code})"
        )
    if status >= 500 or code in ("SlowDown", "RequestTimeout"):
        return SourceUnavailable(
            f"{dataset.id}: the object store of bucket {bucket} failed ({code}): "
            f"if it stays so, {ask(dataset)}"
        )
    return SourceError(f"{dataset.id}: bucket {bucket} could not be read ({code}): {ask(dataset)}")


def _code(error: faults.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
