"""A YAML or JSON file with the line of every value, so that faults can say where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from civiclake.contracts.read.faults import Faults, Place, show_place


class _Loader(yaml.CSafeLoader):
    """Dates stay text, as ODCS wants them. (libyaml's parser: ten times as fast.)"""


def _without_resolvers(*tags: str) -> dict[str, list[tuple[str, Any]]]:
    found = yaml.SafeLoader.yaml_implicit_resolvers
    return {
        first: [(tag, regexp) for tag, regexp in pairs if tag not in tags]
        for first, pairs in found.items()
    }


_Loader.yaml_implicit_resolvers = _without_resolvers("tag:yaml.org,2002:timestamp")


@dataclass
class Document:
    """One file: its data, and where each value stands."""

    path: Path
    shown: str
    """The path as people name it, such as ``schemas/health/visits.yaml``."""
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)
    pruned: set[Place] = field(default_factory=set)
    """Places already reported and taken out, so that no later step stumbles on them."""

    def where(self, place: Place = ()) -> str:
        """``file:line: place`` of a value, or of the nearest thing around it."""
        line = next(
            (self.lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in self.lines),
            None,
        )
        head = self.shown if line is None else f"{self.shown}:{line}"
        return f"{head}: {show_place(self.data, place)}" if place else head

    def fault(self, faults: Faults, place: Place, message: str) -> None:
        """Note a fault at a place, unless that place was reported already."""
        if any(place[: len(p)] == p for p in self.pruned):
            return
        faults.add(self.where(place), message)

    def prune(self, place: Place) -> None:
        """Take a faulty value out, so that the rest can still be looked at."""
        self.pruned.add(place)


def read_yaml(path: Path, shown: str, faults: Faults) -> Document | None:
    """Read a YAML file; None (and a fault) when it can't be read."""
    text = _read_text(path, shown, faults)
    if text is None:
        return None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            faults.add(shown, "the file is empty, but a mapping is wanted")
            return None
        data = loader.construct_document(node)
    except yaml.YAMLError as error:
        faults.add(_yaml_place(shown, error, text), f"not YAML: {_first_line(error)}")
        return None
    finally:
        loader.dispose()
    document = Document(path, shown, data)
    _walk(node, (), document, faults)
    return document


def read_json(path: Path, shown: str, faults: Faults) -> Document | None:
    """Read a JSON file; None (and a fault) when it can't be read."""
    text = _read_text(path, shown, faults)
    if text is None:
        return None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        faults.add(f"{shown}:{error.lineno}", f"not JSON: {error.msg}")
        return None
    document = Document(path, shown, data)
    # JSON is read as YAML once more only to learn the lines (every JSON text is YAML, but tabs).
    try:
        node = yaml.compose(text.expandtabs(), Loader=_Loader)
    except yaml.YAMLError:
        return document
    if node is not None:
        _walk(node, (), document, faults)
    return document


def _read_text(path: Path, shown: str, faults: Faults) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        faults.add(shown, f"not UTF-8 (byte {error.start}); save the file as UTF-8")
    except OSError as error:
        faults.add(shown, f"can't be read: {error.strerror}")
    return None


def _yaml_place(shown: str, error: yaml.YAMLError, text: str) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return shown
    # What is never closed is missed after the last line.
    return f"{shown}:{min(mark.line + 1, max(1, len(text.splitlines())))}"


def _first_line(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None)
    return str(problem or error).splitlines()[0]


def _walk(node: yaml.Node, place: Place, document: Document, faults: Faults) -> None:
    """Note the line of every value; a key that stands twice is a fault."""
    document.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), document, faults)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            child = (*place, name)
            if name in seen:
                document.lines[child] = key.start_mark.line + 1
                document.fault(faults, child, f"{name!r} stands twice; keep one")
            seen.add(name)
            document.lines[child] = key.start_mark.line + 1
            _walk(value, child, document, faults)
