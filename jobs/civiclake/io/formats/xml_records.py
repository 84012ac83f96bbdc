"""XML: every element of one name is a record; its attributes and child elements are columns.

An attribute ``id`` is the column ``@id``; an element without children is its text; one with
children, or one that stands several times in a record, is JSON text unless the contract names
a dotted path into it. Names are taken without their namespace.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from civiclake.contracts.model import Dataset
from civiclake.io.formats.table import Table, from_records
from civiclake.io.inspect import LONGEST_LINE, Unreadable, text_blocks

MAX_DEPTH = 100
"""Elements in each other."""
_DECLARED = re.compile(r"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_WITHIN = {"gb2312": "gb18030", "gbk": "gb18030", "ascii": "utf-8"}
_CUT = (3, 5, 6, 20)
"""Expat's codes for a text that ends before its element, token, character or CDATA does."""
_REFUSED = {
    "EntitiesForbidden": "it defines entities",
    "ExternalReferenceForbidden": "it refers to another file",
    "DTDForbidden": "it holds a document type",
}


def read(binary: io.BufferedIOBase, dataset: Dataset) -> Table:
    """One row for each element of the name that ``records`` says."""
    return from_records(_records(binary, dataset), dataset)


def _records(binary: io.BufferedIOBase, dataset: Dataset) -> Iterator[dict[str, Any]]:
    wanted, found = dataset.source.records or "", False
    stream = _Utf8(text_blocks(binary, dataset.source.encoding), dataset.source.encoding)
    with _translated():
        for record in _elements(stream, wanted):
            found = True
            yield record
    if not found and not stream.root_only:
        raise Unreadable(f"it has no element {wanted} ({stream.seen})")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the parser's errors inside the block into ours."""
    try:
        yield
    except ParseError as error:
        line, column = error.position
        if error.code in _CUT:
            raise Unreadable("it is cut off before its end") from None
        said = str(error).partition(":")[0]
        raise Unreadable(f"it is no XML: {said} in line {line}, column {column + 1}") from None
    except DefusedXmlException as error:
        said = _REFUSED.get(type(error).__name__, "it is not safe to read")
        raise Unreadable(f"{said}, which no delivery needs and no reader should follow") from None


def _elements(stream: _Utf8, wanted: str) -> Iterator[dict[str, Any]]:
    parser = DefusedXMLParser(encoding="utf-8")
    way: list[Element] = []
    inside = 0
    for event, element in iterparse(stream, events=("start", "end"), parser=parser):
        if event == "start":
            way.append(element)
            if inside:
                inside += 1
            else:
                name = _local(element)
                stream.note(name, len(way))
                inside = int(name == wanted)
            if len(way) > MAX_DEPTH:
                raise Unreadable("its elements are nested too deeply")
            continue
        way.pop()
        if inside:
            inside -= 1
            if inside:
                continue
            yield _record(element)
        stream.rest()
        if way:
            way[-1].remove(element)


def ways(binary: io.BufferedIOBase, encoding: str) -> Iterator[tuple[str, ...]]:
    """Of every element, as it begins, the names from the root to it.

    Args:
        binary: the file's bytes.
        encoding: of its text.

    Raises:
        Unreadable: it is no XML, or not safe to read.
    """
    stream, way = _Utf8(text_blocks(binary, encoding), encoding), list[Element]()
    parser = DefusedXMLParser(encoding="utf-8")
    with _translated():
        for event, element in iterparse(stream, events=("start", "end"), parser=parser):
            if event == "start":
                way.append(element)
                if len(way) > MAX_DEPTH:
                    raise Unreadable("its elements are nested too deeply")
                yield tuple(_local(e) for e in way)
                continue
            way.pop()
            stream.rest()
            if way:
                way[-1].remove(element)


def _record(element: Element) -> dict[str, Any]:
    found = _content(element)
    return found if isinstance(found, dict) else {"#text": found}


def _content(element: Element) -> Any:
    """Text, or a mapping of attributes and children."""
    text, attributes = element.text, element.attrib
    if not len(element) and not attributes:
        return text
    found: dict[str, Any] = {f"@{_bare(name)}": value for name, value in attributes.items()}
    for child in element:
        name, value = _local(child), _content(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    if text and (kept := text.strip()):
        found["#text"] = kept
    return found


def _local(element: Element) -> str:
    return _bare(str(element.tag))


def _bare(name: str) -> str:
    return name.rpartition("}")[2]


class _Utf8:
    """The text as the parser takes it, whatever it came in; and where the parser is.

    The parser knows only a few encodings by itself, and believes what the file says of its
    own: here the contract decides, and a file that says otherwise is refused.
    """

    def __init__(self, blocks: Iterator[str], encoding: str) -> None:
        self._blocks, self._encoding = blocks, encoding
        self._first = True
        self._since = 0
        self._names: dict[str, None] = {}
        self.root_only = True
        """Whether there is nothing but an empty root: a list of no records."""

    def read(self, size: int = -1) -> bytes:
        """The next block, or nothing at the end."""
        text = next(self._blocks, "")
        if self._first:
            self._first = False
            _check_declared(text, self._encoding)
        self._since += len(text)
        if self._since > 2 * LONGEST_LINE:
            raise Unreadable(f"it holds an element of over {LONGEST_LINE >> 20} MiB")
        return text.encode("utf-8")

    def note(self, name: str, depth: int) -> None:
        """An element begins."""
        self.root_only = self.root_only and depth == 1
        if len(self._names) < 10:
            self._names.setdefault(name)

    def rest(self) -> None:
        """An element was let go."""
        self._since = 0

    @property
    def seen(self) -> str:
        """The first names."""
        return f"it holds {', '.join(self._names)[:200]}"


def declared(text: str) -> str | None:
    """The encoding that a file's first characters say it has, or None."""
    found = _DECLARED.match(text)
    return found[1] if found else None


def _check_declared(text: str, encoding: str) -> None:
    named = declared(text)
    if named is None:
        return
    said, wanted = _codec(named), _codec(encoding)
    if wanted not in (said, _WITHIN.get(said)) and not text.isascii():
        raise Unreadable(f"it says that it is {named}, but the contract's `encoding` is {encoding}")


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name
