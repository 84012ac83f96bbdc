"""An object store that every host reaches: a client of it, and its faults in sentences.

What the store says of keys is told, boto's own text is not: it may hold them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from civiclake import secrets
from civiclake.errors import CivicLakeError, StateUnavailable, UserError
from civiclake.settings import Settings

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

ABSENT = ("NoSuchKey", "404", "NotFound")
"""What a store says of an object that is not there."""
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


@dataclass(frozen=True)
class Place:
    """A folder of a bucket, and by what a person corrects it."""

    keys: Literal["lake", "landing"]
    """What its keys' names begin with: ``lake_access_key``."""
    bucket: str
    endpoint: str
    region: str
    style: Literal["path", "virtual", "auto"]
    named_by: str
    """The setting that names the bucket."""
    endpoint_by: str
    """The setting that names the store."""

    @property
    def store(self) -> str:
        """In a sentence."""
        return f"the {self.keys}'s object store at {self.endpoint or 'AWS'}"

    @property
    def token_variable(self) -> str:
        """Where the session token stands, if the keys have one."""
        return secrets.variable(f"{self.keys}_session_token")


def client(settings: Settings, place: Place) -> Any:
    """A client with the place's keys; one for all that ask.

    Raises:
        UserError: a key is not set, or the endpoint is no address.
    """
    access, secret = (secrets.get(settings, f"{place.keys}_{n}_key") for n in ("access", "secret"))
    return _client(place, access, secret, os.environ.get(place.token_variable) or None)


@lru_cache(maxsize=8)
def _client(place: Place, access: str, secret: str, token: str | None) -> Any:
    import boto3  # 0.3 s, which an installation without a store need not
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=place.endpoint or None,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        aws_session_token=token,
        region_name=place.region,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            s3={"addressing_style": place.style},
        ),
    )


def code_of(error: ClientError) -> str:
    """What the store says in one word."""
    return str(error.response.get("Error", {}).get("Code", ""))


def no_bucket(place: Place) -> UserError:
    """The bucket that the settings name is not there."""
    return UserError(
        f"{place.store} has no bucket {place.bucket}: make it, or correct {place.named_by}"
    )


@contextlib.contextmanager
def told(place: Place) -> Iterator[None]:
    """Turn boto's errors into sentences.

    Raises:
        StateUnavailable: the store does not answer or failed; trying again may help.
        UserError: the bucket is not there, the keys may not, or the address is none.
        CivicLakeError: it refuses for another reason.
    """
    from botocore import exceptions as faults

    try:
        yield
    except faults.ClientError as error:
        raise _refusal(place, error) from None
    except ValueError as error:
        if "endpoint" not in str(error).lower():
            raise
        raise UserError(
            f"{place.endpoint_by} is {place.endpoint!r}: allowed is an address such as"
            " https://store.example.org"
        ) from None
    except (faults.BotoCoreError, ConnectionError, TimeoutError) as error:
        raise StateUnavailable(
            f"{place.store} does not answer ({type(error).__name__}): try again when it is up"
        ) from None


def _refusal(place: Place, error: ClientError) -> CivicLakeError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return no_bucket(place)
    if code in _KEYS:
        names = [secrets.variable(f"{place.keys}_{name}_key") for name in ("access", "secret")]
        also = os.environ.get(place.token_variable)
        return UserError(
            f"{place.store} {_KEYS[code]} for bucket {place.bucket}: correct {names[0]} and"
            f" {names[1]}{f' together with {place.token_variable}' if also else ''}"
        )
    if status >= 500 or code in ("SlowDown", "RequestTimeout", "RequestTimeTooSkewed"):
        clock = "; this host's clock is wrong" if code == "RequestTimeTooSkewed" else ""
        return StateUnavailable(
            f"{place.store} failed {_ATTEMPTS} times ({code}{clock}): try again later"
        )
    return CivicLakeError(f"{place.store} refuses a request for bucket {place.bucket} ({code})")
