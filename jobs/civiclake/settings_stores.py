"""Settings of what all hosts of an installation share: its state, landing, and the lake's store."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

_DATABASE = "postgresql://user@host:port/database"
_FOLDER = "s3://bucket/folder"
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:\d{1,5}")


class Section(BaseModel):
    """A part of the settings: read once, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StateSettings(Section):
    """Where locks, marks and landing's index stand."""

    url: str = ""
    """A database of PostgreSQL that every host reaches, ``postgresql://user@host:port/database``,
    with libpq's options behind it (``?sslmode=verify-full``); its password is the secret
    ``state_password``. Empty: files of ``state_dir``, for one host."""

    @property
    def is_shared(self) -> bool:
        """Whether the state stands in a database, for several hosts."""
        return bool(self.url)

    @field_validator("url")
    @classmethod
    def _whole(cls, value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
            lacking = [
                name
                for name, found in (
                    ("a user", parts.username), ("a host", parts.hostname),
                    ("a database", parts.path.strip("/")),
                )
                if not found
            ]  # fmt: skip
            hidden = bool(parts.password) or "password" in parse_qs(parts.query)
        except ValueError:  # its own words may hold the password
            raise ValueError(f"allowed is {_DATABASE}") from None
        if hidden:
            raise ValueError(
                "a password does not belong here: set it as CIVICLAKE_STATE_PASSWORD, or in the"
                " file `secrets/state_password` of `state_dir`"
            )
        if parts.scheme not in ("postgresql", "postgres") or lacking:
            lacks = f" ({' and '.join(lacking)} is missing)" if lacking else ""
            raise ValueError(f"allowed is {_DATABASE}{lacks}")
        return value


class LandingSettings(Section):
    """Where every batch is kept as it came."""

    url: str = ""
    """``s3://bucket/folder`` of an object store; its keys are the secrets ``landing_access_key``
    and ``landing_secret_key``. Empty: the folder ``landing`` of ``state_dir``."""
    endpoint: str = ""
    """Address of a store other than Amazon's."""
    region: str = "us-east-1"

    @field_validator("url")
    @classmethod
    def _whole(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme != "s3" or not parts.netloc or parts.query or "@" in value):
            raise ValueError(f"allowed is {_FOLDER}")
        return value.rstrip("/")


class StoreSettings(Section):
    """The object store of a lake in S3; its keys are secrets."""

    endpoint: str = ""
    """``http://host:port``; without it, AWS's own."""
    region: str = "us-east-1"
    path_style: bool = True
    """Whether the bucket stands in the path, as most stores but AWS's want it."""
    is_here: bool = False
    """Whether `civiclake up` starts it at ``endpoint``, on this host's loopback: SeaweedFS."""

    @model_validator(mode="after")
    def _has_a_port_here(self) -> StoreSettings:
        if self.is_here and not _LOOPBACK.fullmatch(self.endpoint):
            raise ValueError(
                f"is_here is set, but endpoint is {self.endpoint!r}: allowed is"
                " http://127.0.0.1:8333 or another port of the loopback"
            )
        return self
