"""Which file of a zip is the delivery."""

from __future__ import annotations

import zipfile
from fnmatch import fnmatchcase

from civiclake.io.reading.inspect import Unreadable

_LISTED = 10
_UNDER_PASSWORD = 1


def find_member(archive: zipfile.ZipFile, wanted: str | None) -> zipfile.ZipInfo:
    """The file that is meant.

    What computers leave beside files (resource forks, thumbnails) is none; a file that is alone
    is meant, whatever its name, which often bears a date.

    Args:
        archive: the delivered zip.
        wanted: the contract's ``member``: a name, or a pattern such as ``visits_*.csv``.

    Raises:
        Unreadable: there is no such file, or more than one, or it is under a password.
    """
    files = [info for info in archive.infolist() if not _is_left_behind(info)]
    if not files:
        raise Unreadable("it holds no file")
    if len(files) == 1:
        return _sound(files[0])
    names = ", ".join(info.filename for info in files[:_LISTED])
    names += ", ..." if len(files) > _LISTED else ""
    if wanted is None:
        raise Unreadable(f"it holds {len(files)} files ({names}): name one as `member`")
    found = [info for info in files if info.filename == wanted]
    found = found or [info for info in files if fnmatchcase(info.filename, wanted)]
    if len(found) == 1:
        return _sound(found[0])
    problem = "no" if not found else "more than one"
    raise Unreadable(f"it holds {problem} {wanted} (it holds {names})")


def _sound(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    if info.flag_bits & _UNDER_PASSWORD:
        raise Unreadable(f"{info.filename} in it is under a password: pack it without one")
    return info


def _is_left_behind(info: zipfile.ZipInfo) -> bool:
    folder, _, name = info.filename.rpartition("/")
    return (
        info.is_dir()
        or "__MACOSX" in folder.split("/")
        or name.startswith("._")
        or name in (".DS_Store", "Thumbs.db", "desktop.ini")
    )
