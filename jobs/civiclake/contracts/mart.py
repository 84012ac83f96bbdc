"""The head of a mart's SQL file: what it reads, and by which groups it can be refreshed.

```sql
-- inputs: health.visits, meteorology.daily
-- refresh_by: day
-- group: health.visits = to_date(visited_at)
-- group: meteorology.daily = date
```

``refresh_by`` names a column of the mart. A row of an input belongs to the group that its
``group`` line computes, and touches the mart's rows of that group alone. An input without such a
line, or with a change that no feed tells, makes the whole mart be built anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from civiclake.contracts.model import Mart
from civiclake.contracts.read.faults import Faults, choice, did_you_mean

UNIFIED_NAME = re.compile(r"\bunified\.(\w+)")
"""How a query names an input."""
_LINE = re.compile(
    r"^--[ \t]*(?P<word>inputs|refresh_by|group):[ \t]*(?P<said>.*?)[ \t]*$", re.MULTILINE
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
_WORD = re.compile(r"`?\b([A-Za-z_]\w*)\b`?(\s*\()?")
_SQL_WORDS = {
    "and", "as", "between", "bigint", "case", "date", "day", "else", "end", "hour", "in", "int",
    "interval", "is", "month", "not", "null", "or", "string", "then", "timestamp", "true", "when",
    "year",
}  # fmt: skip
_FICKLE = re.compile(
    r"\b(current_date|current_timestamp|current_time|curdate|now|localtimestamp|rand|randn|uuid|"
    r"shuffle|monotonically_increasing_id|input_file_name|tablesample)\b",
    re.IGNORECASE,
)
"""What gives another value at another time, or hangs on more than a row's group."""


def read_mart(path: Path, shown: str, faults: Faults) -> Mart | None:
    """Read a mart's head and hold its query against it.

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
    inputs = tuple(i.strip() for i in lines["inputs"][0].split(",") if i.strip())
    groups = _groups(lines.get("group", []), inputs, lambda said: faults.add(shown, said))
    by = lines["refresh_by"][0] if "refresh_by" in lines else None
    mart = Mart(name=path.stem, inputs=inputs, refresh_by=by, groups=groups)
    if by is None and not groups:
        return mart
    query = _TEXT.sub("''", _COMMENT.sub("", text))
    for fault in _refresh_faults(mart, query):
        faults.add(shown, fault)
    return mart


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


def _refresh_faults(mart: Mart, query: str) -> list[str]:
    """Why the mart could not be refreshed by groups."""
    faults = []
    if mart.refresh_by is None:
        faults.append("says group, but no refresh_by: wanted is the mart's column, such as 'day'")
    elif not re.search(rf"\b{re.escape(mart.refresh_by)}\b", query):
        faults.append(f"refresh_by: the query gives no column {mart.refresh_by!r}")
    if not mart.groups:
        faults.append(
            "says refresh_by, but no group: wanted is a line such as"
            " '-- group: health.visits = to_date(visited_at)'"
        )
    named = set(UNIFIED_NAME.findall(query))
    wanted = {i.replace(".", "_", 1) for i in mart.inputs}
    others = {f"unified.{name}" for name in named - wanted}
    if len(re.findall(r"\bunified\b", query)) != len(UNIFIED_NAME.findall(query)):
        others.add("a table of unified in other words than unified.<table>")
    others |= {f"{layer}.*" for layer in re.findall(r"\b(marts|ops|raw|delta)\s*\.", query)}
    if others:
        faults.append(
            f"refresh_by: the query reads {', '.join(sorted(others))}; allowed are its inputs"
            f" alone, as {choice(f'unified.{name}' for name in sorted(wanted))}"
        )
    fickle = sorted({word.lower() for word in _FICKLE.findall(query)})
    if fickle:
        faults.append(
            f"refresh_by: {', '.join(fickle)} gives another value each time; leave it out, or"
            " leave refresh_by out"
        )
    return faults


def group_faults(mart: Mart, columns: Mapping[str, Collection[str]]) -> list[str]:
    """What is wrong with the group lines, by the columns that the inputs serve.

    Args:
        mart: with its groups.
        columns: of each dataset, by its id.
    """
    faults = []
    for name, expression in mart.groups.items():
        known = columns.get(name)
        if known is None:
            continue
        bare = _TEXT.sub("''", expression)
        words = [word for word, opens in _WORD.findall(bare) if not opens]
        unknown = [w for w in words if w not in known and w.lower() not in _SQL_WORDS]
        for word in unknown:
            hint = did_you_mean(word, known)
            faults.append(
                f"group: {name} serves no column {word!r}; allowed are"
                f" {choice(sorted(known))}{hint}"
            )
        if not unknown and not any(word in known for word in words):
            faults.append(f"group: {expression!r} names no column of {name}")
        if ";" in bare or _FICKLE.search(bare) or re.search(r"\b(select|over)\b", bare, re.I):
            faults.append(f"group: {expression!r} should hang on one row of {name} alone")
    return faults
