"""How well linkage recognised the residents, against who each record is truly about."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import comb
from pathlib import Path


@dataclass(frozen=True)
class Score:
    """Pairs of records that are about one resident, found and true."""

    records: int
    precision: float
    """Of the pairs that were linked, the share that is about one resident."""
    recall: float
    """Of the pairs that are about one resident, the share that was linked."""


def score(links: Iterable[tuple[str, str, str]], who_path: Path) -> Score:
    """Hold links against the truth.

    Args:
        links: entity, dataset and record key of every link that is valid.
        who_path: the sample city's file of dataset, key and resident.

    Raises:
        KeyError: a record is linked that is about nobody.
    """
    with gzip.open(who_path, "rt", encoding="utf-8", newline="") as file:
        who = {(row["dataset"], row["key"]): row["resident"] for row in csv.DictReader(file)}
    both = Counter((entity, who[dataset, key]) for entity, dataset, key in links)
    right = _pairs(both.values())
    linked = _pairs(_sums((entity, n) for (entity, _), n in both.items()))
    true = _pairs(_sums((resident, n) for (_, resident), n in both.items()))
    return Score(
        records=sum(both.values()),
        precision=right / linked if linked else 1.0,
        recall=right / true if true else 1.0,
    )


def _pairs(sizes: Iterable[int]) -> int:
    return sum(comb(size, 2) for size in sizes)


def _sums(counted: Iterable[tuple[Hashable, int]]) -> Iterable[int]:
    sums: Counter[Hashable] = Counter()
    for key, n in counted:
        sums[key] += n
    return sums.values()
