"""Read a whole city: every contract, shared column, code list, suite and mart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from civiclake.contracts.dataset import Draft, compile_contract
from civiclake.contracts.mart import CONTRACT, QUERY, MartDraft, read_mart
from civiclake.contracts.page_read import PageDraft, read_pages
from civiclake.contracts.read.document import Document, read_json, read_yaml
from civiclake.contracts.read.faults import Faults
from civiclake.contracts.read.library import CODES, COLUMNS, Library, read_library
from civiclake.contracts.rules.suites import suite_rules


@dataclass
class City:
    """Everything that was read, sound or not."""

    schemas_dir: Path
    expectations_dir: Path
    marts_dir: Path
    faults: Faults = field(default_factory=Faults)
    drafts: list[Draft] = field(default_factory=list)
    marts: list[MartDraft] = field(default_factory=list)
    pages: list[PageDraft] = field(default_factory=list)
    library: Library = field(default_factory=Library)
    fingerprint: str = ""

    def draft(self, dataset_id: str) -> Draft | None:
        """The contract of that id, read or not."""
        return next((d for d in self.drafts if d.id == dataset_id), None)


def read_city(schemas_dir: Path, expectations_dir: Path, marts_dir: Path) -> City:
    """Read all files; faults of single files are noted, those across files not yet."""
    city = City(schemas_dir, expectations_dir, marts_dir)
    if not schemas_dir.is_dir():
        city.faults.add(str(schemas_dir), "no such folder; it holds the contracts")
        return city
    shared = city.library = read_library(schemas_dir, city.faults)
    for path in _contract_files(city):
        document = read_yaml(path, _shown(path, schemas_dir), city.faults)
        if document is not None:
            city.drafts.append(compile_contract(document, shared, city.faults))
    if not city.drafts and not len(city.faults):
        city.faults.add(str(schemas_dir), "no contract found in <department>/<dataset>.yaml")
    city.marts = _read_marts(marts_dir, shared, city.faults)
    city.pages = read_pages(marts_dir, city.faults)
    _add_suites(city)
    city.fingerprint = fingerprint(schemas_dir, expectations_dir, marts_dir)
    return city


def _shown(path: Path, root: Path) -> str:
    return f"{root.name}/{path.relative_to(root).as_posix()}"


def _contract_files(city: City) -> list[Path]:
    """The contracts; YAML files that stand elsewhere are faults, not silence."""
    found = []
    for path in sorted(city.schemas_dir.rglob("*")):
        way = path.relative_to(city.schemas_dir).parts
        if not path.is_file() or path.suffix not in (".yaml", ".yml", ".json"):
            continue
        if way[0] in (COLUMNS, CODES) and len(way) == 2 and path.suffix == ".yaml":
            continue
        if len(way) == 2 and path.suffix == ".yaml" and not way[0].startswith("_"):
            found.append(path)
            continue
        shown = _shown(path, city.schemas_dir)
        root = city.schemas_dir.name
        city.faults.add(
            shown, f"stands in the wrong place; allowed is {root}/<department>/<name>.yaml"
        )
    return found


def _add_suites(city: City) -> None:
    marts = {draft.id: draft for draft in city.marts}
    for path in sorted(city.expectations_dir.rglob("*.json")):
        shown = _shown(path, city.expectations_dir)
        way = path.relative_to(city.expectations_dir).parts
        if len(way) != 2:
            wanted = f"{city.expectations_dir.name}/<department>/<dataset>.json"
            city.faults.add(shown, f"stands in the wrong place; allowed is {wanted}")
            continue
        draft = city.draft(f"{way[0]}.{path.stem}") or marts.get(f"{way[0]}.{path.stem}")
        if draft is None:
            contract = f"{city.schemas_dir.name}/{way[0]}/{path.stem}.yaml"
            if way[0] == "marts":
                contract = f"marts/<application>/{path.stem}/{CONTRACT}"
            city.faults.add(shown, f"there is no such dataset; wanted is {contract}")
            continue
        document = read_json(path, shown, city.faults)
        if document is not None:
            _add_suite(draft, document, city.faults)


def _add_suite(draft: Draft | MartDraft, document: Document, faults: Faults) -> None:
    made = draft.mart if isinstance(draft, MartDraft) else draft.dataset
    taken = made.rules if made else ()
    rules = suite_rules(document, draft.id, draft.compiled.kinds, taken, faults)
    update = {"rules": (*taken, *rules)}
    if isinstance(draft, MartDraft):
        draft.mart = draft.mart and draft.mart.model_copy(update=update)
    else:
        draft.dataset = draft.dataset and draft.dataset.model_copy(update=update)


def _read_marts(folder: Path, shared: Library, faults: Faults) -> list[MartDraft]:
    """A mart is a folder with its contract; what stands elsewhere is a fault, not silence."""
    found: dict[str, MartDraft] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        way = path.relative_to(folder).parts
        if not path.is_file() or "cases" in way[2:3]:
            continue
        if len(way) != 3 or path.name not in (CONTRACT, QUERY):
            if _is_misplaced(path, len(way)):
                name = way[1] if len(way) > 2 else path.stem
                wanted = f"{folder.name}/<application>/{name}/{CONTRACT}"
                message = "stands in the wrong place; a mart is a folder: its contract in"
                shown = _shown(path, folder)
                faults.add(shown, f"{message} {wanted}, its query beside it in {QUERY}")
            continue
        if path.name == QUERY and not path.with_name(CONTRACT).is_file():
            faults.add(_shown(path, folder), f"has no contract; wanted is {CONTRACT} beside it")
        if path.name != CONTRACT:
            continue
        draft = read_mart(path.parent, _shown(path.parent, folder), shared, faults)
        if draft is None:
            continue
        first = found.setdefault(draft.id, draft)
        if first is not draft:
            message = f"fills table {draft.id!r}, which {first.shown} fills already; rename one"
            draft.document.fault(faults, ("id",), message)
    return list(found.values())


def _is_misplaced(path: Path, depth: int) -> bool:
    """Whether a file would be a mart's, if it stood in its folder.

    What the marts of an application share may stand beside their folders, such as a table of kinds.
    """
    if path.suffix not in (".yaml", ".yml", ".sql"):
        return False
    is_contract = "DataContract" in path.read_text(encoding="utf-8", errors="replace")
    return depth != 2 or path.suffix == ".sql" or is_contract


def fingerprint(*folders: Path) -> str:
    """SHA-256 over the name and the bytes of every file that says something."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.suffix in (".yaml", ".csv", ".json", ".sql"):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{_shown(path, folder)} {content}\n".encode())
    return digest.hexdigest()
