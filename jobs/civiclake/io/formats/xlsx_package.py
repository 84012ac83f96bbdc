"""The parts of a workbook's package, found as the standard has it: by relationships and types.

Programs name parts as they like (``xl\\Worksheets\\Sheet1.XML``, ``/office/styles.xml``), and some
write the namespaces of Strict Open XML: a part is what something refers to as such, and an
element is its local name.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import DefusedXMLParser, fromstring

from civiclake.io.reading import streams
from civiclake.io.reading.inspect import Unreadable

_TYPES = "[content_types].xml"
_ROOT_RELATIONS = "_rels/.rels"
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class Sheet:
    """A sheet of cells, as the workbook lists it."""

    name: str
    part: str
    hidden: bool


class Package:
    """A workbook's parts.

    Args:
        archive: the opened zip file.
        size_bytes: of the zip file.
        held_bytes: what a part may hold that is read as a whole.
        sheet_bytes: what a sheet may hold, which is read row by row.

    Raises:
        Unreadable: a part unpacks to more than that, or nothing in it is a workbook.
    """

    def __init__(
        self, archive: zipfile.ZipFile, size_bytes: int, held_bytes: int, sheet_bytes: int
    ) -> None:
        self._archive, self._held_bytes = archive, held_bytes
        streams.check_ratio(sum(info.file_size for info in archive.infolist()), size_bytes)
        self._infos = {_name(info.filename): info for info in archive.infolist()}
        self._types = self._content_types()
        self._workbook = self._main()
        self._relations = self._related(self._workbook)
        self.book = self.read(self._workbook)
        """The workbook's own part."""
        self.sheets = list(self._listed())
        self._check_bounds(sheet_bytes)

    def read(self, part: str) -> Element:
        """A part as a whole.

        Raises:
            KeyError: there is no such part.
            Unreadable: it is too large.
        """
        info = self._infos[part]
        self._check(info, self._held_bytes)
        found: Element = fromstring(self._archive.read(info))
        return found

    def part(self, kind: str) -> str | None:
        """The workbook's part of a kind such as ``styles``, if it has one."""
        for found, target in self._relations.values():
            if found == kind and target in self._infos:
                return target
        ending = f".{kind.lower()}+xml"
        return next((p for p, t in self._types.items() if t.endswith(ending)), None)

    def feed(self, part: str, parser: DefusedXMLParser) -> Iterator[None]:
        """Hand a part to a parser block by block; whoever asks for the next has taken what came.

        Raises:
            KeyError: there is no such part.
        """
        with self._archive.open(self._infos[part]) as stream:
            while block := stream.read(_BLOCK_BYTES):
                parser.feed(block)
                yield
        parser.close()
        yield

    def _content_types(self) -> dict[str, str]:
        if _TYPES not in self._infos:
            return {}
        entries = children(self.read(_TYPES), "Override")
        return {_name(e.get("PartName", "")): e.get("ContentType", "").lower() for e in entries}

    def _main(self) -> str:
        """The part of the workbook itself."""
        for kind, target in self._related("").values():
            if kind == "officeDocument" and target in self._infos:
                if target.endswith(".bin"):
                    raise Unreadable("it is a binary workbook (.xlsb): save it as .xlsx")
                return target
        if "content.xml" in self._infos:
            raise Unreadable("it is an OpenDocument file (.ods): save it as .xlsx")
        ending = "sheet.main+xml"
        found = next((p for p, t in self._types.items() if t.endswith(ending)), "")
        if found not in self._infos:
            raise Unreadable("it is no whole workbook (nothing in it is one)")
        return found

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: the kind and the part, by the reference's id."""
        folder, _, name = part.rpartition("/")
        relations = posixpath.join(folder, "_rels", f"{name}.rels") if part else _ROOT_RELATIONS
        if relations not in self._infos:
            return {}
        found = {}
        for entry in children(self.read(relations), "Relationship"):
            if entry.get("TargetMode") == "External":
                continue
            target = unquote(entry.get("Target", "")).replace("\\", "/")
            kind = entry.get("Type", "").rpartition("/")[2]
            found[entry.get("Id", "")] = (kind, _name(posixpath.join("/" + folder, target)))
        return found

    def _listed(self) -> Iterator[Sheet]:
        for group in children(self.book, "sheets"):
            for entry in children(group, "sheet"):
                kind, target = self._relations.get(_relation_id(entry), ("", ""))
                if kind == "worksheet":
                    shown = entry.get("state", "visible") == "visible"
                    yield Sheet(entry.get("name", ""), target, not shown)

    def _check_bounds(self, sheet_bytes: int) -> None:
        """Before anything large is unpacked: no member gives out more than its entry says."""
        by_rows = {sheet.part for sheet in self.sheets}
        for name, info in self._infos.items():
            self._check(info, sheet_bytes if name in by_rows else self._held_bytes)

    def _check(self, info: zipfile.ZipInfo, limit: int) -> None:
        if info.file_size > limit:
            raise Unreadable(f"its part {info.filename} unpacks to over {limit >> 20} MiB")


def opened(binary: IO[bytes], held_bytes: int, sheet_bytes: int) -> Package:
    """The package in a file.

    Raises:
        Unreadable: it unpacks to too much, or is no workbook.
        zipfile.BadZipFile: it is no whole zip file.
    """
    size = binary.seek(0, 2)
    binary.seek(0)
    return Package(zipfile.ZipFile(binary), size, held_bytes, sheet_bytes)


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def children(element: Element, name: str) -> Iterator[Element]:
    """The elements of a name right below an element."""
    return (child for child in element if local(str(child.tag)) == name)


def _name(name: str) -> str:
    """A part's name, whatever its case and its slashes."""
    return posixpath.normpath("/" + name.replace("\\", "/")).strip("/").lower()


def _relation_id(entry: Element) -> str:
    """``r:id``, which has another namespace in Strict Open XML."""
    return next((v for n, v in entry.attrib.items() if "}" in n and local(n) == "id"), "")
