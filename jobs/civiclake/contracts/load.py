"""Load a city's contracts: read, check, compile; all or nothing, or all that is sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from civiclake.contracts import sound
from civiclake.contracts.check import examine
from civiclake.contracts.city import City
from civiclake.contracts.inputs import readable
from civiclake.contracts.model import Dataset, Manifest, Page
from civiclake.contracts.read.identity import links
from civiclake.errors import ContractError


def load_city(schemas_dir: Path, expectations_dir: Path, marts_dir: Path | None = None) -> Manifest:
    """Compile all contracts of a city.

    Args:
        schemas_dir: contracts by department, with ``_columns/`` and ``_codes/``.
        expectations_dir: suites by department; a dataset may have none.
        marts_dir: folders of marts by application; ``marts`` beside the contracts, if not said.

    Raises:
        ContractError: with every fault of every file.
    """
    city = examine(schemas_dir, expectations_dir, marts_dir)
    if city.faults.problems:
        raise ContractError(city.faults.problems)
    return _manifest(city, {}, None)


def load_sound(
    schemas_dir: Path, expectations_dir: Path, marts_dir: Path, former: Manifest | None
) -> Manifest:
    """Compile what is sound of a city; the rest stays as it was last.

    Args:
        schemas_dir: contracts by department, with ``_columns/`` and ``_codes/``.
        expectations_dir: suites by department; a dataset may have none.
        marts_dir: folders of marts by application.
        former: what was compiled before, if anything was.

    Returns:
        The manifest, with every fault by the dataset or the file that it stops.

    Raises:
        ContractError: no contract is sound.
    """
    city = examine(schemas_dir, expectations_dir, marts_dir)
    made = _manifest(city, sound.faults_by_dataset(city), former)
    if not made.datasets:
        raise ContractError(city.faults.problems)
    return made


def _manifest(city: City, faulty: sound.Faulty, former: Manifest | None) -> Manifest:
    compiled = _at_one_hour(sound.datasets(city, faulty, former))
    known = links(compiled)
    marts = sound.marts(city, faulty, former, readable(compiled, (), known))
    told = {name for mart in marts for name in mart.groups}
    datasets = tuple(sorted(_with_feeds(compiled, told), key=lambda d: d.id))
    return Manifest(
        fingerprint=city.fingerprint,
        datasets=datasets,
        marts=tuple(m.model_copy(update={"has_change_feed": m.id in told}) for m in marts),
        links=links(datasets),
        pages=tuple(_pages(city, faulty)),
        faults=dict(faulty),
    )


def _pages(city: City, faulty: sound.Faulty) -> Iterator[Page]:
    """The sound pages, each with the marts that it reads."""
    if not city.pages:
        return
    # The parser takes longer to import than most commands take to begin.
    from civiclake.contracts.read.query import Query

    for draft in city.pages:
        if draft.page is not None and draft.document.shown not in faulty:
            read = dict.fromkeys(n for query in draft.page.queries for n in Query(query).tables)
            yield draft.page.model_copy(update={"marts": tuple(read)})


def _with_feeds(datasets: list[Dataset], told: set[str]) -> list[Dataset]:
    """Only tables by whose changes a mart is refreshed need to tell them."""
    return [d.model_copy(update={"has_change_feed": d.id in told}) for d in datasets]


def _at_one_hour(datasets: list[Dataset]) -> list[Dataset]:
    """A department runs at one hour, whichever of its datasets asks for it."""
    hours = {d.department: d.schedule for d in datasets if d.schedule}
    return [d.model_copy(update={"schedule": hours.get(d.department)}) for d in datasets]
