"""Numbers that a mart's contract hands to its step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from civiclake.errors import UserError


def number(
    parameters: Mapping[str, Any], name: str, example: float, *, below: float = math.inf
) -> float:
    """A number above 0.

    Args:
        parameters: of the contract.
        name: of the one that is wanted.
        example: what it could be, for the error.
        below: what it must be less than.

    Raises:
        UserError: it is missing, or is none.
    """
    said = parameters.get(name)
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    if not is_number or not 0 < float(said) < below:  # type: ignore[arg-type]
        upper = "" if below == math.inf else f" and below {below:g}"
        raise UserError(
            f"parameters: {name}: {said!r}; a number above 0{upper} is allowed, such as {example:g}"
        )
    return float(said)  # type: ignore[arg-type]


def whole(parameters: Mapping[str, Any], name: str, example: int) -> int:
    """A whole number above 0.

    Raises:
        UserError: it is missing, or is none.
    """
    found = number(parameters, name, example)
    if found != int(found):
        raise UserError(f"parameters: {name}: {found:g}; a whole number is allowed, as {example}")
    return int(found)


def words(parameters: Mapping[str, Any], name: str, example: str) -> tuple[str, ...]:
    """A list of words; it may be empty.

    Raises:
        UserError: it is missing, or is none.
    """
    said = parameters.get(name)
    if not isinstance(said, list) or not all(isinstance(word, str) for word in said):
        raise UserError(f"parameters: {name}: {said!r}; a list is allowed, such as {example}")
    return tuple(said)


def numbers(parameters: Mapping[str, Any], name: str, example: list[int]) -> list[int]:
    """Whole numbers above 0 that rise.

    Raises:
        UserError: they are missing, or are none.
    """
    said = parameters.get(name)
    if (
        not isinstance(said, list)
        or not said
        or not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in said)
        or sorted(set(said)) != said
    ):
        raise UserError(
            f"parameters: {name}: {said!r}; whole numbers above 0 that rise are allowed, such as"
            f" {example}"
        )
    return said
