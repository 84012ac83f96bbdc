"""Which file of a zip is the delivery."""

from __future__ import annotations

import zipfile
from fnmatch import fnmatchcase

from civiclake.io.inspect import Unreadable

_LISTED = 10


def find_member(archive: zipfile.ZipFile, wanted: str | None) -> zipfile.ZipInfo:
    """The file that is meant.

    What computers leave beside files (resource forks, thumbnails) is none; a file that is alone
    is meant, whatever its name, which often bears a date.

    Args:
        archive: the delivered zip.
        wanted: the contract's ``member``: a name, or a pattern such as ``visits_*.csv``.

    Raises:
        Unreadable: there is no such file, or more than one.
    """
    files = [info for info in archive.infolist() if not _is_left_behind(info)]
    if len(files) == 1:
        return files[0]
    names = ", ".join(info.filename for info in files[:_LISTED]) or "nothing"
    names += ", ..." if len(files) > _LISTED else ""
    if wanted is None:
        raise Unreadable(f"it holds {len(files)} files ({names}): name one as `member`")
    found = [info for info in files if info.filename == wanted]
    found = found or [info for info in files if fnmatchcase(info.filename, wanted)]
    if len(found) == 1:
        return found[0]
    problem = "no" if not found else "more than one"
    raise Unreadable(f"it holds {problem} {wanted} (it holds {names})")


def _is_left_behind(info: zipfile.ZipInfo) -> bool:
    folder, _, name = info.filename.rpartition("/")
    return (
        info.is_dir()
        or "__MACOSX" in folder.split("/")
        or name.startswith("._")
        or name in (".DS_Store", "Thumbs.db", "desktop.ini")
    )
