"""A short page about a dataset, in Markdown, for the people who query it."""

from __future__ import annotations

from civiclake.contracts.model import (
    IS_CURRENT,
    OCCURRENCE,
    SNAPSHOT_DATE,
    SOURCE_FILE,
    SOURCE_ROW,
    VALID_FROM,
    VALID_TO,
    Column,
    Dataset,
    History,
    Load,
    Occurrence,
    Protection,
)
from civiclake.contracts.render.layers import unified_type


def catalogue(dataset: Dataset) -> str:
    """The page of one dataset."""
    lines = [
        f"# unified.{dataset.table}",
        "",
        dataset.description or f"Dataset {dataset.id}.",
        "",
        f"- Contract: `schemas/{dataset.path}`, version {dataset.version}",
        f"- Answers for it: {dataset.owner.name} ({dataset.owner.contact})",
        f"- Key: {_key(dataset)}",
        f"- Load: {dataset.load.value}, history: {dataset.history.value}",
        f"- At most {_duration(dataset.latency_seconds)} old",
        "",
        "| Column | Type | Class | Meaning |",
        "|---|---|---|---|",
        *(_row(c) for c in dataset.unified_columns),
        *_rows_of_occurrence(dataset),
        *_rows_of_history(dataset),
        "",
    ]
    dropped = [f"`{c.name}`" for c in dataset.columns if c.protection is Protection.DROP]
    if dropped:
        lines += [f"Never leave the protected layers: {', '.join(dropped)}.", ""]
    lines += ["| Rule | Severity | Meaning |", "|---|---|---|"]
    lines += [f"| `{r.id}` | {r.severity.value} | {_cell(r.description)} |" for r in dataset.rules]
    return "\n".join(lines) + "\n"


def _row(column: Column) -> str:
    notes = [column.description]
    if column.protection is Protection.PSEUDONYM:
        notes.append("Keyed pseudonym.")
    if column.reference is not None:
        notes.append(f"Refers to `{column.reference.dataset}.{column.reference.column}`.")
    if column.codes is not None:
        codes = ", ".join(f"{k} {v}" for k, v in column.codes.values.items())
        notes.append(f"Codes: {codes or f'`civiclake codes show {column.codes.list_id}`'}.")
    kind = unified_type(column)
    text = _cell(" ".join(n for n in notes if n))
    return f"| `{column.name}` | {kind} | {column.classification} | {text} |"


def _key(dataset: Dataset) -> str:
    if dataset.occurrence is Occurrence.ROW:
        return "file and row"
    said = ", ".join(f"`{name}`" for name in dataset.key) or "all values"
    return f"{said}, and the place among equals" if dataset.occurrence else said


def _rows_of_occurrence(dataset: Dataset) -> list[str]:
    """The columns that make equal rows of a line list rows of their own."""
    if dataset.occurrence is None:
        return []
    found = [(SOURCE_FILE, "string", "Name of the file that holds the row.")]
    if dataset.load is not Load.FILES:
        found = []
    if dataset.occurrence is Occurrence.ROW:
        found.append((SOURCE_ROW, "bigint", "Number of the row in that file, from 1."))
    else:
        found.append((OCCURRENCE, "int", "Place (from 1) among the rows that are equal to it."))
    return [f"| `{name}` | {kind} | internal | {text} |" for name, kind, text in found]


def _rows_of_history(dataset: Dataset) -> list[str]:
    """The columns by which one chooses among the rows of a key."""
    moment = dataset.column(dataset.sequence).spark_type if dataset.sequence else "timestamp"
    shown: dict[History, list[tuple[str, str, str]]] = {
        History.HISTORY: [
            (VALID_FROM, moment, "When the version began to be valid."),
            (VALID_TO, moment, "When it ended (exclusive); empty while it is valid."),
            (IS_CURRENT, "boolean", "Whether it is valid still; at most one row for each key is."),
        ],
        History.SNAPSHOT: [
            (SNAPSHOT_DATE, "date", "The night (UTC) whose state the row belongs to."),
        ],
    }
    found = shown.get(dataset.history, [])
    return [f"| `{name}` | {kind} | internal | {text} |" for name, kind, text in found]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _duration(seconds: int) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"
