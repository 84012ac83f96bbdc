"""A zip: the one file in it that a department means, taken out and looked at as any other."""

from __future__ import annotations

import glob
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from civiclake.contracts.draft.sample import Sample
from civiclake.errors import SourceError
from civiclake.io.reading.archive import find_member
from civiclake.io.reading.inspect import READ_FAULTS, Unreadable, why
from civiclake.io.reading.streams import Bounded
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.files import server
from civiclake.io.samples.patterns import pattern


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
                member = _member(archive, asked)
                inner = Path(made) / PurePosixPath(member.filename).name
                with archive.open(member) as packed, inner.open("wb") as file:
                    size = path.stat().st_size
                    source = Bounded(packed, lambda: size)
                    shutil.copyfileobj(source, file, 1 << 20)
        except READ_FAULTS as error:
            raise SourceError(f"{path.name} can't be read: {why(error)}") from None
        packed_again = inner.suffix.lower() in (".zip", ".gz")
        if packed_again:
            raise SourceError(
                f"{path.name} holds {member.filename}, which is packed itself; allowed is a file"
                " that is packed once"
            )
        found = look(inner, department, replace(asked, member=None))
    kind, encoding = found.server["format"], found.server.get("encoding", "utf-8")
    place, note = server(path, department, kind, encoding)
    folder, slash, name = member.filename.rpartition("/")
    inside = glob.escape(folder) + slash + pattern(Path(name))[0]
    return replace(
        found,
        server={**found.server, "path": place["path"]},
        loading={**found.loading, "member": inside},
        origin=f"{member.filename} in {path.name}",
        notes=(*([note] if note else []), *found.notes[1:]),
    )


def _member(archive: zipfile.ZipFile, asked: Asked) -> zipfile.ZipInfo:
    try:
        return find_member(archive, asked.member)
    except Unreadable as error:
        raise Unreadable(f"{error}; `new` takes its name as --member") from None
