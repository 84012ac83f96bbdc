"""What several hosts share, on one host: the object store, and the database of the state.

For a cluster that is tried on one machine, and for a city that has no store of its own yet. The
jobs' keys may read and write in their bucket and make none; the analysts' door and Tonight have
keys of their own, which can only read what these two may show.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from civiclake import secrets
from civiclake.errors import UserError
from civiclake.local import objects, postgres, process
from civiclake.settings import Settings

READERS = {"door": ("unified", "marts"), "tonight": ("ops", "marts")}
"""Who reads which layers of the lake, by the name of its keys."""


def start(settings: Settings) -> bool:
    """Start the store, where the settings have it here; whether they do."""
    if not settings.store.is_here:
        return False
    port = _port(settings)
    lake, landing = (_bucket(url) for url in (settings.lake_uri, settings.landing.url))
    buckets = {name for name in (lake, landing) if name}
    objects.start(
        settings.state_dir / "objects",
        settings.run_dir,
        port=port,
        internal=_internal(port),
        owner=_login(settings, "store_owner"),
        readers={name: _login(settings, f"{name}_reader") for name in buckets},
        others=[
            *_writers(settings, {"lake": lake, "landing": landing}),
            *(_reader(settings, name) for name in READERS if lake),
        ],
    )
    return True


def stop(settings: Settings) -> bool:
    """Stop the store that was started here; whether it was running."""
    if running(settings) is None:
        return False
    if not settings.store.is_here:  # another profile's
        return process.stop(objects.NAME, settings.run_dir, timeout_s=2.0)
    return objects.stop(settings.run_dir, _internal(_port(settings)))


def running(settings: Settings) -> process.Running | None:
    """Its process."""
    return process.status(objects.NAME, settings.run_dir)


def make_state(settings: Settings, server: postgres.Server) -> None:
    """The state's user and database, where these are the server's that was started here."""
    parts = urlsplit(settings.state.url)
    if (parts.hostname, parts.port) != (server.host, server.port) or not parts.username:
        return
    postgres.create_role(server, parts.username, secrets.ensure(settings, "state_password"))
    postgres.create_database(server, parts.path.strip("/"), owner=parts.username)


def reading(settings: Settings, name: str) -> dict[str, str]:
    """Variables by which one of :data:`READERS` reads a lake in S3; empty where it has no keys.

    Args:
        settings: of this installation.
        name: of the keys.
    """
    if settings.lake_uri is None:
        return {}
    try:
        access, secret = (
            secrets.get(settings, f"{name}_{part}_key") for part in ("access", "secret")
        )
    except UserError:  # a store of others: keys come by the usual variables, if at all
        return {}
    place = {"AWS_ENDPOINT_URL": settings.store.endpoint} if settings.store.endpoint else {}
    found = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}
    return {**found, **place, "AWS_REGION": settings.store.region}


def _writers(settings: Settings, buckets: dict[str, str]) -> list[objects.Identity]:
    return [
        objects.Identity(
            f"jobs-{name}",
            _login(settings, name),
            [f"{action}:{bucket}" for action in ("Read", "Write", "List", "Tagging")],
        )
        for name, bucket in buckets.items()
        if bucket
    ]


def _reader(settings: Settings, name: str) -> objects.Identity:
    root = (settings.lake_uri or "").partition("://")[2]
    actions = [f"{a}:{root}/{layer}*" for layer in READERS[name] for a in ("Read", "List")]
    return objects.Identity(name, _login(settings, name), actions)


def _login(settings: Settings, name: str) -> objects.Login:
    access, secret = (
        secrets.ensure(settings, f"{name}_{part}_key") for part in ("access", "secret")
    )
    return objects.Login(access, secret)


def _bucket(url: str | None) -> str:
    return urlsplit(url or "").netloc


def _port(settings: Settings) -> int:
    return urlsplit(settings.store.endpoint).port or 0


def _internal(port: int) -> list[int]:
    return list(range(port + 1, port + 1 + objects.INTERNAL_PORTS))
