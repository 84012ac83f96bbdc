"""A lake of plain Python, written anew from the contracts: what must come of landed files.

It shares no code with the generator's own arithmetic nor with the Spark steps, so that
agreement means something.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from civiclake.contracts.model import (
    Column,
    Dataset,
    History,
    Load,
    Manifest,
    Protection,
    Rule,
    Severity,
)
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.reading.raw_names import stored

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*")
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
Record = dict[str, str | None]
Key = tuple[Any, ...]


@dataclass
class Delivered:
    """One record with what orders it."""

    record: Record
    delivered: datetime


@dataclass
class Table:
    """What the lake serves of a dataset: values and sequence by key."""

    rows: dict[Key, tuple[dict[str, Any], Any]] = field(default_factory=dict)


class Lake:
    """All datasets, loaded night by night.

    Args:
        city: the compiled contracts.
        codes_dir: where the tables of long code lists stand.
    """

    def __init__(self, city: Manifest, codes_dir: Path) -> None:
        self.city = city
        self.tables: defaultdict[str, Table] = defaultdict(Table)
        self._codes_dir = codes_dir
        self._codes: dict[str, dict[str, str | None]] = {}
        self._judged: dict[tuple[str | None, ...], tuple[list[str], dict[str, Any]]] = {}
        self._parents: dict[tuple[str, str], set[Any]] = {}

    def load(self, dataset: Dataset, records: list[Delivered]) -> dict[str, Any]:
        """Load a batch; its account with reasons."""
        self._parents = {
            (c.reference.dataset, c.reference.column): {
                values[c.reference.column]
                for values, _ in self.tables[c.reference.dataset].rows.values()
            }
            for c in dataset.columns
            if c.reference
        }
        count: Counter[str] = Counter(read=len(records))
        reasons: Counter[str] = Counter()
        sound: defaultdict[Key, list[tuple[dict[str, Any], Any]]] = defaultdict(list)
        seen: set[Key] = set()
        for one in records:
            broken, values = self._judge(dataset, one.record)
            reasons.update(broken)
            count["quarantined"] += bool(broken)
            key = tuple(values[name] for name in dataset.key)
            seen.add(key)
            if not broken:
                sequence = values[dataset.sequence] if dataset.sequence else one.delivered
                dropped = Protection.DROP
                kept = {c.name: values[c.name] for c in dataset.columns if c.protection != dropped}
                sound[key].append((kept, sequence))
        table = self.tables[_served_as(dataset, records)]
        if dataset.load is Load.SNAPSHOT:
            gone = table.rows.keys() - seen
            count["deleted"] = len(gone)
            for key in gone:
                del table.rows[key]
        for key, versions in sound.items():
            self._merge(dataset, table, key, versions, count, reasons)
        return {**count, "reasons": dict(reasons)}

    def _merge(
        self,
        dataset: Dataset,
        table: Table,
        key: Key,
        versions: list[tuple[dict[str, Any], Any]],
        count: Counter[str],
        reasons: Counter[str],
    ) -> None:
        newest = max(sequence for _, sequence in versions)
        top = [values for values, sequence in versions if sequence == newest]
        if any(values != top[0] for values in top):
            count["quarantined"] += len(top)
            reasons["duplicate_key"] += len(top)
            count["superseded"] += len(versions) - len(top)
            return
        count["superseded"] += len(versions) - 1
        served = table.rows.get(key)
        if served is None:
            count["inserted"] += 1
        elif served[0] == top[0]:
            count["unchanged"] += 1
            return
        elif dataset.history is not History.APPEND and newest < served[1]:
            count["late"] += 1
            return
        elif dataset.history is not History.APPEND and newest > served[1]:
            count["updated"] += 1
        else:
            raise AssertionError(f"{dataset.id} {key}: contested, which no night brings")
        table.rows[key] = (top[0], newest)

    def _judge(self, dataset: Dataset, record: Record) -> tuple[list[str], dict[str, Any]]:
        """What a record breaks and holds; the same record of a table without parents once."""
        mark = (dataset.id, *record.values())
        if mark not in self._judged or dataset.references:
            values = {c.name: self._value(c, record)[1] for c in dataset.columns}
            self._judged[mark] = (self._broken(dataset, record), values)
        return self._judged[mark]

    def _broken(self, dataset: Dataset, record: Record) -> list[str]:
        """Every critical row rule that a record breaks."""
        return [
            rule.id
            for rule in dataset.rules
            if rule.severity is Severity.CRITICAL and self._breaks(dataset, rule, record)
        ]

    def _breaks(self, dataset: Dataset, rule: Rule, record: Record) -> bool:
        if rule.expectation.startswith("expect_table"):
            return False
        if rule.origin == "suite":
            return self._breaks_suite(dataset, rule, record)
        kind, _, name = rule.id.partition(":")
        column = dataset.column(name)
        text, typed = self._value(column, record)
        if kind == "required":
            return text is None
        if text is None:
            return False
        return self._breaks_value(kind, rule, column, text, typed, record)

    def _breaks_value(
        self, kind: str, rule: Rule, column: Column, text: str, typed: Any, record: Record
    ) -> bool:
        if kind in ("type", "code"):
            return typed is None
        if kind == "local_time":
            return typed is not None and _was_skipped(column, text)
        if kind in ("form", "check_digit", "birth_date"):
            return _fault(column, text) == kind
        if kind in ("origin", "swapped", "off_globe"):
            assert column.check and column.check.longitude
            longitude = record[column.check.longitude] or ""
            if typed is None or not _NUMBER.fullmatch(longitude):
                return False
            if kind == "origin":
                return bool(typed == 0 and Decimal(longitude) == 0)
            # Kunming lies between 24 and 27 degrees north, 102 and 104 east.
            swapped = 102 < typed < 104 and 24 < Decimal(longitude) < 27
            if kind == "swapped":
                return swapped
            return not swapped and (abs(typed) > 90 or abs(Decimal(longitude)) > 180)
        if typed is None:
            return False
        if kind == "range":
            return _outside(typed, rule.kwargs)
        if kind == "future_sequence":  # the city's days are of 2016
            return bool(typed.year > datetime.now(UTC).year + 1)
        if kind == "pattern":
            return not re.search(rule.kwargs["regex"], text)
        if kind == "enum":
            return typed not in rule.kwargs["value_set"]
        if kind == "length":
            return _outside(len(text), rule.kwargs)
        if kind == "reference":
            assert column.reference
            return typed not in self._parents[column.reference.dataset, column.reference.column]
        raise AssertionError(f"the oracle knows no rule of kind {kind!r}")

    def _breaks_suite(self, dataset: Dataset, rule: Rule, record: Record) -> bool:
        def of(name: str) -> Any:
            return self._value(dataset.column(name), record)[1]

        if rule.expectation == "expect_column_pair_values_a_to_be_greater_than_b":
            first, second = of(rule.kwargs["column_A"]), of(rule.kwargs["column_B"])
            return first is not None and second is not None and first < second
        if rule.expectation == "expect_column_values_to_be_between":
            value = of(rule.kwargs["column"])
            return value is not None and _outside(value, rule.kwargs)
        raise AssertionError(f"the oracle knows no {rule.expectation}")

    def _value(self, column: Column, record: Record) -> tuple[str | None, Any]:
        """The text as given, and the typed value; None where there is no such value."""
        text = (record[column.source_name] or "").strip() or None
        if text is None:
            return None, None
        if column.codes is not None:
            city = column.codes.mapping.get(text, text)
            return text, self._today(column, city)
        return text, _typed(column, text)

    def _today(self, column: Column, code: str) -> str | None:
        """Today's code, or None where the list has none."""
        codes = column.codes
        assert codes is not None
        if codes.table is None:
            return code if code in codes.values else None
        if codes.table not in self._codes:
            self._codes[codes.table] = _read_codes(self._codes_dir / codes.table)
        return self._codes[codes.table].get(code)


