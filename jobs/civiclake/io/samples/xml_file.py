"""An XML file: which element is a record is guessed from what repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import FileFormat
from civiclake.errors import SourceError
from civiclake.io.formats import xml_records
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.encodings import Encoding
from civiclake.io.samples.files import described, encoding_of, look, unpacked

_MOST_ELEMENTS = 20_000
_HEAD_BYTES = 512
Way = tuple[str, ...]


def take(path: Path, department: str, asked: Asked) -> Sample:
    """The records, an element each.

    Raises:
        SourceError: it can't be read, or holds no element that may be a record.
    """
    found = _encoding(path, asked)
    with unpacked(path) as binary:
        ways = list(islice(xml_records.ways(binary, found.name), _MOST_ELEMENTS))
    records = _record(ways)
    if records is None:
        raise SourceError(f"{path.name} holds nothing but an empty {ways[0][0]}")
    note = f"every element `{records}` is taken for a record"
    dataset = described(FileFormat.XML, encoding=found.name, records=records)
    return look(path, department, asked, dataset, (found.note, note))


def _encoding(path: Path, asked: Asked) -> Encoding:
    """What the file says of itself comes first; it is believed only if it can be read so."""
    with unpacked(path) as binary:
        head = binary.read(_HEAD_BYTES).decode("latin-1").removeprefix("\xef\xbb\xbf")
    declared = xml_records.declared(head)
    return encoding_of(path, FileFormat.XML, asked, (declared.lower(),) if declared else ())


def _record(ways: Iterable[Way]) -> str | None:
    """The name that repeats nearest to the root; when none does, what holds only values.

    A name that repeats further in is a list within a record.
    """
    counted = Counter(ways)
    inner = {way[:-1] for way in counted}
    repeated = [way for way, count in counted.items() if count > 1]
    if repeated:
        # Of names at one depth, the most frequent; those with parts of their own before others.
        return min(repeated, key=lambda w: (len(w), w not in inner, -counted[w]))[-1]
    parents = [way for way in counted if way in inner]
    alone = [p for p in parents if all(w not in inner for w in counted if w[:-1] == p)]
    return min(alone, key=len)[-1] if alone else None
