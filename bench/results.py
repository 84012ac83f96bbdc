"""What was measured, as data: ``bench/results/summary.json``, and the tables made from it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SUMMARY = RESULTS / "summary.json"
_BEGIN, _END = "<!-- made from summary.json -->", "<!-- end -->"
HEAD = ("engine", "wall s", "CPU s", "peak MB", "MB written", "runs")


@dataclass
class Cost:
    """What one piece of work took."""

    work: str
    rows: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: int
    bytes_written: int
    engine: str = "civiclake"
    runs: int = 1
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds by step, from ``ops.outcomes``, and by task; of the product alone."""


def median(costs: Sequence[Cost]) -> Cost:
    """The repeats of one work by one engine as one: each number is the median of its own.

    The seconds by step are those of the run in the middle.
    """
    middle = sorted(costs, key=lambda cost: cost.wall_seconds)[(len(costs) - 1) // 2]
    return Cost(
        work=middle.work,
        rows=middle.rows,
        wall_seconds=round(statistics.median(c.wall_seconds for c in costs), 2),
        cpu_seconds=round(statistics.median(c.cpu_seconds for c in costs), 2),
        peak_mb=round(statistics.median(c.peak_mb for c in costs)),
        bytes_written=round(statistics.median(c.bytes_written for c in costs)),
        engine=middle.engine,
        runs=len(costs),
        stages=middle.stages,
    )


def keep(costs: Iterable[Cost], path: Path = SUMMARY) -> list[dict[str, Any]]:
    """Write costs beside what was measured before; the same work and engine is replaced.

    Returns:
        All objects of the file.
    """
    known: dict[tuple[str, str], dict[str, Any]] = {}
    if path.exists():
        for entry in json.loads(path.read_text(encoding="utf-8")):
            known[(entry["work"], entry["engine"])] = entry
    for cost in costs:
        known[(cost.work, cost.engine)] = asdict(cost)
    path.parent.mkdir(exist_ok=True, parents=True)
    entries = list(known.values())
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    return entries


def compared(entries: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Entries by work, in order, of the works that more than one engine did."""
    works: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        works.setdefault(entry["work"], []).append(entry)
    return {
        work: sorted(found, key=lambda e: float(e["wall_seconds"]))
        for work, found in works.items()
        if len(found) > 1 or found[0]["engine"] != "civiclake"
    }


def cells(entry: dict[str, Any]) -> tuple[str, ...]:
    """One line of the table, in the order of :data:`HEAD`."""
    return (
        entry["engine"],
        f"{entry['wall_seconds']:,.1f}",
        f"{entry['cpu_seconds']:,.1f}",
        f"{entry['peak_mb']:,}",
        f"{entry['bytes_written'] / 1e6:,.1f}",
        str(entry["runs"]),
    )


def render(entries: Iterable[dict[str, Any]]) -> str:
    """The comparison as Markdown, one table for each work, the fastest engine first."""
    parts = []
    for work, found in compared(entries).items():
        lines = [f"**{work[:1].upper()}{work[1:]}**", "", _row(HEAD)]
        lines.append("|---" + "|---:" * (len(HEAD) - 1) + "|")
        lines += [_row(cells(entry)) for entry in found]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _row(values: Iterable[str]) -> str:
    return "| " + " | ".join(values) + " |"


def write_tables(entries: Iterable[dict[str, Any]], page: Path) -> bool:
    """Put the tables between the marks of a page; False where the page has no marks."""
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        return False
    made = f"{head}{begin}\n\n{render(entries)}\n\n{end}{tail}"
    page.write_text(made, encoding="utf-8")
    return True
