"""Set-up's last step: the analysts' engine runs once, over a small table, and its classes are kept.

``python -m civiclake.engine.rehearsal`` makes the archive of :mod:`civiclake.engine.class_archive`
unless there is one of these JARs and this Java. Without it everything works, only slower to start:
so whatever goes wrong here is told, and no more.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from civiclake.engine import analysts, class_archive, client, rights, sql_server
from civiclake.errors import EngineError
from civiclake.local.held import held
from civiclake.local.ports import free_ports
from civiclake.settings import Settings, load_settings

_WAIT_S, _START_S, _WRITES_S = 900.0, 600.0, 600.0
_TABLE = "unified/rehearsal"
_QUESTIONS = ("SELECT 1", "SELECT name, count(*) FROM unified.rehearsal GROUP BY name")


def make(settings: Settings) -> Path:
    """Make the archive, unless it is there; those of former JARs go.

    Raises:
        CivicLakeError: the engine could not be started or asked, or wrote none.
    """
    with held(settings.jars_dir / ".archive.lock", "making the class archive", timeout_s=_WAIT_S):
        archive = class_archive.path(settings.jars_dir)
        if archive.exists():
            return archive
        with _stage(settings) as stage:
            _keep(_rehearse(stage), archive)
        for other in class_archive.made(settings.jars_dir):
            if other != archive:
                other.unlink(missing_ok=True)
    return archive


@contextmanager
def _stage(settings: Settings) -> Iterator[Settings]:
    """An installation of its own, gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="civiclake-rehearsal-"))
    root.chmod(0o755)  # the analysts' engine is another user
    connect_port, sql_port = free_ports(2)
    changes = {
        "host": "127.0.0.1", "connect_port": connect_port, "sql_port": sql_port, "remote": None,
        "master": "local[2]", "sql_memory": "1g", "sql_nice": 0,
    }  # fmt: skip
    engine = settings.engine.model_copy(update=changes)
    try:
        yield settings.model_copy(update={"state_dir": root, "lake_uri": None, "engine": engine})
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _rehearse(stage: Settings) -> Path:
    """A start, a few queries and an end, at which Java writes down the classes; returns where."""
    rights.secure(stage)
    _write_table(Path(stage.lake) / _TABLE)
    written = stage.state_dir / "spark" / "sql" / "tmp" / "classes.jsa"
    dump = [f"-XX:ArchiveClassesAtExit={written}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    options = [*stage.engine.java_options, *dump]
    engine = stage.engine.model_copy(update={"java_options": options})
    service = sql_server.service(stage)
    try:
        sql_server.start(stage.model_copy(update={"engine": engine}))
        service.wait(_START_S)
        password = analysts.default_password(stage)
        for question in _QUESTIONS:
            _, rows_found = client.query(stage, question, analysts.DEFAULT, password)
            list(rows_found)
    finally:
        service.stop(_WRITES_S)
    return written


def _write_table(folder: Path) -> None:
    """A Delta table of one file, without the other engine: its first commit is these lines."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    pq.write_table(pa.table({"name": [str(n % 7) for n in range(1000)]}), folder / "part.parquet")
    column = {"name": "name", "type": "string", "nullable": True, "metadata": {}}
    size = (folder / "part.parquet").stat().st_size
    actions = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": {
            "id": "rehearsal", "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": [column]}),
            "partitionColumns": [], "configuration": {},
        }},
        {"add": {
            "path": "part.parquet", "partitionValues": {}, "size": size,
            "modificationTime": 0, "dataChange": True,
        }},
    ]  # fmt: skip
    (log / f"{0:020d}.json").write_text("".join(f"{json.dumps(one)}\n" for one in actions))
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o755 if one.is_dir() else 0o644)


def _keep(written: Path, archive: Path) -> None:
    """Put it among the JARs: whole or not at all, for all to read and nobody else to write."""
    if not written.is_file() or written.is_symlink():
        raise EngineError("Java wrote no archive of its classes")
    draft = archive.with_suffix(".draft")
    try:
        shutil.copyfile(written, draft, follow_symlinks=False)
        draft.chmod(0o644)
        draft.replace(archive)
    finally:
        draft.unlink(missing_ok=True)


def main() -> None:
    """Make it, and let set-up go on either way."""
    settings = load_settings()
    try:
        make(settings)
    except Exception as error:  # noqa: BLE001 - nothing depends on it
        print(f"no class archive, engines start slower: {error}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
