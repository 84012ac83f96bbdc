"""What is allowed in contracts and yet is seldom meant: told by ``check``, which passes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from civiclake.contracts.city import City
from civiclake.contracts.dataset import Draft
from civiclake.contracts.mart import MartDraft
from civiclake.contracts.model import Source, SourceKind
from civiclake.contracts.read import extension
from civiclake.contracts.read.globs import meet
from civiclake.contracts.units import says_unit

_OF_FILES = (SourceKind.FILES, SourceKind.SFTP, SourceKind.S3)


def warnings(city: City) -> list[str]:
    """All warnings of a city, one sentence each: file, line, place, what may surprise."""
    found = [*_shared_files(city)]
    for draft in city.drafts:
        found += _keys_that_may_be_absent(draft)
    for made in city.marts:
        found += _figures_without_a_unit(made)
    return sorted(found)


def _figures_without_a_unit(draft: MartDraft) -> Iterator[str]:
    """A number of a mart that is no count: who reads it must know what it is of."""
    for column in draft.compiled.columns:
        if column.logical_type == "number" and not says_unit(column.name, column.description):
            where = draft.document.where(draft.compiled.places[column.name])
            yield (
                f"{where}: {column.name!r} says no unit; end its name in it, as in 'delay_mean_s',"
                " or name it in the description ('without unit', where it has none)"
            )


def _shared_files(city: City) -> Iterator[str]:
    """Two datasets whose patterns can match one file: each would take the other's deliveries."""
    read = [(d, d.dataset.source) for d in city.drafts if d.dataset is not None]
    of_files = [(d, source) for d, source in read if source.kind in _OF_FILES and source.location]
    for (first, one), (second, other) in combinations(of_files, 2):
        if _same_place(one, other) and _same_part(one, other) and _meet(one, other):
            where = second.document.where(("servers", 0))
            yield (
                f"{where}: {other.location!r} can match the same files as {one.location!r} of"
                f" {first.id}; each would take the other's deliveries for its own, so give each a"
                " folder or a name of its own"
            )


def _same_place(one: Source, other: Source) -> bool:
    return (one.kind, one.endpoint_url) == (other.kind, other.endpoint_url)


def _same_part(one: Source, other: Source) -> bool:
    """Whether both read the same of a file: one archive or one book may hold many tables."""
    return (one.member, one.sheet, one.records) == (other.member, other.sheet, other.records)


def _meet(one: Source, other: Source) -> bool:
    in_buckets = one.kind is SourceKind.S3
    return meet(str(one.location), str(other.location), star_takes_slash=in_buckets)


def _keys_that_may_be_absent(draft: Draft) -> Iterator[str]:
    for name, column in draft.compiled.raw.items():
        own = extension.find(column.get("customProperties"), ())
        said = own[0] if own is not None and isinstance(own[0], dict) else {}
        if column.get("primaryKey") and column.get("required") is False and "absent_as" not in said:
            where = draft.document.where((*draft.compiled.places[name], "required"))
            yield (
                f"{where}: is false, but {name!r} is a part of the key: rows without it are set"
                " aside, unless the contract says what an absent value is taken for (absent_as)"
            )
