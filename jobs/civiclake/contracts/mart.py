"""The head of a mart's SQL file: what it reads, and by which groups it can be refreshed.

```sql
-- inputs: health.visits, meteorology.daily
-- owner: Planning office <planning@city.example>
-- refresh_by: day
-- group: health.visits = to_date(visited_at)
-- group: meteorology.daily = date
```

``owner`` is who is asked when it fails; without it, the city's operators are. ``refresh_by`` names
a column of the mart. A row of an input belongs to the group that its ``group`` line computes, and
touches the mart's rows of that group alone. An input without such a line, or with a change that no
feed tells, makes the whole mart be built anew. ``shows`` names pseudonyms that the mart gives out
(``health.visits.citizen_id``), which no other mart may.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from civiclake.contracts.model import Mart, Owner
from civiclake.contracts.read import owners
from civiclake.contracts.read.faults import Faults, choice, did_you_mean

_LINE = re.compile(
    r"^--[ \t]*(?P<word>inputs|owner|refresh_by|group|shows):[ \t]*(?P<said>.*?)[ \t]*$",
    re.MULTILINE,
)
_OWNER = re.compile(r"(?P<name>[^<>]+?)[ \t]*<(?P<contact>[^<> \t]+)>")


@dataclass(frozen=True)
class MartDraft:
    """One file of a mart as it was read."""

    shown: str
    """How faults call the file."""
    mart: Mart
    text: str


def read_mart(path: Path, shown: str, faults: Faults) -> MartDraft | None:
    """Read a mart's head; its query is judged when all contracts are known (`mart_query`).

    Args:
        path: the SQL file.
        shown: how faults call it.
        faults: grows by what is wrong.
    """
    text = path.read_text(encoding="utf-8")
    lines: dict[str, list[str]] = {}
    for found in _LINE.finditer(text):
        lines.setdefault(found["word"], []).append(found["said"])
    if "inputs" not in lines:
        faults.add(shown, "says no inputs; wanted is a line such as '-- inputs: health.visits'")
        return None

    def fault(said: str) -> None:
        faults.add(shown, said)

    inputs = tuple(i.strip() for i in lines["inputs"][0].split(",") if i.strip())
    mart = Mart(
        name=path.stem,
        inputs=inputs,
        owner=_owner(lines.get("owner", []), fault),
        refresh_by=lines["refresh_by"][0] if "refresh_by" in lines else None,
        groups=_groups(lines.get("group", []), inputs, fault),
        shows=tuple(s.strip() for line in lines.get("shows", ()) for s in line.split(",")),
    )
    return MartDraft(shown, mart, text)


def _owner(lines: list[str], fault: Callable[[str], None]) -> Owner | None:
    if not lines:
        return None
    found = _OWNER.fullmatch(lines[0])
    if found is None or len(lines) > 1:
        fault(
            f"owner: {lines[-1]!r} should say once who is asked, such as"
            " 'Planning office <planning@city.example>', or"
            " 'Planning office <planning@city.example,airflow:planning_chat>'"
        )
        return None
    return owners.owner(found["name"], found["contact"].split(","), "", fault)


def _groups(
    lines: list[str], inputs: tuple[str, ...], fault: Callable[[str], None]
) -> dict[str, str]:
    groups: dict[str, str] = {}
    for line in lines:
        name, _, expression = (part.strip() for part in line.partition("="))
        if name not in inputs:
            hint = did_you_mean(name, inputs)
            fault(f"group: {name!r} is no input; allowed are {choice(inputs)}{hint}")
        elif not expression or name in groups:
            fault(
                f"group: {line!r} should say once how the group is computed, such as"
                f" '{name} = to_date(column)'"
            )
        else:
            groups[name] = expression
    return groups
