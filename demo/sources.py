"""The departments' systems of the sample city: started, brought to a night, stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import BaseModel

from civiclake import secrets
from civiclake.errors import UserError
from civiclake.local import postgres, process
from civiclake.settings import Settings
from demo import hospital, objects
from demo.city import clock, feeds
from demo.city.truth import Truth

SEED = 20160101
VISITS = 5000
_POSTGRES = "his-postgres"
_FIRST_PORTS = {"postgres": 54330, "s3": 54340}


class Ports(BaseModel):
    """Where the systems listen, on the loopback; kept, so that addresses stay the same."""

    postgres: int
    s3: int
    internal: list[int]


def start(settings: Settings) -> Ports:
    """Start what does not run yet: PostgreSQL, the object store, the drops folder."""
    ports = _ports(settings)
    run_dir = _run_dir(settings)
    _server(settings, ports)
    objects.start(
        _root(settings) / "seaweedfs",
        run_dir,
        port=ports.s3,
        internal=ports.internal,
        owner=_login(settings, "owner"),
        reader=_login(settings, "reader"),
    )
    for department in ("meteorology", "public_security"):
        (drops_dir(settings) / department).mkdir(parents=True, exist_ok=True)
    return ports


def stop(settings: Settings) -> list[str]:
    """Stop what was started here, and nothing else; the names of what was running."""
    run_dir, stopped = _run_dir(settings), []
    if not run_dir.exists():
        return []
    internal = _ports(settings).internal
    if objects.stop(run_dir, internal):
        stopped.append("object store")
    if postgres.stop(run_dir, name=_POSTGRES):
        stopped.append("hospitals' PostgreSQL")
    return stopped


def status(settings: Settings) -> dict[str, process.Running | None]:
    """The systems' processes."""
    run_dir = _run_dir(settings)
    return {
        "postgres": process.status(_POSTGRES, run_dir),
        "s3": process.status(objects.NAME, run_dir),
    }


def environment(settings: Settings) -> dict[str, str]:
    """What the contracts' ``${NAME}`` and connections stand for in the sample city."""
    ports, reader = _ports(settings), _login(settings, "reader")
    return {
        "HEALTH_DB_HOST": postgres.HOST,
        "HEALTH_DB_PORT": str(ports.postgres),
        "HEALTH_DB_USER": hospital.READER,
        "HEALTH_DB_PASSWORD": secrets.ensure(settings, "demo_health_reader"),
        "TRANSPORT_S3_ENDPOINT": f"http://{objects.HOST}:{ports.s3}",
        "TRANSPORT_S3_ACCESS_KEY": reader.access_key,
        "TRANSPORT_S3_SECRET_KEY": reader.secret_key,
        "CIVICLAKE_DROPS": str(drops_dir(settings)),
    }


def prepare(
    settings: Settings, night: int, visits: int | None = None, *, seed: int | None = None
) -> Truth:
    """Bring all systems (they must run) to the state of a night.

    Args:
        settings: where the state is.
        night: 1 or later; a state that is later already stays.
        visits: how many visits the first night holds; default: as many as there are.
        seed: which city; default: the one that is there.

    Returns:
        What must come of that night, when every night before was loaded.
    """
    if night < 1:
        raise UserError(f"night {night} is not allowed: the first night is 1")
    saved = _saved(settings)
    visits = visits or (saved.visits if saved else VISITS)
    seed = seed if seed is not None else (saved.seed if saved else SEED)
    ports = _ports(settings)
    accounts = hospital.prepare(
        _server(settings, ports),
        secrets.ensure(settings, "demo_health_reader"),
        night=night,
        visits=visits,
        seed=seed,
    )
    reached = max(accounts)
    _drop(settings, reached)
    store = objects.client(ports.s3, _login(settings, "owner"))
    objects.put(store, objects.BUCKET, feeds.GTFS_KEY, feeds.gtfs())
    for number in range(1, reached + 1):
        truth = Truth(
            night=number,
            seed=seed,
            visits=visits,
            logical_date=clock.logical_date(number),
            batch_id=clock.batch_id(number),
            datasets={**accounts[number], **feeds.expected(number)},
        )
        _write(truth_path(settings, number), truth.model_dump_json(indent=1))
    return read_truth(settings, night)


def read_truth(settings: Settings, night: int) -> Truth:
    """What must come of a night that was prepared.

    Raises:
        UserError: that night was never prepared.
    """
    path = truth_path(settings, night)
    if not path.exists():
        raise UserError(f"night {night} is not prepared: run `python -m demo prepare {night}`")
    return Truth.model_validate_json(path.read_bytes())


def truth_path(settings: Settings, night: int) -> Path:
    """The file of a night's truth."""
    return settings.state_dir / "demo" / f"truth-night-{night}.json"


def drops_dir(settings: Settings) -> Path:
    """Where the departments without a server drop their files."""
    return settings.state_dir / "drops"


def _saved(settings: Settings) -> Truth | None:
    path = truth_path(settings, 1)
    return Truth.model_validate_json(path.read_bytes()) if path.exists() else None


def _drop(settings: Settings, night: int) -> None:
    """Let the files lie there as on that night, times included."""
    for drop in feeds.drops(night).values():
        path = drops_dir(settings) / drop.path
        delivered = drop.delivered.timestamp()
        same = path.exists() and path.stat().st_mtime == delivered
        if same and path.read_bytes() == drop.content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".tmp")
        fresh.write_bytes(drop.content)
        os.utime(fresh, (delivered, delivered))
        fresh.replace(path)


def _server(settings: Settings, ports: Ports) -> postgres.Server:
    return postgres.start(
        _root(settings) / "postgres",
        ports.postgres,
        secrets.ensure(settings, "demo_his_superuser"),
        run_dir=_run_dir(settings),
        name=_POSTGRES,
        # The sample city can be made again: its system need not survive a power cut.
        options={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    )


def _login(settings: Settings, who: str) -> objects.Login:
    return objects.Login(f"transport-{who}", secrets.ensure(settings, f"demo_transport_s3_{who}"))


def _root(settings: Settings) -> Path:
    return settings.state_dir / "sources"


def _run_dir(settings: Settings) -> Path:
    return settings.run_dir / "sources"


def _ports(settings: Settings) -> Ports:
    """The ports of this installation: asked for, else kept, else free ones."""
    path = _run_dir(settings) / "ports.json"
    if path.exists():
        return Ports.model_validate_json(path.read_bytes())
    taken: set[int] = set()

    def pick(first: int) -> int:
        port = process.free_port(first)
        while port in taken:
            port = process.free_port(0)
        taken.add(port)
        return port

    asked = {
        name: int(os.environ.get(f"CIVICLAKE_DEMO__{name.upper()}_PORT", first))
        for name, first in _FIRST_PORTS.items()
    }
    beside = asked["s3"] + 1 if asked["s3"] else 0  # 0 asks for any free port
    ports = Ports(
        postgres=pick(asked["postgres"]),
        s3=pick(asked["s3"]),
        internal=[pick(beside and beside + n) for n in range(objects.INTERNAL_PORTS)],
    )
    _write(path, json.dumps(ports.model_dump()))
    return ports


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text + "\n")
    fresh.replace(path)
