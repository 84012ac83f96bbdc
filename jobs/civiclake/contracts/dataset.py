"""Compile one contract into a :class:`~civiclake.contracts.model.Dataset`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from civiclake.contracts.model import Dataset
from civiclake.contracts.read import odcs
from civiclake.contracts.read.columns import Compiled
from civiclake.contracts.read.contract import Reader
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.extension import DatasetExtension
from civiclake.contracts.read.faults import Faults
from civiclake.contracts.read.library import Library
from civiclake.contracts.read.loading_checks import check_loading
from civiclake.contracts.read.server import read_source
from civiclake.contracts.rules import loading, structural

_DAY = 86400
"""Seconds in which a delivery comes where the contract promises nothing else."""


@dataclass
class Draft:
    """A contract as far as it could be read."""

    id: str
    """What the file's place says; other contracts refer to it even when it is faulty."""
    document: Document
    compiled: Compiled
    dataset: Dataset | None


def compile_contract(document: Document, shared: Library, faults: Faults) -> Draft:
    """Read one contract; every fault is noted, and the draft holds what could be read."""
    path = PurePosixPath(document.shown)
    department, name = path.parent.name, path.stem
    dataset_id = f"{department}.{name}"
    before = len(faults)
    data = odcs.validate(document, faults)
    reader = Reader(document, faults, data)
    reader.check_identity((department, name), {"id": dataset_id, "domain": department})
    table, place = reader.table(name)
    own = reader.extension(DatasetExtension, "{load: ...}")
    absent = own.absent if own else ()
    compiled = reader.columns(table, (*place, "properties"), dataset_id, shared, absent)
    found = structural.contract_rules(compiled, table.get("quality"), place, document, faults)
    owner = reader.owner()
    latency = reader.seconds("latency", "ly")
    source = read_source(data, table, name, own, document, faults)
    if own is not None:
        found = loading.follow(found, own, compiled.columns)
        check_loading(own, compiled, place, reader.own_place(), reader.fault)
    if own is None or source is None or owner is None or len(faults) > before:
        return Draft(dataset_id, document, compiled, None)
    dataset = Dataset(
        id=dataset_id,
        department=department,
        name=name,
        version=str(data["version"]),
        description=table.get("description") or (data.get("description") or {}).get("purpose", ""),
        path=f"{department}/{path.name}",
        owner=owner,
        source=source,
        columns=compiled.columns,
        load=own.load,
        history=own.history,
        sequence=own.sequence,
        occurrence=own.occurrence,
        operation=own.operation,
        operations=own.known_operations,
        event_time=own.event_time,
        overlap_seconds=own.overlap_seconds,
        drift=own.drift,
        limits=own.limits,
        rules=found,
        latency_seconds=_DAY if latency is None else latency,
        schedule=own.schedule,
    )
    return Draft(dataset_id, document, compiled, dataset)
