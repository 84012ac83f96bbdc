"""From verified identifiers and scored pairs to clusters, each of which is one person.

Pairs are taken from the surest to the least sure, and a pair that would bring two verified
identifiers together is refused. So a record without an identifier goes to the likelier of
two twins, and never makes one person of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from civiclake.linkage.profiles import PROFILE
from civiclake.linkage.scoring import Edge
from civiclake.linkage.subject import VERIFIED, Subject

Names = tuple[str | None, ...]
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


class Forest:
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


def cluster(subject: Subject, profiles: pa.Table, edges: Iterable[Edge]) -> dict[str, Membership]:
    """Sort profiles into clusters.

    The result depends on the profiles and pairs alone, not on their order or history.

    Args:
        subject: what is linked.
        profiles: derived values of all profiles, from :func:`civiclake.linkage.profiles.derive`.
        edges: scored pairs that are sure enough to be taken.
    """
    anchors = _anchors(subject, profiles)
    forest = Forest(anchors)
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
    profile: str, anchor: str | None, forest: Forest, best: Mapping[str, float]
) -> Membership:
    if anchor is not None:
        return Membership(forest.root(profile), EXACT, 1.0)
    if profile in best:
        return Membership(forest.root(profile), PROBABILISTIC, best[profile])
    return Membership(forest.root(profile), SINGLE, 1.0)


def _anchors(subject: Subject, profiles: pa.Table) -> dict[str, str | None]:
    """What holds a profile fast: its verified identifier.

    A profile whose every name differs from those that most others of its identifier have
    goes by a borrowed one; it is held fast apart from them.
    """
    ids, verified = (profiles[name].to_pylist() for name in (PROFILE, VERIFIED))
    named = list(zip(*(profiles[name].to_pylist() for name in subject.names), strict=True))
    named = named or [()] * len(ids)
    found: dict[str, Counter[Names]] = defaultdict(Counter)
    for identifier, names in zip(verified, named, strict=True):
        if identifier is not None:
            found[identifier][names] += 1
    usual = {identifier: _most_frequent(names) for identifier, names in found.items()}
    anchors: dict[str, str | None] = {}
    for profile, identifier, names in zip(ids, verified, named, strict=True):
        borrowed = identifier is not None and _all_differ(names, usual[identifier])
        parts = (identifier, *(name or "" for name in names))
        anchors[profile] = "\x1f".join(parts) if borrowed else identifier
    return anchors


def _most_frequent(names: Counter[Names]) -> Names:
    return min(names, key=lambda n: (-names[n], [part or "" for part in n]))


def _all_differ(mine: Names, usual: Names) -> bool:
    both = [(a, b) for a, b in zip(mine, usual, strict=True) if a is not None and b is not None]
    return bool(both) and len(both) == len(usual) and all(a != b for a, b in both)


def keep_ids(clusters: Mapping[str, str], former: Mapping[str, str]) -> dict[str, str]:
    """The id that a cluster had before, for clusters that go on.

    Every id goes on with the cluster that holds most of its former profiles, and a cluster
    that several came together in keeps that of most profiles; ties go to the smaller name.

    Args:
        clusters: profile to cluster, now.
        former: profile to id, before.

    Returns:
        Cluster to id; a cluster that is missing here is new.
    """
    shares = Counter((c, former[p]) for p, c in clusters.items() if p in former)
    kept: dict[str, str] = {}
    taken: set[str] = set()
    for (cluster_id, entity), _ in sorted(shares.items(), key=lambda i: (-i[1], i[0])):
        if cluster_id not in kept and entity not in taken:
            kept[cluster_id] = entity
            taken.add(entity)
    return kept
