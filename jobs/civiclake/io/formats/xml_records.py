"""XML: every element of one name is a record; its attributes and child elements are columns.

An attribute ``id`` is the column ``@id``, and one of a namespace, ``gml:id``, is ``@gml:id`` with
the file's own prefix (``@id`` where the contract names only that, and nothing else has the name).
An element goes by its name without namespace; one without children is its text, one with
children, or one that stands several times in a record, is JSON text unless the contract names a
dotted path into it. Pieces of text between children are ``#text``, a line each. Blanks around a
text are no part of it, unless ``xml:space`` preserves them; what has ``xsi:nil`` has no value.
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
from civiclake.io.formats.text import Nil
from civiclake.io.reading.inspect import LONGEST_LINE, Unreadable, text_blocks

MAX_DEPTH = 100
"""Elements in each other."""
_DECLARED = re.compile(r"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_WITHIN = {"gb2312": "gb18030", "gbk": "gb18030", "ascii": "utf-8"}
_CUT = (3, 5, 6, 20)
"""Expat's codes for a text that ends before its element, token, character or CDATA does."""
_BLANKS = " \t\r\n"
_XML = "http://www.w3.org/XML/1998/namespace"
_SPACE = f"{{{_XML}}}space"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
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
    names = (name for column in dataset.columns for name in (column.source_name, *column.also))
    contents = _Contents(frozenset(part for name in names for part in (name, *name.split("."))))
    with _translated():
        for record in _elements(stream, wanted, contents):
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


def _elements(stream: _Utf8, wanted: str, contents: _Contents) -> Iterator[dict[str, Any]]:
    parser = DefusedXMLParser(encoding="utf-8")
    way: list[Element] = []
    inside = 0
    for event, element in iterparse(stream, events=("start", "end", "start-ns"), parser=parser):
        if event == "start-ns":
            contents.declare(*element)
        elif event == "start":
            way.append(element)
            if inside:
                inside += 1
            else:
                name = _local(element)
                stream.note(name, len(way))
                inside = int(name == wanted)
            if len(way) > MAX_DEPTH:
                raise Unreadable("its elements are nested too deeply")
        else:
            way.pop()
            if inside:
                inside -= 1
                if inside:
                    continue
                yield contents.record(element)
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


class _Contents:
    """What elements hold.

    Args:
        named: the names that the contract has for columns, and the parts of their paths.
    """

    def __init__(self, named: frozenset[str]) -> None:
        self._named = named
        self._prefixes = {_XML: "xml"}

    def declare(self, prefix: str, namespace: str) -> None:
        """A prefix begins; the first one of a namespace names it."""
        if prefix:
            self._prefixes.setdefault(namespace, prefix)

    def record(self, element: Element) -> dict[str, Any]:
        """A record's attributes and children."""
        found = self._content(element)
        return found if isinstance(found, dict) else {"#text": found}

    def _content(self, element: Element, *, preserve: bool = False) -> Any:
        """Text, or a mapping of attributes and children."""
        if not len(element) and not element.attrib:
            return _trimmed(element.text, preserve=preserve)
        attributes = dict(element.attrib)
        space = attributes.pop(_SPACE, None)
        preserve = space == "preserve" or (preserve and space is None)
        nil = attributes.pop(_NIL, "false").strip() in ("true", "1")
        found = self._attributes(attributes)
        for child in element:
            name, value = _local(child), self._content(child, preserve=preserve)
            if name not in found:
                found[name] = value
            elif isinstance(found[name], list):
                found[name].append(value)
            else:
                found[name] = [found[name], value]
        if nil:
            return Nil(found)
        if not found:
            return _trimmed(element.text, preserve=preserve)
        pieces = (element.text, *(child.tail for child in element))
        if text := "\n".join(p.strip() for p in pieces if p and p.strip()):
            found["#text"] = text
        return found

    def _attributes(self, attributes: dict[str, str]) -> dict[str, Any]:
        found = {f"@{name}": value for name, value in attributes.items() if name[0] != "{"}
        for name, value in attributes.items():
            if name[0] != "{":
                continue
            namespace, _, bare = name[1:].partition("}")
            full, short = f"@{self._prefixes.get(namespace, namespace)}:{bare}", f"@{bare}"
            is_short = short in self._named and full not in self._named and short not in found
            found[short if is_short else full] = value
        return found


def _trimmed(text: str | None, *, preserve: bool) -> str | None:
    return text if text is None or preserve else text.strip(_BLANKS)


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
