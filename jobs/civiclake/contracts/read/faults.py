"""Faults: gathered while reading, so that a person sees all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

Place = tuple[str | int, ...]


def did_you_mean(value: object, allowed: Iterable[str]) -> str:
    """``; did you mean 'x'?`` when something allowed looks like the value, else nothing."""
    close = difflib.get_close_matches(str(value), list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def choice(allowed: Iterable[str]) -> str:
    """The allowed values as words: ``'a', 'b' or 'c'``."""
    words = [repr(str(a)) for a in allowed]
    if len(words) < 2:
        return "".join(words) or "nothing"
    return ", ".join(words[:-1]) + " or " + words[-1]


def show_place(data: Any, place: Place) -> str:
    """The way to a value, with list items by their name: ``schema.visits.properties.sex``."""
    shown = ""
    node = data
    for step in place:
        node = _child(node, step)
        if isinstance(step, int):
            label = _label(node)
            shown += f".{label}" if label else f"[{step}]"
        else:
            shown += f".{step}"
    return shown.lstrip(".")


def _child(node: Any, step: str | int) -> Any:
    try:
        return node[step]
    except (KeyError, IndexError, TypeError):
        return None


def _label(node: Any) -> str | None:
    if isinstance(node, dict):
        for field in ("name", "property", "server"):
            if isinstance(node.get(field), str):
                return str(node[field])
    return None


class Faults:
    """All faults of a city, each one sentence: ``file:line: place: what is wrong``."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def add(self, where: str, message: str) -> None:
        """Note a fault; the same sentence is kept once."""
        self._found.setdefault(f"{where}: {message}")

    @property
    def problems(self) -> list[str]:
        """The sentences, file by file."""
        return sorted(self._found, key=_by_file_and_line)

    def __len__(self) -> int:
        return len(self._found)


def _by_file_and_line(problem: str) -> tuple[str, int]:
    file, _, rest = problem.partition(":")
    line = rest.split(":", 1)[0]
    return file, int(line) if line.isdigit() else 0
