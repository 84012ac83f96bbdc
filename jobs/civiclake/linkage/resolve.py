"""One night's resolution: what is new is scored, all is clustered, ids go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from civiclake.linkage.clusters import Membership, cluster, keep_ids
from civiclake.linkage.profiles import PROFILE
from civiclake.linkage.scoring import Edge, score
from civiclake.linkage.subject import VERIFIED, Subject

Attributes = dict[str, str | None]


@dataclass(frozen=True)
class Former:
    """What the last run left behind."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """Profile to the id of whom it belonged to."""
    edges: tuple[Edge, ...] = ()
    """Pairs that the same model scored; empty if another one did."""
    scored: frozenset[str] = frozenset()
    """Profiles that the same model has scored against each other."""


@dataclass(frozen=True)
class Resolution:
    """Who every profile belongs to now."""

    members: Mapping[str, Membership]
    kept: Mapping[str, str]
    """Cluster to id, for clusters that have one already."""
    edges: tuple[Edge, ...]
    attributes: Mapping[str, Attributes]
    verified: frozenset[str]
    """Profiles with a verified identifier."""
    scored: int
    """How many profiles were new to the model."""


def resolve(
    subject: Subject, derived: pa.Table, model: str, former: Former, threshold: float
) -> Resolution:
    """Find out who is who; only profiles that the model has not seen are scored.

    Pairs of profiles that both were there before are kept as they were scored, so the
    outcome is that of scoring all anew.

    Args:
        subject: what is linked.
        derived: from :func:`civiclake.linkage.profiles.derive`, all profiles of tonight.
        model: from :func:`civiclake.linkage.scoring.train`.
        former: what the last run left.
        threshold: the least probability at which two are one.
    """
    ids = derived[PROFILE].to_pylist()
    known = pc.is_in(derived[PROFILE], pa.array(sorted(former.scored), pa.string()))
    fresh = derived.filter(pc.invert(known))
    here = set(ids)
    edges = {(a, b): p for a, b, p in former.edges if a in here and b in here}
    for left, right, probability in score(model, derived.filter(known), fresh, threshold):
        edges[left, right] = probability
    kept_edges = tuple((a, b, p) for (a, b), p in sorted(edges.items()))
    members = cluster(subject, derived, kept_edges)
    return Resolution(
        members=members,
        kept=keep_ids({p: m.cluster for p, m in members.items()}, former.ids),
        edges=kept_edges,
        attributes=_attributes(subject, derived),
        verified=frozenset(_where_set(ids, derived[VERIFIED].to_pylist())),
        scored=fresh.num_rows,
    )


def _attributes(subject: Subject, derived: pa.Table) -> dict[str, Attributes]:
    return {
        row[PROFILE]: subject.attributes(row)
        for batch in derived.to_batches(max_chunksize=10_000)
        for row in batch.to_pylist()
    }


def _where_set(ids: Iterable[str], values: Iterable[str | None]) -> Iterable[str]:
    return (i for i, value in zip(ids, values, strict=True) if value is not None)
