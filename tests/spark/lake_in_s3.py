"""A lake in a real object store, which the tests' engine knows from its start."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from civiclake.engine import store
from civiclake.local import objects
from civiclake.local.ports import free_ports
from civiclake.secrets import variable
from civiclake.settings import Settings, load_settings
from civiclake.settings_stores import StoreSettings

BUCKET = "city"
LOGIN = objects.Login("city-lake", f"s3-{secrets.token_urlsafe(16)}")
KEYS = {"AWS_ACCESS_KEY_ID": LOGIN.access_key, "AWS_SECRET_ACCESS_KEY": LOGIN.secret_key}
_ENDPOINT = "spark.hadoop.fs.s3a.endpoint"


def options(port: int) -> dict[str, str]:
    """Of an engine, for a store that may be started later."""
    place = StoreSettings(endpoint=f"http://{objects.HOST}:{port}")
    changes = {"lake_uri": f"s3a://{BUCKET}/lake", "store": place}
    return store.options(load_settings().model_copy(update=changes))


@contextmanager
def started(settings: Settings, folder: Path) -> Iterator[tuple[Settings, Any]]:
    """The same engine's settings with a lake there, and the store's client.

    Args:
        settings: of the engine.
        folder: of the store's files.
    """
    endpoint = settings.engine.spark[_ENDPOINT]
    internal = free_ports(objects.INTERNAL_PORTS)
    port = urlsplit(endpoint).port or 0
    keys = {"lake_access_key": LOGIN.access_key, "lake_secret_key": LOGIN.secret_key}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(variable(name), value)
        try:
            objects.start(
                folder / "data", folder / "run", port=port, internal=internal, owner=LOGIN,
                readers={BUCKET: objects.Login("nobody", secrets.token_urlsafe(16))},
            )  # fmt: skip
            changes = {
                "lake_uri": f"s3a://{BUCKET}/lake",
                "store": StoreSettings(endpoint=endpoint),
            }
            yield settings.model_copy(update=changes), objects.client(port, LOGIN)
        finally:
            assert objects.stop(folder / "run", internal)
