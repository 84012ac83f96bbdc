"""A mart's step: the frame that its query or its function makes of its inputs."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from civiclake.contracts import functions
from civiclake.contracts.inputs import Readable
from civiclake.contracts.model import Mart
from civiclake.errors import UserError
from civiclake.settings import Settings

_MADE_BY = {
    "columns", "rules", "inputs", "step", "parameters", "refresh_by", "groups", "shows",
    "reads_restricted", "smallest_group", "group_size", "description", "has_change_feed",
    "retention_seconds",
}  # fmt: skip
"""What of a contract gives another table."""
Function = Callable[[Mapping[str, DataFrame], Mapping[str, Any]], DataFrame]


@dataclass(frozen=True)
class Step:
    """What makes a mart, as it stands there now."""

    text: str
    """The query; nothing where a function makes it."""
    digest: str
    """Another one where the same inputs could give another mart."""


def read(settings: Settings, mart: Mart) -> Step:
    """Read a mart's step.

    Raises:
        UserError: its query is gone.
    """
    text = ""
    if mart.is_query:
        file = (settings.marts_dir / mart.path).with_name(mart.step)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UserError(f"{file} is gone, which makes marts.{mart.name}") from None
    source = hashlib.sha256(text.encode()).hexdigest() if text else functions.digest(mart.step)
    said = json.dumps(mart.model_dump(mode="json", include=_MADE_BY), sort_keys=True)
    return Step(text, hashlib.sha256(f"{source} {said}".encode()).hexdigest()[:16])


def apply(
    mart: Mart, frames: Mapping[str, DataFrame], readable: Mapping[str, Readable]
) -> DataFrame:
    """Let a mart's function make its frame; nothing is computed yet.

    It is handed no restricted column but those that the contract names (``reads_restricted``): what
    a function does with a value can't be judged by a text.

    Args:
        mart: whose step is a function.
        frames: its inputs at their versions, by id.
        readable: what is known of them.

    Raises:
        UserError: there is no such function, or it gives no frame.
    """
    module, _, name = mart.step.rpartition(".")
    try:
        function: Function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"marts/{mart.path}: step: {mart.step} can't be loaded ({error})") from None
    allowed = {name: _without_restricted(mart, readable[name], f) for name, f in frames.items()}
    made = function(allowed, parameters(mart))
    if not hasattr(made, "createOrReplaceTempView"):
        raise UserError(f"marts/{mart.path}: {mart.step} gives {type(made).__name__}, and no frame")
    return made


def parameters(mart: Mart) -> dict[str, Any]:
    """What a function is handed beside its inputs: the contract's parameters and smallest group."""
    own = {} if mart.smallest_group is None else {"smallest_group": mart.smallest_group}
    return {**mart.parameters, **own}


def _without_restricted(mart: Mart, one: Readable, frame: DataFrame) -> DataFrame:
    closed = [name for name in one.restricted if f"{one.id}.{name}" not in mart.reads_restricted]
    return frame.drop(*closed) if closed else frame
