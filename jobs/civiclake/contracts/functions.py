"""Functions that make marts, read from their source: nothing is imported, nothing runs.

Only those of ``civiclake.applications`` are marts' steps, so that what a city's contracts name is
always code of the installation, and never of whoever may write a file.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "civiclake.applications"
_FOLLOWED = (PACKAGE, "civiclake.statistics")
"""What a step is made of, as far as a change of it gives other figures."""
_ROOT = Path(__file__).resolve().parents[2]
"""Where the package ``civiclake`` stands."""
ARGUMENTS = 2
"""A step takes its inputs and its parameters."""


def is_named(step: str) -> bool:
    """Whether it is the name of a function that may be a step at all."""
    return step.startswith(f"{PACKAGE}.") and all(part.isidentifier() for part in step.split("."))


def arguments(step: str) -> list[str] | None:
    """Names of the arguments that a function takes; None where there is no such function.

    Args:
        step: its whole name, such as ``civiclake.applications.transit.trips.build``.
    """
    module, _, name = step.rpartition(".")
    file = _file(module)
    if file is None:
        return None
    return _functions(file).get(name)


def known() -> list[str]:
    """The whole names of all functions that could be a step."""
    folder = _ROOT.joinpath(*PACKAGE.split("."))
    found = []
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        found += [f"{module.removesuffix('.__init__')}.{name}" for name in _steps(path)]
    return found


def digest(step: str) -> str:
    """What tells one version of a function from another: its source, and what it imports.

    Args:
        step: the function's whole name.
    """
    waiting = [step.rpartition(".")[0]]
    seen: dict[str, bytes] = {}
    while waiting:
        module = waiting.pop()
        file = _file(module)
        if file is None or module in seen:
            continue
        seen[module] = file.read_bytes()
        waiting += _imports(ast.parse(seen[module]))
    made = hashlib.sha256()
    for module in sorted(seen):
        made.update(f"{module} {hashlib.sha256(seen[module]).hexdigest()}\n".encode())
    return made.hexdigest()


def _file(module: str) -> Path | None:
    way = _ROOT.joinpath(*module.split("."))
    for path in (way.with_suffix(".py"), way / "__init__.py"):
        if path.is_file():
            return path
    return None


def _functions(file: Path) -> dict[str, list[str]]:
    tree = ast.parse(file.read_bytes())
    return {
        node.name: [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def _steps(file: Path) -> list[str]:
    found = _functions(file)
    return [n for n, given in found.items() if len(given) == ARGUMENTS and not n.startswith("_")]


def _imports(tree: ast.Module) -> Iterator[str]:
    """Modules of ours that a module imports, wherever in it."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.startswith(_FOLLOWED))
