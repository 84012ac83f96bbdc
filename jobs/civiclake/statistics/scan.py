"""Kulldorff's scan: which places together, and since when, have more cases than they should.

Sources: M. Kulldorff, "A spatial scan statistic", Communications in Statistics: Theory and Methods
26 (1997), pp. 1481-1496 (Poisson; circles); M. Kulldorff, "Prospective time periodic geographical
disease surveillance using a scan statistic", Journal of the Royal Statistical Society A 164 (2001),
pp. 61-72 (cylinders that reach to the last period). P-values are Monte Carlo's (M. Dwass, 1957):
the rank of what was seen among what chance alone gives, with a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.coordinates import distances_m
from civiclake.statistics.measured import Floats, Integers

_AT_ONCE = 32
"""Replications that are worked on together: memory."""


@dataclass(frozen=True)
class Cluster:
    """A circle of places, from a period on."""

    places: tuple[int, ...]
    """By number; the first is the centre."""
    first_period: int
    radius_m: float
    """From the centre to the farthest of the places."""
    seen: float
    expected: float
    log_likelihood_ratio: float
    relative_risk: float
    """Inside over outside; infinite where all cases are inside."""
    p_value: float


@dataclass(frozen=True)
class Scanned:
    """What a scan found: the most likely cluster first, then those that share no place with it."""

    clusters: Sequence[Cluster]
    gap: str | None = None
    """Why there is nothing to find."""


def log_likelihood_ratio(seen: Floats, expected: Floats, total: float) -> Floats:
    """Of a zone with more cases than expected against none; 0 where there are not more.

    Args:
        seen: cases inside.
        expected: the same, if every place had its share of all.
        total: all cases.
    """
    inside = np.maximum(seen, 1e-300)
    outside = np.maximum(total - seen, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = seen * np.log(inside / expected) + (total - seen) * np.log(
            outside / (total - expected)
        )
    return np.where((seen > expected) & (expected > 0) & np.isfinite(found), found, 0.0)


def scan(
    cases: Floats,
    population: Floats,
    latitudes: Floats,
    longitudes: Floats,
    *,
    most_share: float = 0.5,
    most_periods: int | None = None,
    replications: int = 999,
    enough_above: int | None = None,
    seed: int = 0,
) -> Scanned:
    """Find clusters in space (one period) or in space and time (up to the last period).

    Args:
        cases: by place, or by place and period (the oldest first); at least 0.
        population: of each place, or of each and period; above 0 where there are cases.
        latitudes: of the places, degrees.
        longitudes: the same.
        most_share: the largest share of the population that a circle may hold.
        most_periods: the longest time that a cluster may last; half of the periods if None.
        replications: of Monte Carlo; the p-value is no smaller than 1 / (replications + 1).
        enough_above: replications that reach what was seen, after which no more are made (J. Besag
            and P. Clifford, 1991): what is no cluster is told so sooner.
        seed: of the chance.

    Raises:
        UserError: shapes do not fit, a number is negative, cases stand where nobody lives, or a
            share or number of replications cannot be meant.
    """
    seen = cases[:, None] if cases.ndim == 1 else cases
    people = np.broadcast_to(
        population[:, None] if population.ndim == 1 else population, seen.shape
    ).astype(float)
    _hold(seen, people, latitudes, longitudes, most_share, replications)
    total = float(seen.sum())
    if not total:
        return Scanned([], "no case at all")
    expected = people * (total / people.sum())
    periods = seen.shape[1]
    windows = min(most_periods or max(1, periods // 2), periods) if periods > 1 else 1
    order, inside = _circles(latitudes, longitudes, people[:, -1], most_share)
    zones = _Zones(order, inside, windows)
    share = zones.sums(expected[None])[0]
    ratios = log_likelihood_ratio(zones.sums(seen[None])[0], share, total)
    ratios[~np.broadcast_to(zones.inside[..., None], ratios.shape)] = 0
    enough = (float(ratios.max()), enough_above or replications)
    highest = _by_chance(zones, expected, share, total, replications, seed, enough)
    return Scanned(_told(zones, seen, expected, ratios, highest, latitudes, longitudes, total))


@dataclass(frozen=True)
class _Zones:
    """All cylinders: by centre, how many of its nearest places, and how many last periods."""

    order: Integers
    inside: np.ndarray
    windows: int

    def sums(self, values: Floats) -> Floats:
        """Of many tables by place and period: table, centre, size and window."""
        recent = values[:, :, ::-1][:, :, : self.windows].cumsum(axis=2)
        return np.asarray(recent[:, self.order].cumsum(axis=2))


def _hold(
    seen: Floats,
    people: Floats,
    latitudes: Floats,
    longitudes: Floats,
    most_share: float,
    replications: int,
) -> None:
    if seen.shape != people.shape or not len(seen) == len(latitudes) == len(longitudes):
        raise UserError(
            f"cases {seen.shape}, population {people.shape}, {len(latitudes)} latitudes,"
            f" {len(longitudes)} longitudes: one row a place is wanted of each"
        )
    for name, values in (("cases", seen), ("population", people)):
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise UserError(f"{name}: finite numbers of at least 0 are wanted")
    if ((people == 0) & (seen > 0)).any():
        place = int(np.argwhere((people == 0) & (seen > 0))[0, 0])
        raise UserError(f"place {place} has cases, and nobody lives there; take it out or tell who")
    if not 0 < most_share <= 1 or replications < 1:
        raise UserError(
            f"most_share {most_share}, replications {replications}: above 0 up to 1, and at least"
            " 1 are allowed"
        )


def _circles(
    latitudes: Floats, longitudes: Floats, people: Floats, most_share: float
) -> tuple[Integers, np.ndarray]:
    """Places in order of their distance from each place, and how far a circle may reach.

    Places at the same distance come in together: a circle holds both or neither.
    """
    size = len(latitudes)
    apart = np.zeros((size, size))
    for centre in range(size):
        apart[centre] = distances_m(
            np.full(size, latitudes[centre]),
            np.full(size, longitudes[centre]),
            latitudes,
            longitudes,
        )
    order = np.argsort(apart, axis=1, kind="stable")
    sorted_m = np.take_along_axis(apart, order, axis=1)
    share = people[order].cumsum(axis=1) / people.sum()
    ends = np.ones_like(share, dtype=bool)
    ends[:, :-1] = np.diff(sorted_m, axis=1) > 1e-6
    inside = ends & (share <= most_share)
    # What no circle reaches need not be added up, which is half of the work.
    reach = int(np.flatnonzero(inside.any(axis=0)).max(initial=0)) + 1
    return order[:, :reach], inside[:, :reach]


def _by_chance(
    zones: _Zones,
    expected: Floats,
    share: Floats,
    total: float,
    replications: int,
    seed: int,
    enough: tuple[float, int],
) -> Floats:
    """The highest ratio of each replication, in which the cases fall as they are expected."""
    chance = np.random.default_rng(seed)
    odds = (expected / expected.sum()).ravel()
    highest = np.empty(0)
    outside = ~zones.inside[None, :, :, None]
    seen_ratio, most_above = enough
    while len(highest) < replications and (highest >= seen_ratio).sum() < most_above:
        count = min(_AT_ONCE, replications - len(highest))
        made = chance.multinomial(round(total), odds, size=count).astype(float)
        seen = zones.sums(made.reshape(count, *expected.shape))
        ratios = log_likelihood_ratio(seen, share[None], total)
        ratios[np.broadcast_to(outside, ratios.shape)] = 0
        highest = np.append(highest, ratios.reshape(count, -1).max(axis=1))
    return highest


def _told(
    zones: _Zones,
    seen: Floats,
    expected: Floats,
    ratios: Floats,
    highest: Floats,
    latitudes: Floats,
    longitudes: Floats,
    total: float,
) -> list[Cluster]:
    found: list[Cluster] = []
    taken: set[int] = set()
    for flat in np.argsort(-ratios, axis=None, kind="stable"):
        centre, size, window = np.unravel_index(flat, ratios.shape)
        if ratios[centre, size, window] <= 0:
            break
        places = tuple(int(place) for place in zones.order[centre, : size + 1])
        if taken & set(places):
            continue
        taken |= set(places)
        first = seen.shape[1] - 1 - int(window)
        here = float(seen[list(places), first:].sum())
        wanted = float(expected[list(places), first:].sum())
        away = float(
            distances_m(
                latitudes[[places[0]]],
                longitudes[[places[0]]],
                latitudes[[places[-1]]],
                longitudes[[places[-1]]],
            )[0]
        )
        ratio = float(ratios[centre, size, window])
        p = (1 + float((highest >= ratio * (1 - 1e-12)).sum())) / (len(highest) + 1)
        rest = (total - here) / (total - wanted) if total > here else 0.0
        risk = (here / wanted) / rest if rest else float("inf")
        found.append(Cluster(places, first, away, here, wanted, ratio, risk, p))
    return found
