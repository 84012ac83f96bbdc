"""Makes the deliveries: gzip CSV, vectorised, the same bytes for the same seed and sizes.

A large first delivery is sound: two weeks of taps. A delivery of changes holds corrections drawn
over all taps of those two weeks, the new day's taps, older versions of keys that it brings twice,
and records that break a rule.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.taps.shape import CARD_KINDS, CHANGES, COLUMNS, DIRECTIONS, INITIAL, stops_file

STOPS, LINES, DAYS, FILES = 5_000, 120, 14, 8
UPDATED, TWICE, MALFORMED = 0.10, 0.01, 0.005
"""Shares of a delivery of changes."""
_FIRST_TAP = np.datetime64("2026-01-01T00:00:00", "s")
_NEW_DAY = np.datetime64("2026-01-15T00:00:00", "s")
_FIRST_CHANGE = np.datetime64("2026-02-01T12:00:00", "s")
_DAY, _HOUR = 86_400, 3_600
_CHUNK = 250_000
_SHORT = 10
"""Values of a record that is cut off."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Expected:
    """What a delivery of changes must do to a table of that many rows."""

    records: int
    updated: int
    inserted: int
    superseded: int
    quarantined: int
    rows_after: int


def write_stops(data: Path) -> None:
    """The reference table."""
    path = stops_file(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["stop_code,stop_name", *(f"{_stop(n)},Stop {n}" for n in range(STOPS))]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


def _stop(number: int) -> str:
    return f"S{number:05d}"


def first(rows: int) -> str:
    """The folder of a first delivery of so many records, beside the large one."""
    return f"{INITIAL}-{rows}"


def write_initial(
    data: Path, rows: int, seed: int = 1, tell: Tell = lambda line: None, delivery: str = INITIAL
) -> None:
    """Keys 0 to ``rows``, each once, in several files."""
    edges = np.linspace(0, rows, FILES + 1).astype(int)
    for number, (start, end) in enumerate(pairwise(edges), start=1):
        generator = np.random.default_rng([seed, number])
        with _csv(data, delivery, number) as file:
            for low in range(start, end, _CHUNK):
                keys = np.arange(low, min(low + _CHUNK, end))
                file.write(_bytes(_lines(_sound(generator, keys))))
        tell(f"initial load: file {number} of {FILES}")


def write_changes(
    data: Path, rows: int, existing: int, *, reach: int | None = None, delivery: str = CHANGES,
    seed: int = 2, files: int = 2,
) -> Expected:  # fmt: skip
    """A delivery of so many records for a table that holds keys 0 to ``existing``.

    Corrections reach keys 0 to ``reach``, the newest two weeks; by default, all keys.
    """
    bad, twice, updated = (round(rows * share) for share in (MALFORMED, TWICE, UPDATED))
    reach = existing if reach is None else reach
    updated = min(updated, reach)
    inserted = rows - bad - twice - updated
    chosen = random.Random(seed).sample(range(reach), updated)
    keys = np.concatenate([np.array(chosen, dtype=np.int64), existing + np.arange(inserted)])
    generator = np.random.default_rng([seed, existing])
    newest = _changed(generator, keys)
    newest["tapped_at"][updated:] = _NEW_DAY + generator.integers(0, _DAY, inserted)
    again = generator.choice(len(keys), twice, replace=False)
    older = _changed(generator, keys[again])
    older["updated_at"] = newest["updated_at"][again] - _HOUR
    broken = _changed(generator, existing + inserted + np.arange(bad))
    lines = [_lines(newest), _lines(older), _broken_lines(broken)]
    mixed = pa.concat_arrays(lines).take(pa.array(generator.permutation(rows)))
    edges = np.linspace(0, rows, files + 1).astype(int)
    for number, (start, end) in enumerate(pairwise(edges), start=1):
        with _csv(data, delivery, number) as file:
            file.write(_bytes(mixed[start:end]))
    found = Expected(rows, updated, inserted, twice, bad, existing + inserted)
    (data / delivery / "expected.json").write_text(json.dumps(asdict(found)) + "\n")
    return found


def expected(data: Path, delivery: str) -> Expected:
    """What :func:`write_changes` said of a delivery."""
    return Expected(**json.loads((data / delivery / "expected.json").read_text()))


def _sound(generator: np.random.Generator, keys: Any) -> dict[str, Any]:
    """Values of taps that keep every rule, as NumPy arrays."""
    size = len(keys)

    def below(limit: int) -> Any:
        return generator.integers(0, limit, size)

    tapped = _FIRST_TAP + below(DAYS * _DAY)
    line = below(LINES)
    return {
        "tap_id": keys,
        "updated_at": tapped + 60 + below(_HOUR),
        "tapped_at": tapped,
        "stop_code": below(STOPS),
        "line": line,
        "direction": below(len(DIRECTIONS)),
        "card_kind": below(len(CARD_KINDS)),
        "fare": below(20_001),
        "discount_percent": below(101),
        "distance_km": below(40_000),
        "zone": below(9),
        "vehicle": below(100_000),
        "operator": line % 7,
        "journey_id": below(size * 5 + 1),
        "device": below(30_000),
    }


def _changed(generator: np.random.Generator, keys: Any) -> dict[str, Any]:
    """The same, changed later than any tap of the first delivery, and than an older version."""
    made = _sound(generator, keys)
    made["updated_at"] = _FIRST_CHANGE + generator.integers(0, _DAY // 4, len(keys))
    return made


def _texts(made: dict[str, Any]) -> dict[str, pa.Array]:
    """The values as the file spells them."""
    moments = ("updated_at", "tapped_at")
    texts = {name: pa.array(values).cast(pa.string()) for name, values in made.items()}
    for name in moments:
        texts[name] = pa.array(np.strings.add(np.datetime_as_string(made[name], unit="s"), "Z"))
    for name, prefix, width in (
        ("tap_id", "T", 11),
        ("stop_code", "S", 5),
        ("line", "L", 3),
        ("vehicle", "V", 5),
        ("operator", "company ", 1),
        ("zone", "Z", 1),
        ("device", "R-", 6),
        ("journey_id", "J", 10),
    ):
        padded = pc.utf8_lpad(texts[name], width, "0")
        texts[name] = pc.binary_join_element_wise(prefix, padded, "")
    texts["direction"] = pa.array(DIRECTIONS).take(pa.array(made["direction"]))
    texts["card_kind"] = pa.array(CARD_KINDS).take(pa.array(made["card_kind"]))
    texts["fare"] = _point(made["fare"], 2)
    texts["distance_km"] = _point(made["distance_km"], 3)
    single = pa.array(made["journey_id"] % 5 == 0)
    texts["journey_id"] = pc.if_else(single, "", texts["journey_id"])
    return texts


def _point(values: Any, digits: int) -> pa.Array:
    whole, rest = np.divmod(values, 10**digits)
    after = pc.utf8_lpad(pa.array(rest).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), after, ".")


def _lines(made: dict[str, Any]) -> pa.Array:
    return _joined(_texts(made), COLUMNS)


def _joined(texts: dict[str, pa.Array], names: Sequence[str]) -> pa.Array:
    line = pc.binary_join_element_wise(*[texts[name] for name in names], ",")
    return pc.binary_join_element_wise(line, "\n", "")


FAULTS: Sequence[tuple[str, str]] = (
    ("fare", "free"),
    ("stop_code", "S99999"),
    ("discount_percent", "140"),
    ("direction", "sideways"),
    ("tapped_at", "2027-01-01T00:00:00Z"),
    ("vehicle", "X1"),
)
"""What a broken record says where; one record of seven is cut off instead."""


def _broken_lines(made: dict[str, Any]) -> pa.Array:
    """Records that each break one rule, all kinds of faults in turn."""
    texts = _texts(made)
    size = len(texts["tap_id"])
    kinds = np.arange(size) % (len(FAULTS) + 1)
    for kind, (name, fault) in enumerate(FAULTS):
        texts[name] = pc.if_else(pa.array(kinds == kind), fault, texts[name])
    cut = pa.array(kinds == len(FAULTS))
    return pc.if_else(cut, _joined(texts, COLUMNS[:_SHORT]), _joined(texts, COLUMNS))


def _bytes(lines: pa.Array) -> bytes:
    """The text of lines that end in a line feed each."""
    whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    text: bytes = pc.binary_join(whole, "")[0].as_buffer().to_pybytes()
    return text


def _csv(data: Path, delivery: str, number: int) -> gzip.GzipFile:
    folder = data / delivery / "taps"
    folder.mkdir(parents=True, exist_ok=True)
    # No time of writing in the head, or the same seed would not give the same bytes.
    file = gzip.GzipFile(folder / f"{number:02d}.csv.gz", "wb", compresslevel=4, mtime=0)
    file.write((",".join(COLUMNS) + "\n").encode())
    return file
