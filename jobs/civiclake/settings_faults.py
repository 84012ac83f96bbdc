"""What is wrong with settings, each in a sentence that names its place and what is meant."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from civiclake.errors import UserError

PREFIX = "CIVICLAKE_"
_NESTED = "__"
_FOREIGN = ("demo",)
"""What stands before ``__`` in variables of other programs of the project."""


def refuse_unknown_profile(conf: Path, profile: str, default: str) -> None:
    """A profile whose file is missing would silently be the defaults.

    Raises:
        UserError: there is no such file.
    """
    known = sorted(path.stem for path in conf.glob("*.toml") if path.stem != "default")
    if profile in known or profile == default:
        return
    raise UserError(
        f"{PREFIX}PROFILE is {profile!r}, but there is no {conf / profile}.toml:"
        f" allowed are {_choice(known or [default])}{_hint(profile, known)}"
    )


def read_toml(path: Path) -> dict[str, Any]:
    """A settings file.

    Raises:
        UserError: it is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as TOML: {error}") from None


def refuse_unknown_variables(model: type[BaseModel], environment: Iterable[str]) -> None:
    """A misspelt variable would silently set nothing.

    A secret's variable may have any name, so only what looks like a setting is refused.

    Raises:
        UserError: a variable means a section that there is not, or looks like a setting.
    """
    paths = [_NESTED.join(path) for path in _paths(model)]
    once = {path.replace(_NESTED, "_"): path for path in paths}
    tops = list(model.model_fields)
    for variable in sorted(environment):
        name = variable.lower().removeprefix(PREFIX.lower())
        first, nested, _ = name.partition(_NESTED)
        # Within a section that there is, pydantic tells; other programs have variables, too.
        if not variable.upper().startswith(PREFIX) or first in (*tops, *_FOREIGN):
            continue
        meant = once.get(name) or _close(name, paths if nested else tops, 0.6 if nested else 0.85)
        if nested or meant:
            hint = f"; did you mean {PREFIX}{meant.upper()}?" if meant else ""
            raise UserError(f"{variable} is no setting{hint}")


def sentence(
    error: ValidationError, files: Sequence[tuple[Path, dict[str, Any]]], model: type[BaseModel]
) -> str:
    """All faults that pydantic found, one a line.

    Args:
        error: what it raised.
        files: settings files by path, as they were read.
        model: the settings.
    """
    return "\n".join(_one(dict(fault), files, model) for fault in error.errors())


def _one(
    fault: dict[str, Any], files: Sequence[tuple[Path, dict[str, Any]]], model: type[BaseModel]
) -> str:
    place = [str(part) for part in fault["loc"]]
    said = str(fault["msg"]).removeprefix("Value error, ")
    if not place:  # of several settings together
        return said
    where = f"{_origin(place, files)}setting {'.'.join(place)}"
    if fault["type"] == "extra_forbidden":
        return f"{where} is not known{_hint(place[-1], _fields(model, place[:-1]))}"
    said = said[:1].lower() + said[1:]
    value = fault.get("input")
    if (
        "spark" in place or place[-1] == "url" or isinstance(value, dict | list)
    ):  # it may hold a secret
        return f"{where} is not allowed: {said}"
    return f"{where} is {json.dumps(value, ensure_ascii=False, default=str)}: {said}"


def _origin(place: Sequence[str], files: Sequence[tuple[Path, dict[str, Any]]]) -> str:
    """Where a value was said: a variable goes before the files, the profile before the defaults."""
    for length in range(len(place), 0, -1):
        variable = PREFIX + _NESTED.join(place[:length]).upper()
        if variable in {name.upper() for name in os.environ}:
            return f"{variable}: "
    for path, data in files:
        found: Any = data
        for part in place:
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return f"{path}: "
    return ""


def _paths(model: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*before, name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _paths(kind, (*before, name))


def _fields(model: type[BaseModel], place: Sequence[str]) -> list[str]:
    """Names of the fields at a place."""
    depth = len(place) + 1
    return [path[-1] for path in _paths(model) if len(path) == depth and path[:-1] == tuple(place)]


def _close(value: str, allowed: Iterable[str], cutoff: float) -> str:
    return next(iter(difflib.get_close_matches(value, list(allowed), n=1, cutoff=cutoff)), "")


def _hint(value: str, allowed: Sequence[str]) -> str:
    close = _close(value, allowed, 0.6)
    if close:
        return f"; did you mean {close!r}?"
    return f"; allowed are {_choice(allowed)}" if 0 < len(allowed) <= 20 else ""


def _choice(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
