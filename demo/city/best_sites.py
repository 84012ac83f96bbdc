"""Where more should stand, found by trying every choice: no solver is believed.

Sites come from a short list of crossings, and there are few new ones, so that all choices can be
tried. Who needs it lives at the centre of a cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.city import streets, travel

WITHIN_M = 5_000
"""A cell from which it is further than that to the nearest of a kind is under-served."""
COVERS_M = 3_000
"""How far a new site of a covering reaches."""
NEW = 3
_CANDIDATES_EVERY = 40
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Site:
    """A place where something stands or could."""

    id: str
    latitude: float
    longitude: float

    @property
    def place(self) -> travel.Place:
        """Its position."""
        return self.latitude, self.longitude

    def told(self) -> dict[str, Any]:
        """As it is written."""
        return {"id": self.id, "latitude": self.latitude, "longitude": self.longitude}


@dataclass(frozen=True)
class Asked:
    """A kind of public place, who needs it, and where it is already."""

    seed: int
    kind: str
    people: Mapping[str, int]
    """By cell."""
    existing: Sequence[Site]

    def far_cells(self) -> dict[str, Any]:
        """Cells that are further from the nearest than is meant to be."""
        metres = self._metres([site.place for site in self.existing])
        far = {
            cell: round(away, 1)
            for cell, away in zip(self.people, metres.tolist(), strict=True)
            if away > WITHIN_M
        }
        return {
            "within_m": WITHIN_M,
            "existing": [site.id for site in self.existing],
            "cells": far,
            "people": sum(self.people[cell] for cell in far),
        }

    def plans(self) -> Iterator[dict[str, Any]]:
        """The best places of a few more, by three measures."""
        sites = self._candidates()
        now = self._metres([site.place for site in self.existing])
        costs = np.asarray([self._metres([site.place]) for site in sites])
        people = np.asarray(list(self.people.values()), dtype=np.float64)
        choices = np.asarray(list(combinations(range(len(sites)), NEW)))
        least = np.minimum(costs[choices].min(axis=1), now)
        measures = {
            "p_median": (least @ people, False),
            "maximal_covering": ((least <= COVERS_M) @ people, True),
            "p_center": (least.max(axis=1), False),
        }
        for model, (values, more) in measures.items():
            best = float(values.max() if more else values.min())
            chosen = np.flatnonzero(np.isclose(values, best, rtol=0, atol=1e-6))
            yield {
                "kind": self.kind,
                "model": model,
                "new": NEW,
                "within_m": COVERS_M if more else None,
                "people": dict(self.people),
                "existing": [site.told() for site in self.existing],
                "candidates": [site.told() for site in sites],
                "objective": round(best, 3),
                "best": [[sites[n].id for n in choices[choice]] for choice in chosen[:20]],
            }

    def _candidates(self) -> list[Site]:
        crossings = streets.network(self.seed).crossings[::_CANDIDATES_EVERY]
        return [Site(c.id, c.latitude, c.longitude) for c in crossings]

    def _metres(self, places: Sequence[travel.Place]) -> Floats:
        """From each cell to the nearest of some places."""
        nearest = travel.to_nearest(self.seed, tuple(places))
        starts = [travel.of_cell(self.seed, cell) for cell in self.people]
        return np.asarray([off + nearest[node] for node, off in starts])
