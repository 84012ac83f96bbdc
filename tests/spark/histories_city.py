"""Random nights of one small dataset, and what its tables must hold, worked out in pandas.

Nothing here knows how CivicLake decides: from all that was delivered so far, in whatever order
it came, the tables are worked out anew.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, History, Load

START = datetime(2016, 1, 1, 2, tzinfo=UTC)
SEEDS = ("a", "b", "c")
KEYS = 12
OPERATIONS = {"I": "insert", "U": "update", "D": "delete"}
ALL_MAY_GO = {"max_deleted_fraction": 1, "max_set_aside_fraction": 1}


@dataclass
class Row:
    """One delivered record; ``value`` None means that the change log deletes the key."""

    key: str
    value: str | None
    at: datetime
    broken: bool = False


@dataclass
class Night:
    """What arrives in one night, with its own time for a snapshot."""

    rows: list[Row]
    taken_at: datetime | None = None
    is_log: bool = False


def trees(root: Path, load: Load, history: History, **own: Any) -> Dataset:
    """A contract of that load and history, compiled: a key, a text and a number.

    With ``is_keyed`` false, it is a list without an id.
    """
    is_keyed = own.pop("is_keyed", True)
    columns: list[dict[str, Any]] = [
        {"name": "tree_id", "logicalType": "string", "primaryKey": is_keyed, "required": True},
        {"name": "species", "logicalType": "string"},
        {"name": "rings", "logicalType": "integer"},
        *own.pop("columns", ()),
    ]
    if load is Load.CHANGES:
        columns += [
            {"name": "updated_at", "logicalType": "timestamp", "required": True},
            {"name": "op", "logicalType": "string", "required": True},
        ]
        own = {"sequence": "updated_at", "operation": "op", "operations": OPERATIONS, **own}
    contract = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "parks.trees",
        "version": own.pop("version", "1.0.0"),
        "status": "active",
        "domain": "parks",
        "servers": [{"server": "source", "type": "local", "path": "drops/*.csv", "format": "csv"}],
        "schema": [{"name": "trees", "properties": columns}],
        "team": {"name": "Parks", "members": [{"username": "ann@parks.example", "role": "owner"}]},
        "customProperties": [
            {
                "property": "civiclake",
                "value": {"load": load.value, "history": history.value, **own},
            }
        ],
    }
    path = root / "schemas" / "parks" / "trees.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(contract))
    return load_city(root / "schemas", root / "expectations", root / "marts").dataset("parks.trees")


def log_nights(count: int) -> Iterator[Night]:
    """A change log: late rows, deletions, rows that come twice, and rows that contradict."""
    worlds = [_Log(random.Random(seed), seed) for seed in SEEDS]
    for number in range(count):
        yield Night([row for world in worlds for row in world.night(number)], is_log=True)


@dataclass
class _Log:
    chance: random.Random
    name: str
    pending: dict[int, list[Row]] = field(default_factory=dict)
    sent: list[Row] = field(default_factory=list)

    def night(self, number: int) -> list[Row]:
        day = START + timedelta(days=number)
        for key in range(KEYS):
            for hour in sorted(self.chance.sample(range(24), self.chance.choice((0, 0, 0, 1, 2)))):
                gone = self.chance.random() < 0.25
                value = None if gone else f"v{self.chance.randrange(4)}"
                row = Row(f"{self.name}{key}", value, day + timedelta(hours=hour))
                late = self.chance.choice((0, 0, 0, 1, 2, 5))
                self.pending.setdefault(number + late, []).append(row)
        found = self.pending.pop(number, [])
        again = self.chance.sample(self.sent, min(4, len(self.sent)))
        fresh = {(row.key, row.at) for row in found}
        again = [row for row in again if (row.key, row.at) not in fresh]
        against = [Row(r.key, "contrary", r.at) for r in again[:1]]
        self.sent += found
        # What comes again, and what contradicts it, never meet in one night.
        return [*found, *again[1:], *against]


def snapshot_nights(count: int) -> Iterator[Night]:
    """Full states: late ones, two of one night, and rows that are set aside."""
    chance = random.Random("snapshots")
    state: dict[str, str] = {}
    waiting: list[tuple[int, Night]] = []
    for number in range(count):
        for key in (f"{seed}{n}" for seed in SEEDS for n in range(KEYS)):
            draw = chance.random()
            if draw < 0.12:
                state.pop(key, None)
            elif draw < 0.4:
                state[key] = f"v{chance.randrange(4)}"
        taken = START + timedelta(days=number // 3 * 2, hours=6 * (number % 3))
        rows = [Row(k, v, taken, chance.random() < 0.04) for k, v in sorted(state.items())]
        night = Night(rows, taken)
        due = number + chance.choice((0, 0, 0, 0, 2, 4))
        waiting.append((due, night))
        if chance.random() < 0.2:
            waiting.append((due + chance.choice((1, 3)), night))
    for _, night in sorted(waiting, key=lambda pair: pair[0])[:count]:
        yield night


def file_nights(count: int) -> Iterator[Night]:
    """Files of parts, without a sequence of their own: the time of delivery orders them."""
    chance = random.Random("files")
    state: dict[str, str] = {}
    waiting: list[tuple[int, Night]] = []
    for number in range(count):
        taken = START + timedelta(days=number)
        keys = [f"{seed}{n}" for seed in SEEDS for n in range(KEYS)]
        rows = []
        for key in chance.sample(keys, 16):
            # Most come again as they were: a confirmation, not a change.
            if key not in state or chance.random() < 0.35:
                state[key] = f"v{chance.randrange(3)}"
            rows.append(Row(key, state[key], taken))
        waiting.append((number + chance.choice((0, 0, 0, 1, 3, 6)), Night(rows)))
    for due in range(count + 7):
        rows = [row for night in waiting if night[0] == due for row in night[1].rows]
        if rows:
            yield Night(rows)


class Known:
    """All that was delivered so far, and the versions that follow from it."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, datetime], str | None] = {}
        self._snapshots: set[datetime] = set()

    def take(self, night: Night) -> None:
        """Add what a night brings: at one moment, what was told first stands."""
        if night.taken_at is not None:
            self._take_snapshot(night.rows, night.taken_at)
            return
        for row in night.rows:
            if not row.broken:
                # A log's own time is a column of the row: rows of two times are never the same.
                value = row.value and f"{row.value}@{row.at}" if night.is_log else row.value
                self.events.setdefault((row.key, row.at), value)

    def _take_snapshot(self, rows: list[Row], taken_at: datetime) -> None:
        newer = [moment for moment in self._snapshots if moment > taken_at]
        keys = {key for key, _ in self.events} | {row.key for row in rows}
        if newer:
            # The next snapshot knew better, whatever this one says: what was served then stays.
            for key in keys:
                self.events.setdefault((key, min(newer)), self.value(key, min(newer)))
        self._snapshots.add(taken_at)
        good = {row.key: row.value for row in rows if not row.broken}
        aside = {row.key for row in rows if row.broken}
        for key in keys - aside:
            self.events.setdefault((key, taken_at), good.get(key))

    def value(self, key: str, at: datetime) -> str | None:
        """What a key held at a moment."""
        past = [(t, v) for (k, t), v in self.events.items() if k == key and t <= at]
        return max(past, key=lambda pair: pair[0])[1] if past else None

    def versions(self) -> pd.DataFrame:
        """Every version with its valid time: columns key, value, valid_from, valid_to."""
        rows = [(key, at, value) for (key, at), value in self.events.items()]
        return versions(pd.DataFrame(rows, columns=["key", "valid_from", "value"]))


def versions(events: pd.DataFrame) -> pd.DataFrame:
    """Turn events into versions: what repeats is no event, and each ends where the next begins."""
    ordered = events.sort_values(["key", "valid_from"], ignore_index=True)
    told = ordered["value"].fillna("\0")
    first = ordered["key"] != ordered["key"].shift()
    repeats = (told == told.shift()) & ~first
    kept = ordered[~repeats].copy()
    kept["valid_to"] = kept.groupby("key")["valid_from"].shift(-1)
    return kept[kept["value"].notna()].reset_index(drop=True)
