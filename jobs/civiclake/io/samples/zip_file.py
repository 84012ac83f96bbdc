"""A zip: the one file in it that a department means, taken out and looked at as any other."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from civiclake.contracts.faults import choice
from civiclake.contracts.sample import Sample
from civiclake.errors import SourceError
from civiclake.io.inspect import READ_FAULTS, why
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.files import server
from civiclake.io.streams import Bounded

_MOST_NAMED = 8


def take(
    path: Path, department: str, asked: Asked, look: Callable[[Path, str, Asked], Sample]
) -> Sample:
    """The rows of the file inside.

    Args:
        path: the zip.
        department: whose it is.
        asked: which file of several is meant, among others.
        look: what looks at a file, by its name.

    Raises:
        SourceError: it can't be read, or it can't be told which file is meant.
    """
    with tempfile.TemporaryDirectory(prefix="civiclake-new-") as made:
        try:
            with zipfile.ZipFile(path) as archive:
                member = _member(archive, path.name, asked.member)
                inner = Path(made) / PurePosixPath(member.filename).name
                with archive.open(member) as packed, inner.open("wb") as file:
                    size = path.stat().st_size
                    source = Bounded(packed, lambda: size)
                    shutil.copyfileobj(source, file, 1 << 20)
        except READ_FAULTS as error:
            raise SourceError(f"{path.name} can't be read: {why(error)}") from None
        found = look(inner, department, replace(asked, member=None))
    kind, encoding = found.server["format"], found.server.get("encoding", "utf-8")
    place, note = server(path, department, kind, encoding)
    said = {"member": member.filename} if asked.member else {}
    return replace(
        found,
        server={**found.server, "path": place["path"]},
        loading={**found.loading, **said},
        origin=f"{member.filename} in {path.name}",
        notes=(*([note] if note else []), *found.notes[1:]),
    )


def _member(archive: zipfile.ZipFile, name: str, wanted: str | None) -> zipfile.ZipInfo:
    """The file that is meant: what an operating system puts beside it is none."""
    real = [m for m in archive.infolist() if not m.is_dir() and _is_delivered(m.filename)]
    named = [m.filename for m in real]
    if wanted is not None:
        if wanted not in named:
            raise SourceError(f"{name} holds no {wanted!r}; it holds {choice(named[:_MOST_NAMED])}")
        return real[named.index(wanted)]
    if len(real) == 1:
        return real[0]
    if not real:
        raise SourceError(f"{name} holds no file")
    raise SourceError(
        f"{name} holds {len(real)} files: say which is meant with --member, such as --member"
        f" {named[0]}; it holds {choice(named[:_MOST_NAMED])}"
    )


def _is_delivered(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not any(part == "__MACOSX" or part.startswith(".") for part in parts) and (
        parts[-1] not in ("Thumbs.db", "desktop.ini")
    )
