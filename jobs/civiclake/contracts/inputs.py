"""What a mart may read: unified tables of datasets and of links, other marts, and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from civiclake.contracts.ledger_columns import LEDGER
from civiclake.contracts.link_columns import entity_columns, link_columns, restricted
from civiclake.contracts.model import Column, Dataset, Link, Mart, Protection

MARTS, LINKS, UNIFIED, OPS = "marts", "links", "unified", "ops"
PLANS = "plans"
"""What `civiclake plan` has answered: no mart of the city's, for no contract makes it."""
OWN_TABLES = {PLANS: "what `civiclake plan` has answered"}
"""Tables beside the marts that CivicLake fills itself, and of what they are."""


@dataclass(frozen=True)
class Readable:
    """A table that marts may name as an input."""

    id: str
    """``health.visits``, ``marts.visits_by_weather`` or ``links.person``."""
    columns: Mapping[str, str]
    """Its columns in order, with their Spark types."""
    restricted: frozenset[str] = frozenset()
    """Those of them that are pseudonyms of what is restricted."""
    dropped: frozenset[str] = frozenset()
    """Restricted columns of its contract that it does not have."""

    @property
    def name(self) -> str:
        """As queries call it."""
        return ".".join(address(self.id))


def address(input_id: str) -> tuple[str, str]:
    """Layer and table of an input, by its id."""
    kind, _, name = input_id.partition(".")
    if kind in (MARTS, OPS):
        return kind, name
    return UNIFIED, name if kind == LINKS else f"{kind}_{name}"


def readable(
    datasets: Iterable[Dataset], marts: Iterable[Mart], links: Iterable[Link]
) -> dict[str, Readable]:
    """All that marts may read, by id."""
    found = [of_dataset(one) for one in datasets]
    found += [of_mart(one.id, one.columns) for one in marts]
    for link in links:
        found += of_link(link)
    found += [Readable(name, columns) for name, columns in LEDGER.items()]
    return {one.id: one for one in found}


def of_dataset(dataset: Dataset) -> Readable:
    """What a dataset serves."""
    kept = dataset.unified_columns
    return Readable(
        id=dataset.id,
        columns={c.name: "string" if c.protection else c.spark_type for c in kept},
        restricted=frozenset(c.name for c in kept if c.protection is Protection.PSEUDONYM),
        dropped=frozenset(c.name for c in dataset.columns if c.protection is Protection.DROP),
    )


def of_mart(mart_id: str, columns: Iterable[Column]) -> Readable:
    """What a mart serves."""
    kept = tuple(columns)
    return Readable(
        id=mart_id,
        columns={c.name: c.spark_type for c in kept},
        restricted=frozenset(c.name for c in kept if c.protection is not None),
    )


def of_link(link: Link) -> list[Readable]:
    """The things that are recognised, and which record belongs to which."""
    tables = {link.name: entity_columns(link.name), f"{link.name}_link": link_columns(link.name)}
    return [
        Readable(
            id=f"{LINKS}.{table}",
            columns=dict(columns),
            restricted=restricted(table) & frozenset(name for name, _ in columns),
        )
        for table, columns in tables.items()
    ]
