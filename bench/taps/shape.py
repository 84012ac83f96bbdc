"""What a tap looks like: its columns, the values that are allowed, and where the files stand."""

from __future__ import annotations

from pathlib import Path

COLUMNS = (
    "tap_id",
    "updated_at",
    "tapped_at",
    "stop_code",
    "line",
    "direction",
    "card_kind",
    "fare",
    "discount_percent",
    "distance_km",
    "zone",
    "vehicle",
    "operator",
    "journey_id",
    "device",
)
KEY, SEQUENCE = "tap_id", "updated_at"
DIRECTIONS = ("in", "out")
CARD_KINDS = ("adult", "child", "student", "senior", "visitor")
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
"""How a moment is written in the files."""
RULES = 20
"""As ``civiclake check`` counts them; every peer judges the same."""

CITY = Path(__file__).parent / "city"
"""Contracts, suite and mart of a city that has this dataset alone."""

INITIAL, CHANGES, BIG = "initial", "changes", "big_changes"
"""Folders of the deliveries; the last one's are for the large table."""


def delivered(data: Path, delivery: str) -> list[Path]:
    """The files of one delivery, in order."""
    return sorted((data / delivery / "taps").glob("*.csv.gz"))


def stops_file(data: Path) -> Path:
    """The 5,000 stops that a tap may name."""
    return data / "stops" / "stops.csv.gz"
