"""From verified identifiers and scored pairs to clusters, each of which is one person.

Pairs are taken from the surest to the least sure, and a pair that would bring two verified
identifiers together is refused. So a record without an identifier goes to the likelier of
two twins, and never makes one person of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from civiclake.linkage.profiles import PROFILE
from civiclake.linkage.scoring import Edge
from civiclake.linkage.subject import VERIFIED, Subject

EXACT, PROBABILISTIC, SINGLE = "exact", "probabilistic", "single"


@dataclass(frozen=True)
class Membership:
    """Where a profile belongs, and why."""

    cluster: str
    """The smallest profile id of the cluster."""
    method: str
    """``exact`` by a verified identifier, ``probabilistic`` by a score, ``single`` if alone."""
    match_probability: float
    """Of the surest pair that holds the profile in its cluster; 1 where nothing was weighed."""


class _Forest:
    """Disjoint sets of profiles; a set has at most one anchor."""

    def __init__(self, anchors: Mapping[str, str | None]) -> None:
        self._parent = {profile: profile for profile in anchors}
        self._anchor = dict(anchors)

    def root(self, profile: str) -> str:
        """The smallest profile of the set."""
        found = profile
        while self._parent[found] != found:
            found = self._parent[found]
        while self._parent[profile] != found:
            self._parent[profile], profile = found, self._parent[profile]
        return found

    def join(self, left: str, right: str) -> None:
        """Make one set of two, unless both have an anchor and the anchors differ."""
        low, high = sorted((self.root(left), self.root(right)))
        mine, theirs = self._anchor[low], self._anchor[high]
        if low == high or (mine is not None and theirs is not None and mine != theirs):
            return
        self._parent[high] = low
        self._anchor[low] = mine if mine is not None else theirs


def cluster(
    subject: Subject, profiles: Sequence[Mapping[str, Any]], edges: Iterable[Edge]
) -> dict[str, Membership]:
    """Sort profiles into clusters.

    The result depends on the profiles and pairs alone, not on their order or history.

    Args:
        subject: what is linked.
        profiles: derived values of all profiles.
        edges: scored pairs that are sure enough to be taken.
    """
    anchors = _anchors(subject, profiles)
    forest = _Forest(anchors)
    by_anchor: dict[str, list[str]] = defaultdict(list)
    for profile, anchor in anchors.items():
        if anchor is not None:
            by_anchor[anchor].append(profile)
    for members in by_anchor.values():
        for member in members[1:]:
            forest.join(members[0], member)
    surest = sorted(edges, key=lambda e: (-e[2], e[0], e[1]))
    for left, right, _ in surest:
        forest.join(left, right)
    best: dict[str, float] = {}
    for left, right, probability in surest:
        if forest.root(left) == forest.root(right):
            best.setdefault(left, probability)
            best.setdefault(right, probability)
    return {p: _membership(p, a, forest, best) for p, a in anchors.items()}


def _membership(
    profile: str, anchor: str | None, forest: _Forest, best: Mapping[str, float]
) -> Membership:
    if anchor is not None:
        return Membership(forest.root(profile), EXACT, 1.0)
    if profile in best:
        return Membership(forest.root(profile), PROBABILISTIC, best[profile])
    return Membership(forest.root(profile), SINGLE, 1.0)


def _anchors(subject: Subject, profiles: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """What holds a profile fast: its verified identifier.

    A profile whose every name differs from those that most others of its identifier have
    goes by a borrowed one; it is held fast apart from them.
    """
    names: dict[str, Counter[tuple[str | None, ...]]] = defaultdict(Counter)
    for profile in profiles:
        if profile[VERIFIED] is not None:
            names[profile[VERIFIED]][_names(subject, profile)] += 1
    usual = {
        identifier: min(found, key=lambda n: (-found[n], [x or "" for x in n]))
        for identifier, found in names.items()
    }
    anchors: dict[str, str | None] = {}
    for profile in profiles:
        anchor = profile[VERIFIED]
        if anchor is not None:
            mine = _names(subject, profile)
            if _all_differ(mine, usual[anchor]):
                anchor = "\x1f".join((anchor, *(name or "" for name in mine)))
        anchors[profile[PROFILE]] = anchor
    return anchors


def _names(subject: Subject, profile: Mapping[str, Any]) -> tuple[str | None, ...]:
    return tuple(profile[name] for name in subject.names)


def _all_differ(mine: Sequence[str | None], usual: Sequence[str | None]) -> bool:
    both = [(a, b) for a, b in zip(mine, usual, strict=True) if a is not None and b is not None]
    return bool(both) and len(both) == len(usual) and all(a != b for a, b in both)