def _read_codes(path: Path) -> dict[str, str | None]:
    """Code to the code of today; one that was divided or ended leads nowhere."""
    became: dict[str, str | None] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            ended = row["until"] or row["became"]
            became[row["code"]] = (row["became"] or None) if ended else row["code"]

    def follow(code: str | None) -> str | None:
        while code is not None and became.get(code) != code:
            code = became.get(code)
        return code

    return {code: follow(code) for code in became}


def _typed(column: Column, text: str) -> Any:
    kind = column.spark_type
    try:
        if kind == "string":
            return text
        if kind in ("int", "bigint"):
            return int(text) if re.fullmatch(r"[+-]?\d+", text) else None
        if kind == "boolean":
            return {"true": True, "false": False}.get(text.lower())
        if kind == "date" and column.format == "yyyy/MM/dd":
            return datetime.strptime(text, "%Y/%m/%d").date()
        if kind == "date":
            return date.fromisoformat(text)
        if kind == "timestamp":
            return _moment(column, text)
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    except ValueError:
        return None


def _moment(column: Column, text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(column.timezone))
    return found.astimezone(UTC)


def _was_skipped(column: Column, text: str) -> bool:
    """Whether the clocks of the column's zone never showed that time."""
    found = datetime.fromisoformat(text)
    zone = ZoneInfo(column.timezone)
    back = found.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return found.tzinfo is None and back.replace(tzinfo=None) != found


