"""A standalone Spark cluster of this host: a master, and workers that start executors.

Each is a process of its own, each worker a user and a folder of its own where CivicLake runs as
root. Every connection inside of the cluster asks for a secret and is encrypted, and the pages of
master and workers open only to who shows a token.
"""

from __future__ import annotations

import os
import secrets as _random
import shutil
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path

from civiclake import secrets
from civiclake.engine import arguments, class_archive
from civiclake.engine.java import java_home, spark_home, spark_jars
from civiclake.engine.service import Service
from civiclake.errors import UserError
from civiclake.local import system_user
from civiclake.local.ports import free_port
from civiclake.settings import Settings

SECRET = "cluster_secret"  # noqa: S105 - its name
"""What every process of the cluster knows."""
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_SECRET_VARIABLE = "_SPARK_AUTH_SECRET"  # noqa: S105 - Spark's own name for it
_PAGES = "org.apache.spark.ui.JWSFilter"
_USER = "civiclake-worker-{}"
_DAEMON_MEMORY = "512m"
_START_S = 60.0
_SCALA = "2.13"
_KEPT_S = str(7 * 86_400)
"""How long a worker keeps the logs of executors that have ended."""
_PAGE_KEY_BYTES = 32

Start = Callable[[Settings], None]


def services(settings: Settings) -> list[tuple[Service, Start]]:
    """The master and the workers, each with what starts it; none where the cluster is another's."""
    workers, place = settings.engine.cluster.workers, settings.engine.master_place
    if not workers or place is None:
        return []
    host, port = place
    found: list[tuple[Service, Start]] = [(_master(settings, host, port), start_master)]
    for number in range(1, workers + 1):
        found.append((_worker(settings, number, host), partial(start_worker, number=number)))
    return found


def _master(settings: Settings, host: str, port: int) -> Service:
    setting = "CIVICLAKE_ENGINE__MASTER"
    return Service("master", settings.run_dir, host, port, setting, has_door=False)


def _worker(settings: Settings, number: int, host: str, port: int = 0) -> Service:
    return Service(f"worker-{number}", settings.run_dir, host, port, "", has_door=False)


def wait_for_master(settings: Settings) -> None:
    """Who asks a master that does not listen yet waits twenty seconds before it asks again.

    Raises:
        CivicLakeError: a master that is started here ended, or did not listen in time.
    """
    found = services(settings)
    if found:
        found[0][0].wait(_START_S)


def spark(settings: Settings) -> dict[str, str]:
    """What the jobs engine is told of its cluster; nothing where it works alone."""
    engine = settings.engine
    if not engine.is_clustered:
        return {}
    ours = class_archive.class_path(settings.jars_dir, engine.jars)
    jars = [str(jar) for jar in ours if jar not in set(spark_jars())]
    return {
        **_protected(),
        "spark.io.encryption.enabled": "true",  # what executors shuffle stands on their disks
        # Executors fetch them from the driver: on a worker's host nothing has to be put.
        "spark.jars": ",".join(jars),
        # Of an executor on the same host Spark would read the files itself: workers are users of
        # their own, who may not read each other's.
        "spark.shuffle.readHostLocalDisk": "false",
        "spark.executor.memory": engine.cluster.memory,
        "spark.executor.cores": str(engine.cluster.cores),
        "spark.executor.extraJavaOptions": " ".join(
            ("-Duser.timezone=UTC", arguments.log_option(), *engine.java_options)
        ),
    }


def environment(settings: Settings) -> dict[str, str]:
    """The secret, for the jobs engine; nothing where it works alone."""
    if not settings.engine.is_clustered:
        return {}
    return {"CIVICLAKE_SPARK_SECRET": secrets.ensure(settings, SECRET)}


def start_master(settings: Settings) -> None:
    """Start it, detached; does not wait. It remembers workers and jobs engines over its own end."""
    host, port = _place(settings)
    work = _folder(settings, "master")
    options = {
        # On by default, at a fixed port, and it asks nobody for the secret: it would start any
        # program on a worker for whoever connects.
        "spark.master.rest.enabled": "false",
        "spark.deploy.recoveryMode": "FILESYSTEM",
        "spark.deploy.recoveryDirectory": str(work / "recovery"),
    }
    main = [_MASTER, "--host", host, "--port", str(port), "--webui-port", "0"]
    _start(settings, _master(settings, host, port), work, options, main, user=None)


