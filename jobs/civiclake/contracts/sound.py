"""Which contracts of a city are sound, and what becomes of those that are not.

One faulty contract stops its own dataset and those that lean on it; a night of all others goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from civiclake.contracts.city import City
from civiclake.contracts.dataset import Draft
from civiclake.contracts.mart import CONTRACT, QUERY, MartDraft
from civiclake.contracts.model import Dataset, Manifest, Mart
from civiclake.contracts.read import extension
from civiclake.contracts.read.library import AUTHORITY, CODES, COLUMNS, Library

Faulty = Mapping[str, tuple[str, ...]]
"""Id of a dataset, or else name of a file, to the sentences about it."""


def faults_by_dataset(city: City) -> dict[str, tuple[str, ...]]:
    """Every fault by what it stops.

    Args:
        city: read and compared (:func:`civiclake.contracts.check.examine`).

    Returns:
        Per dataset id the faults of its contract, of its suite, of what it shares with others and
        of the datasets that it refers to; per name of a file those that stop no dataset.
    """
    files: dict[str, list[str]] = {}
    for problem in city.faults.problems:
        files.setdefault(problem.partition(":")[0], []).append(problem)
    found: dict[str, list[str]] = {}
    for file, problems in files.items():
        found.setdefault(_dataset_of(file, city) or file, []).extend(problems)
    shared = [p for file in files if _is_shared(file, city) for p in files[file]]
    drafts: list[Draft | MartDraft] = [*city.drafts, *city.marts]
    for draft in drafts:
        if shared and _names(draft, city.library) & city.library.broken:
            found.setdefault(draft.id, []).extend(shared)
    _follow_references(city, found)
    return {name: tuple(dict.fromkeys(problems)) for name, problems in found.items()}


def _dataset_of(file: str, city: City) -> str | None:
    """The dataset or mart whose contract, query or suite a file is, also where it can't be read."""
    way = PurePosixPath(file).parts
    if len(way) == 4 and way[0] == city.marts_dir.name and way[3] in (CONTRACT, QUERY):
        return f"marts.{way[2]}"
    roots = {city.schemas_dir.name: ".yaml", city.expectations_dir.name: ".json"}
    if len(way) != 3 or way[1].startswith("_") or not file.endswith(roots.get(way[0], "\0")):
        return None
    return f"{way[1]}.{PurePosixPath(file).stem}"


def _is_shared(file: str, city: City) -> bool:
    root = city.schemas_dir.name
    return file.startswith((f"{root}/{COLUMNS}/", f"{root}/{CODES}/"))


def _names(draft: Draft | MartDraft, library: Library) -> set[str]:
    """The shared columns, their files and the code lists that a contract names."""
    found: set[str] = set()
    for column in draft.compiled.raw.values():
        for entry in column.get("authoritativeDefinitions") or ():
            if isinstance(entry, dict) and entry.get("type") == AUTHORITY:
                address = str(entry.get("url"))
                found |= {address, address.partition("#")[0]}
                shared = library.columns.get(address)
                if shared is not None and shared.civiclake.codes:
                    found.add(shared.civiclake.codes)
        own = extension.find(column.get("customProperties"), ())
        if own is not None and isinstance(own[0], dict):
            found.add(str(own[0].get("codes")))
    return found


def _follow_references(city: City, found: dict[str, list[str]]) -> None:
    """A dataset that refers to a faulty one is stopped by its faults, and so on."""
    waiting = [d.dataset for d in city.drafts if d.dataset is not None and d.id not in found]
    while True:
        stopped = [d for d in waiting if any(r in found for r in d.references)]
        if not stopped:
            return
        for dataset in stopped:
            found[dataset.id] = [p for r in dataset.references for p in found.get(r, ())]
        waiting = [d for d in waiting if d.id not in found]


def datasets(city: City, faulty: Faulty, former: Manifest | None) -> list[Dataset]:
    """The sound contracts, and of the faulty ones the last version that was sound."""
    made = [d.dataset for d in city.drafts if d.dataset is not None and d.id not in faulty]
    last = former.datasets if former else ()
    return [*made, *(d for d in last if d.id in faulty)]


def marts(
    city: City, faulty: Faulty, former: Manifest | None, known: Iterable[str]
) -> tuple[Mart, ...]:
    """The same of marts; one whose inputs are not all there yet waits for them.

    Args:
        city: read and compared.
        faulty: every fault by what it stops.
        former: what was compiled before.
        known: ids of the datasets and links that marts may read.

    Returns:
        The marts, each after those that it reads.
    """
    there = set(known)
    found = [d.mart for d in city.marts if d.mart is not None and d.id not in faulty]
    found += [mart for mart in (former.marts if former else ()) if mart.id in faulty]
    made: list[Mart] = []
    while True:
        ready = [m for m in found if there >= set(m.inputs) and m not in made]
        if not ready:
            return tuple(made)
        made += ready
        there |= {mart.id for mart in ready}