def _outside(value: Any, kwargs: dict[str, Any]) -> bool:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if isinstance(value, datetime):
        low, high = (x and datetime.fromisoformat(str(x)).astimezone(UTC) for x in (low, high))
    elif isinstance(value, date):
        low, high = (x and date.fromisoformat(str(x)[:10]) for x in (low, high))
    elif isinstance(value, Decimal):
        low, high = (None if x is None else Decimal(str(x)) for x in (low, high))
    return (low is not None and value < low) or (high is not None and value > high)


def _fault(column: Column, text: str) -> str | None:
    """What is wrong with a number of GB 11643 or GB 32100, after the standards themselves."""
    assert column.check is not None
    if str(column.check.kind) == "citizen_id":
        if not re.fullmatch(r"\d{17}[\dX]", text):
            return "form"
        digits = [10 if c == "X" else int(c) for c in text]
        weights = [2 ** (17 - place) % 11 for place in range(18)]  # ISO 7064, MOD 11-2
        if sum(d * w for d, w in zip(digits, weights, strict=True)) % 11 != 1:
            return "check_digit"
        try:
            born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
        except ValueError:
            return "birth_date"
        return "birth_date" if born.year < 1900 else None
    if not re.fullmatch(rf"\d.\d{{6}}[{_CREDIT}]{{10}}", text):
        return "form"
    total = sum(_CREDIT.index(c) * pow(3, place, 31) for place, c in enumerate(text[:17]))
    return None if _CREDIT[-total % 31] == text[17] else "check_digit"


def _served_as(dataset: Dataset, records: list[Delivered]) -> str:
    """Name of the table that a batch is merged into: of snapshots, every night has its own."""
    if dataset.history is not History.SNAPSHOT:
        return dataset.id
    (night,) = {one.delivered.date() for one in records}
    return f"{dataset.id} of {night}"


def landed(manifest: BatchManifest, folder: Path) -> Iterator[Delivered]:
    """The records of a landed batch, as text."""
    for file in manifest.files:
        read = pq.read_table(folder / str(file.rendition))
        named = read.select([stored(name) for name in file.header])
        for row in named.rename_columns(list(file.header)).to_pylist():
            values = {name: value or "" for name, value in row.items()}
            yield Delivered(values, file.modified_at)
