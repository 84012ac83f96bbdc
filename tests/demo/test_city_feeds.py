"""The real feeds: whole, with their origin, and delivered as their departments would."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from civiclake.contracts.load import load_city
from civiclake.io.extract import extract
from civiclake.settings import Settings
from demo.city import clock, feeds

ROOT = Path(__file__).resolve().parents[2]


def test_every_feed_has_its_origin_its_licence_and_its_hash() -> None:
    text = (feeds.FEEDS / "README.md").read_text()
    hashes = dict(re.findall(r"^([0-9a-f]{64})  (\S+)$", text, re.MULTILINE))
    there = {path.name: path for path in feeds.FEEDS.iterdir() if path.suffix in (".csv", ".zip")}
    assert {name: digest for digest, name in hashes.items()} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()
    }
    licences = {path.name for path in feeds.FEEDS.glob("LICENSE-*")}
    assert licences == set(re.findall(r"`(LICENSE-[^`]+)`", text))
    assert len(licences) == len(there)


def _records(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))[1:]


def _days(night: int) -> list[str]:
    drops = feeds.drops(night).values()
    return [r[0] for d in drops if d.path.startswith("meteorology/") for r in _records(d.content)]


def test_the_first_night_brings_each_day_once() -> None:
    days = _days(1)
    assert len(days) == len(set(days)) == 1461
    assert (min(days), max(days)) == ("2012/01/01", "2015/12/31")
    (crimes,) = [d for d in feeds.drops(1).values() if d.path.startswith("public_security/")]
    assert len(_records(crimes.content)) == 1200


@pytest.mark.parametrize("night", [1, 2, 3, 4, 25])
def test_what_is_new_on_a_night_is_what_its_account_reads(night: int) -> None:
    before = feeds.drops(night - 1) if night > 1 else {}
    new = [d for path, d in feeds.drops(night).items() if before.get(path) != d]
    read: dict[str, int] = {"meteorology": 0, "public_security": 0}
    for drop in new:
        read[drop.path.partition("/")[0]] += len(_records(drop.content))
    expected = feeds.expected(night)
    assert read["meteorology"] == expected["meteorology.daily"].read
    assert read["public_security"] == expected["public_security.crimes"].read
    assert all(account.balances for account in expected.values())


def test_a_delivery_is_never_from_the_future() -> None:
    for night in (1, 2, 3):
        for drop in feeds.drops(night).values():
            assert drop.delivered < clock.logical_date(night), drop.path


def test_the_second_night_brings_a_correction_a_repetition_and_something_mislaid() -> None:
    first, second = feeds.drops(1), feeds.drops(2)
    changed = {path for path in first if second[path] != first[path]}
    assert changed == {
        "meteorology/2013.csv",
        "meteorology/2015-12-31.csv",
        "public_security/crimes.csv",
    }
    again = "meteorology/2013.csv"
    assert second[again].content == first[again].content
    assert second[again].delivered - first[again].delivered > timedelta(days=300)
    corrected = "meteorology/2015-12-31.csv"
    (old,), (new,) = _records(first[corrected].content), _records(second[corrected].content)
    assert [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b] == [4]
    (mislaid,) = second.keys() - first.keys()
    final = second["meteorology/2015-12-29.csv"]
    assert second[mislaid].delivered < final.delivered  # late: it must not win
    assert _records(second[mislaid].content) != _records(final.content)


CAIRNS = {
    "routes": 22,
    "stops": 416,
    "trips": 1339,
    "stop_times": 37_790,
    "calendar": 4,
    "calendar_dates": 9,
    "shapes": 22_784,
}


def test_cairns_timetable_is_read_by_the_same_contracts(tmp_path: Path) -> None:
    """The made feed did not bend the contracts: a published one fits them as it did."""
    for name in ("schemas", "expectations"):
        shutil.copytree(ROOT / name, tmp_path / name)
    drop = tmp_path / "gtfs"
    drop.mkdir()
    shutil.copy(feeds.FEEDS / "cairns_gtfs.zip", drop)
    for path in (tmp_path / "schemas" / "transport").glob("*.yaml"):
        text = path.read_text()
        source = f'type: local\n    path: "{drop}/*.zip"\n'
        text = re.sub(r"type: s3\n.*\n    endpointUrl: .*\n", source, text)
        path.write_text(text.replace("      connection: transport_s3\n", ""))
    settings = Settings(state_dir=tmp_path / "var")
    city = load_city(tmp_path / "schemas", tmp_path / "expectations")
    rows = {
        table: extract(settings, city.dataset(f"transport.{table}"), "20160101T020000Z").rows
        for table in CAIRNS
    }
    assert rows == CAIRNS
