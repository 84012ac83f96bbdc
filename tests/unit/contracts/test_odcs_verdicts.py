"""A contract is judged by a compiled validator, with the verdict of the one that finds words."""

from __future__ import annotations

import copy
import random
from datetime import date
from typing import Any

import jsonschema
import pytest
import yaml

from civiclake.contracts.read.odcs import is_sound, json_schema
from civiclake.contracts.read.odcs_versions import in_todays_words
from civiclake.settings import project_root

WRONG: tuple[Any, ...] = (None, True, -1, 1.5, "x", [], {}, [1], {"x": 1})
"""What a value may be by mistake; in most places of a contract some of these are allowed."""
SPOILED = 3
"""Times that each contract is spoiled: a slow verdict takes ten milliseconds."""


def _contracts() -> list[dict[str, Any]]:
    root = project_root()
    files = [*root.glob("schemas/[a-z]*/*.yaml"), *root.glob("marts/*/*/mart.yaml")]
    return [in_todays_words(yaml.safe_load(file.read_text())) for file in sorted(files)]


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, one in inner:
        found.append((*place, key))
        if isinstance(one, dict | list):
            found += _places(one, (*place, key))
    return found


def _spoil(contract: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Take a value out, put another one there, or give the key another name."""
    made = copy.deepcopy(contract)
    *way, last = chance.choice(_places(made))
    holder: Any = made
    for key in way:
        holder = holder[key]
    if chance.random() < 0.3 and isinstance(last, str):
        holder[f"{last}_"] = holder.pop(last)
    elif chance.random() < 0.3:
        del holder[last]
    else:
        holder[last] = chance.choice(WRONG)
    return made


def test_both_come_to_the_same_verdict() -> None:
    slow = jsonschema.Draft201909Validator(json_schema())
    chance = random.Random(15)
    contracts = _contracts()
    assert len(contracts) > 70
    assert all(map(is_sound, contracts))
    verdicts = []
    for contract in contracts:
        for _ in range(SPOILED):
            spoiled = _spoil(contract, chance)
            verdicts.append(slow.is_valid(spoiled))
            assert is_sound(spoiled) == verdicts[-1], spoiled
    assert 50 < sum(verdicts) < len(verdicts) - 50


@pytest.mark.parametrize("value", [date(2026, 1, 1), {1, 2}, float("nan"), b"x"])
def test_what_is_no_json_is_left_to_the_one_with_words(value: object) -> None:
    assert not is_sound({**_contracts()[0], "name": value})