def start_worker(settings: Settings, number: int) -> None:
    """Start one of the workers, detached; does not wait."""
    cluster, (host, _) = settings.engine.cluster, _place(settings)
    wait_for_master(settings)
    work = _folder(settings, f"worker-{number}")
    for name in ("tmp", "apps"):
        shutil.rmtree(work / name, ignore_errors=True)
        (work / name).mkdir()
    user, note = _choose(number)
    if user:
        system_user.give(user, work, work / "tmp", work / "apps")
        system_user.let_pass(work.parent)
    cleaning = {
        "spark.worker.cleanup.enabled": "true",
        "spark.worker.cleanup.appDataTtl": _KEPT_S,
    }
    port = free_port(0, host=host)
    main = [
        _WORKER, "--host", host, "--port", str(port), "--webui-port", "0",
        "--cores", str(cluster.cores), "--memory", cluster.memory,
        "--work-dir", str(work / "apps"), settings.engine.master,
    ]  # fmt: skip
    worker = _worker(settings, number, host, port)
    _start(settings, worker, work, cleaning, main, user=user, note=note)


def _choose(number: int) -> tuple[str | None, str]:
    """The user to run as, or None for who starts it, and a plain word about why."""
    if os.geteuid() != 0:
        return None, ""
    name = _USER.format(number)
    try:
        user = system_user.ensure(name, f"worker {number} of the cluster")
    except UserError as error:
        return None, f"runs as root: {error}"
    # Marts' steps run in Python workers, which import this very code.
    asked = system_user.run(
        [sys.executable, "-c", "import civiclake.errors"], user=user, cwd=Path("/")
    )
    if asked.returncode:
        return None, (
            f"runs as root: the user {name!r} may not run {sys.executable}; put Python and the"
            " project in folders that all may enter (mode 0755) to have it run without rights"
        )
    return user, ""


def _place(settings: Settings) -> tuple[str, int]:
    found = settings.engine.master_place
    if found is None:
        raise UserError(
            f"engine.master is {settings.engine.master}: no master or worker is started for it"
        )
    return found


def _folder(settings: Settings, name: str) -> Path:
    found = settings.state_dir / "spark" / name
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    return found


def _protected() -> dict[str, str]:
    return {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}


def _pages(settings: Settings) -> dict[str, str]:
    """The pages of master and workers show logs: to nobody without a token signed by this key."""
    key = _random.token_bytes(_PAGE_KEY_BYTES)
    return {
        "spark.ui.filters": _PAGES,
        f"spark.{_PAGES}.param.secretKey": urlsafe_b64encode(key).decode(),
    }


def _start(
    settings: Settings,
    service: Service,
    work: Path,
    own: dict[str, str],
    main: list[str],
    *,
    user: str | None,
    note: str = "",
) -> None:
    options = {**_protected(), **_pages(settings), **own}
    java = [f"-Xmx{_DAEMON_MEMORY}", "-XX:+UseSerialGC", *arguments.properties(options)]
    path = arguments.write(work / "arguments", java, spark_jars(), main)
    if user:
        system_user.give(user, path)
    service.start(
        [str(java_home() / "bin" / "java"), f"@{path}"], _environment(settings, work, service.host),
        user=user, cwd=work, note=note,
    )  # fmt: skip


def _environment(settings: Settings, work: Path, host: str) -> dict[str, str]:
    """Clean: what an executor needs besides, the jobs engine gives to its own alone."""
    found = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {
        **found,
        "HOME": str(work),
        "TZ": "UTC",
        "JAVA_HOME": str(java_home()),
        "SPARK_HOME": str(spark_home()),
        "SPARK_SCALA_VERSION": _SCALA,  # without it, a worker looks for Spark's sources
        "SPARK_LOCAL_IP": host,
        **arguments.scratch(work / "tmp"),
        _SECRET_VARIABLE: secrets.ensure(settings, SECRET),
    }
