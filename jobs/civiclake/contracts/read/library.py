"""What contracts share: columns defined once (``_columns/``) and code lists (``_codes/``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from civiclake.contracts.read import codes, extension
from civiclake.contracts.read.codes import CodeList, CodeTable
from civiclake.contracts.read.document import Document, read_yaml
from civiclake.contracts.read.extension import ColumnExtension
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean

COLUMNS = "_columns"
CODES = "_codes"
AUTHORITY = "column"
"""Type of the ``authoritativeDefinitions`` entry that points to a shared column."""


class SharedColumn(BaseModel):
    """A column that means the same wherever it stands; the field names are ODCS's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    logicalType: str  # noqa: N815
    physicalType: str | None = None  # noqa: N815
    classification: str = "public"
    logicalTypeOptions: dict[str, Any] = Field(default_factory=dict)  # noqa: N815
    civiclake: ColumnExtension = ColumnExtension()

    def fields(self) -> dict[str, Any]:
        """What a pointing column must agree with, by place inside the column."""
        found: dict[str, Any] = {
            "logicalType": self.logicalType,
            "classification": self.classification,
        }
        if self.physicalType is not None:
            found["physicalType"] = self.physicalType
        found |= {f"logicalTypeOptions.{k}": v for k, v in self.logicalTypeOptions.items()}
        return found


@dataclass
class Library:
    """All shared columns (by ``file.yaml#name``) and all code lists (by id)."""

    columns: dict[str, SharedColumn] = field(default_factory=dict)
    codes: dict[str, CodeList] = field(default_factory=dict)
    tables: dict[str, CodeTable] = field(default_factory=dict)
    """What the codes mean, by id of the list."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """Version of each list that stands in a file of its own."""
    broken: set[str] = field(default_factory=set)
    """Known by name, but faulty themselves: not reported again where they are used."""


def read_library(schemas_dir: Path, faults: Faults) -> Library:
    """Read everything that contracts share."""
    library = Library()
    for folder, take in ((COLUMNS, _take_columns), (CODES, _take_codes)):
        for path in sorted((schemas_dir / folder).glob("*.yaml")):
            document = read_yaml(path, f"{schemas_dir.name}/{folder}/{path.name}", faults)
            if document is None:
                library.broken.add(f"{folder}/{path.name}")
                continue
            take(document, library, faults)
    return library


def _take_columns(document: Document, library: Library, faults: Faults) -> None:
    if not isinstance(document.data, dict):
        document.fault(faults, (), "allowed is a mapping of column name to definition")
        return
    for name, value in document.data.items():
        address = f"{COLUMNS}/{document.path.name}#{name}"
        found = extension.parse(SharedColumn, value, (name,), document, faults)
        if found is None:
            library.broken.add(address)
        else:
            library.columns[address] = found


def _take_codes(document: Document, library: Library, faults: Faults) -> None:
    name = document.path.stem
    codes.check_holder(document, faults)
    found = extension.parse(CodeList, document.data, (), document, faults)
    table = None if found is None else codes.complete(document, found, faults)
    if found is None or table is None:
        library.broken.add(name)
        return
    library.codes[name], library.tables[name] = found, table
    if found.table is not None:
        library.fingerprints[name] = codes.fingerprint(document.path.parent / found.table)


def inherit(
    column: dict[str, Any], place: Place, document: Document, library: Library, faults: Faults
) -> tuple[dict[str, Any], str | None]:
    """Complete a column from the shared one it points to; any difference is a fault.

    Returns:
        The column with what it left unsaid filled in, and the shared column's name.
    """
    pointer = _pointer(column, place)
    if pointer is None:
        return column, None
    address, address_place = pointer
    shared = library.columns.get(address)
    name = address.partition("#")[2]
    if shared is None:
        if address not in library.broken and address.partition("#")[0] not in library.broken:
            hint = did_you_mean(address, library.columns)
            allowed = f"; allowed are {choice(sorted(library.columns))}"
            message = f"there is no shared column {address!r}{allowed}{hint}"
            document.fault(faults, address_place, message)
        return column, name
    merged = {"description": shared.description, **column}
    for where, wanted in shared.fields().items():
        _agree(merged, where, wanted, address, place, document, faults)
    return merged, name


def meaning(column: dict[str, Any]) -> str | None:
    """What a column means: ``person.citizen_id`` for ``_columns/person.yaml#citizen_id``."""
    pointer = _pointer(column, ())
    if pointer is None:
        return None
    file, _, name = pointer[0].partition("#")
    return f"{Path(file).stem}.{name}"


def _pointer(column: dict[str, Any], place: Place) -> tuple[str, Place] | None:
    for index, entry in enumerate(column.get("authoritativeDefinitions") or ()):
        if isinstance(entry, dict) and entry.get("type") == AUTHORITY:
            return str(entry.get("url")), (*place, "authoritativeDefinitions", index, "url")
    return None


def _agree(
    column: dict[str, Any],
    where: str,
    wanted: Any,
    address: str,
    place: Place,
    document: Document,
    faults: Faults,
) -> None:
    outer, _, inner = where.partition(".")
    holder = column
    if inner:
        holder = column[outer] = dict(column.get(outer) or {})
    key = inner or outer
    said = holder.setdefault(key, wanted)
    if said != wanted:
        message = f"is {said!r}, but the shared column {address} says {wanted!r}"
        document.fault(faults, (*place, *where.split(".")), message)
        holder[key] = wanted


def agree_extension(
    said: ColumnExtension,
    address_name: str | None,
    shared: ColumnExtension | None,
    place: Place,
    document: Document,
    faults: Faults,
) -> ColumnExtension:
    """The same for the ``civiclake`` entry: what the column means is the shared column's to say.

    A check or an area that the shared column leaves open may be the contract's own.
    """
    if shared is None:
        return said
    filled: dict[str, Any] = {}
    for name in ("protect", "codes"):
        mine, wanted = getattr(said, name), getattr(shared, name)
        if mine is not None and mine != wanted:
            shown = None if wanted is None else str(wanted)
            message = f"is {str(mine)!r}, but the shared column {address_name!r} says {shown!r}"
            document.fault(faults, (*place, name), message)
        filled[name] = wanted
    for name in ("check", "within"):
        mine, wanted = getattr(said, name), getattr(shared, name)
        if mine is not None and wanted is not None and mine != wanted:
            message = (
                f"is {str(mine)!r}, but the shared column {address_name!r} says {str(wanted)!r}"
            )
            document.fault(faults, (*place, name), message)
        filled[name] = mine if wanted is None else wanted
    return said.model_copy(update=filled)
