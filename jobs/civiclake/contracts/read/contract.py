"""What every contract says outside its columns: who it is, its table, its owner, its promises."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from civiclake.contracts.model import Owner
from civiclake.contracts.read import extension
from civiclake.contracts.read.columns import Compiled, compile_columns
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.faults import Faults, Place, choice
from civiclake.contracts.read.library import Library
from civiclake.contracts.read.owners import owner as owners_of

_SECONDS = {
    **dict.fromkeys(("s", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86400),
    **dict.fromkeys(("m", "month", "months"), 31 * 86400),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 366 * 86400),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_OF_MARTS = ("marts", "links")
"""Ids of marts' inputs begin with these where they are no datasets."""
_Extension = TypeVar("_Extension", bound=BaseModel)


@dataclass
class Reader:
    """The parts of a contract outside its columns, each with its faults noted."""

    document: Document
    faults: Faults
    data: dict[str, Any]

    def fault(self, place: Place, message: str) -> None:
        """Note a fault at a place of the contract."""
        self.document.fault(self.faults, place, message)

    def check_identity(self, path: Sequence[str], wanted: Mapping[str, str]) -> None:
        """A contract's place, id and domain say the same.

        Args:
            path: the names that make up its place.
            wanted: what ``id``, and perhaps ``domain``, must be.
        """
        for word in path:
            if not _NAME.fullmatch(word):
                allowed = "small letters, digits and underscores, a letter first"
                self.fault((), f"the path holds {word!r}; allowed are {allowed}")
            if word in _OF_MARTS:
                message = f"the path holds {word!r}, by which marts name other inputs; rename it"
                self.fault((), message)
        for field, value in {**wanted, "kind": "DataContract"}.items():
            said = self.data.get(field)
            if field in self.data and said != value:
                self.fault((field,), f"is {said!r}; allowed is {value!r}, as the path says")

    def table(self, name: str) -> tuple[dict[str, Any], Place]:
        """The one table of the contract."""
        tables = self.data.get("schema")
        if not isinstance(tables, list) or not tables or not isinstance(tables[0], dict):
            if "schema" not in self.data:
                self.fault((), "'schema' is missing: it lists the table and its columns")
            elif not tables:
                self.fault(("schema",), "allowed is a list of one table")
            return {}, ("schema", 0)
        if len(tables) > 1:
            self.fault(("schema", 1), "allowed is one table for a contract; make it two files")
        table: dict[str, Any] = tables[0]
        if table.get("name") != name:
            said = table.get("name")
            self.fault(("schema", 0, "name"), f"is {said!r}; allowed is {name!r}, as the path says")
        if "properties" not in table:
            self.fault(("schema", 0, "properties"), "'properties' is missing: the columns")
        if table.get("relationships"):
            message = "is not supported on a table; write it at the column it belongs to"
            self.fault(("schema", 0, "relationships"), message)
        return table, ("schema", 0)

    def columns(
        self,
        table: dict[str, Any],
        place: Place,
        dataset_id: str,
        shared: Library,
        absent: Sequence[str],
    ) -> Compiled:
        """The table's columns, at least one."""
        properties = table.get("properties")
        found = compile_columns(
            properties, place, dataset_id, self.document, shared, self.faults, absent
        )
        if not found.declared and "properties" in table:
            self.fault(place, "allowed is at least one column")
        return found

    def extension(self, kind: type[_Extension], least: str) -> _Extension | None:
        """The contract's own ``civiclake`` entry.

        Args:
            kind: what may stand in it.
            least: what must, in words.
        """
        found = extension.find(self.data.get("customProperties"), ())
        if found is None:
            message = f"the entry 'civiclake' is missing, which says at least {least}"
            self.fault(("customProperties",), message)
            return None
        value, place = found
        return extension.parse(kind, value, place, self.document, self.faults)

    def own_place(self) -> Place:
        """Where that entry stands, or should."""
        found = extension.find(self.data.get("customProperties"), ())
        return found[1] if found else ("customProperties",)

    def owner(self) -> Owner | None:
        """Who answers for the dataset."""
        team = self.data.get("team")
        members = team.get("members", []) if isinstance(team, dict) else team or []
        people = [m for m in members if isinstance(m, dict) and m.get("username")]
        owners = [m for m in people if m.get("role") == "owner"]
        if not owners:
            message = (
                "an owner is missing; allowed is a team with a member of role 'owner', such as"
                " {members: [{username: name@city.example, role: owner}]}"
            )
            self.fault(("team",), message)
            return None
        name = str((team.get("name") if isinstance(team, dict) else None) or owners[0]["username"])
        urls = [str(s["url"]) for s in self.data.get("support") or [] if s and s.get("url")]
        return owners_of(
            name, urls, str(owners[0]["username"]), lambda said: self.fault(("support",), said)
        )

    def seconds(self, *names: str) -> int | None:
        """How long a property of ``slaProperties`` is, where the contract says it.

        Args:
            names: of the property; the first that is found counts.
        """
        for index, entry in enumerate(self.data.get("slaProperties") or ()):
            if not isinstance(entry, dict) or entry.get("property") not in names:
                continue
            place = ("slaProperties", index)
            seconds = _SECONDS.get(str(entry.get("unit", "d")).lower())
            if seconds is None:
                hint = choice(("min", "h", "d", "w", "y"))
                self.fault((*place, "unit"), f"is {entry['unit']!r}; allowed are {hint}")
                return None
            value = entry.get("value")
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                self.fault((*place, "value"), f"is {value!r}; allowed is a number above 0")
                return None
            return int(value * seconds)
        return None
