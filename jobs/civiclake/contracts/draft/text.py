"""A guess as the text of a contract, in the form that people write contracts in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from civiclake.contracts.draft.guess import Guess, GuessedColumn
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import Protection
from civiclake.contracts.read.odcs_versions import API_VERSION

_WIDTH = 100
_MOST_CODES_SHOWN = 6
REVIEW = "review:"
"""Every guess begins with it, so that `grep` finds what a person has not looked at yet."""


class _Flow(dict[str, Any]):
    """A mapping that is written in one line."""


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their field, and small mappings stand in one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Dumper.add_representer(
    _Flow,
    lambda dumper, data: dumper.represent_mapping(
        "tag:yaml.org,2002:map", data.items(), flow_style=True
    ),
)


def write_contract(dataset_id: str, sample: Sample, guess: Guess, owner: str) -> str:
    """The contract's text.

    Args:
        dataset_id: such as ``parks.trees``.
        sample: what the guess was made from.
        guess: from :func:`~civiclake.contracts.draft.guess.guess`.
        owner: address of who answers for the data.
    """
    department, _, name = dataset_id.partition(".")
    words = name.replace("_", " ")
    table: dict[str, Any] = {"name": name}
    if sample.physical_name:
        table["physicalName"] = sample.physical_name
    table |= {
        "physicalType": sample.physical_type,
        "description": f"{REVIEW} say what one row is. Key: {key_words(guess)}.",
        "properties": [_property(c, guess) for c in guess.columns],
    }
    seen = f"guessed from {sample.seen} of {sample.origin}"
    contract = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": dataset_id,
        "name": words.capitalize(),
        "version": "0.1.0",
        "status": "draft",
        "domain": department,
        "description": {"purpose": " ".join(f"{REVIEW} {note}." for note in (seen, *sample.notes))},
        "servers": [dict(sample.server)],
        "schema": [table],
        "team": {
            "name": f"{department.replace('_', ' ').capitalize()} ({REVIEW} name the office)",
            "members": [_Flow(username=owner, role="owner")],
        },
        "slaProperties": [_Flow(property="latency", value=1, unit="d")],
        "customProperties": [{"property": "civiclake", "value": _loading(sample, guess)}],
    }
    return yaml.dump(contract, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def key_words(guess: Guess) -> str:
    """The key, and what is to be said of it."""
    named = " + ".join(guess.key)
    return f"{named}: {guess.key_reason}" if named else guess.key_reason


def _loading(sample: Sample, guess: Guess) -> dict[str, Any]:
    """How it is loaded; a column that tells when a row changed makes a small night of a table."""
    found = dict(sample.loading)
    if guess.sequence:
        found["sequence"] = guess.sequence
        if found["load"] == "snapshot" and sample.physical_type == "table":
            found |= {"load": "incremental", "overlap": "1h", "limits": _Flow(allow_empty=True)}
    found["history"] = "latest"
    if guess.occurrence:
        found["occurrence"] = guess.occurrence
    found["drift"] = _Flow(new_column="hold", ragged_row="hold")
    return found


def _property(column: GuessedColumn, guess: Guess) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name}
    if column.source_name != column.name:
        found["physicalName"] = column.source_name
    found["description"] = describe(column, guess)
    found["logicalType"] = column.type.logical
    if column.type.physical:
        found["physicalType"] = column.type.physical
    if column.name in guess.key:
        found["primaryKey"] = True
        found["primaryKeyPosition"] = guess.key.index(column.name) + 1
    if column.name in guess.key or column.name == guess.sequence:
        found["required"] = True
    own = _Flow(column.type.extension)
    if column.name in guess.absent_as:
        own["absent_as"] = guess.absent_as[column.name]
    if column.suspicion:
        # What is in the key must go on to the merge, if only as a pseudonym.
        kept = column.name in guess.key
        protection = Protection.PSEUDONYM if kept else column.suspicion.protection
        found["classification"] = "restricted"
        own["protect"] = protection.value
    if own:
        found["customProperties"] = [_Flow(property="civiclake", value=own)]
    if column.type.options:
        found["logicalTypeOptions"] = _Flow(column.type.options)
    return found


def describe(column: GuessedColumn, guess: Guess) -> str:
    """What was seen in the column, in one line for whoever reviews it."""
    if column.rows == 0 or column.example_free:
        said = f"no value in {column.rows:,} rows, taken for text"
    else:
        said = f"guessed from {column.rows:,} rows: {_emptiness(column)}"
    notes = [said]
    if column.suspicion:
        notes.append(f"looks like a person's {column.suspicion.what} ({column.suspicion.why})")
    notes += column.type.notes
    if column.codes:
        notes.append(f"looks like a code ({_shown(column)}); is there a list in _codes/?")
    if column.name == guess.sequence:
        notes.append("taken for when the row was last written")
    return f"{REVIEW} {'; '.join(notes)}."


def _emptiness(column: GuessedColumn) -> str:
    if column.empty_fraction == 0:
        return "never empty"
    return f"{max(column.empty_fraction, 0.001):.1%} empty"


def _shown(column: GuessedColumn) -> str:
    total = sum(count for _, count in column.codes)
    shown = [f"{value} {count / total:.0%}" for value, count in column.codes[:_MOST_CODES_SHOWN]]
    more = len(column.codes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def environment_names(server: Mapping[str, Any]) -> list[str]:
    """The variables that the contract's server wants to be set."""
    found: list[str] = []
    for value in server.values():
        text = str(value)
        while "${" in text:
            _, _, text = text.partition("${")
            name, _, text = text.partition("}")
            found.append(name)
    return found
