"""The pages of the brief, read from the files beside an application's marts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from civiclake.contracts.page import FILE, Page
from civiclake.contracts.read import extension
from civiclake.contracts.read.document import Document, read_yaml
from civiclake.contracts.read.faults import Faults


@dataclass(frozen=True)
class PageDraft:
    """A page's file as far as it could be read."""

    document: Document
    page: Page | None


def read_pages(folder: Path, faults: Faults) -> list[PageDraft]:
    """Every page that stands beside an application's marts."""
    found = []
    for path in sorted(folder.glob(f"*/{FILE}")):
        shown = f"{folder.name}/{path.parent.name}/{FILE}"
        document = read_yaml(path, shown, faults)
        if document is None:
            continue
        said = extension.parse(Page, document.data, (), document, faults)
        page = said and said.model_copy(update={"application": path.parent.name})
        for word in ("application", "marts"):
            if page and word in document.data:
                message = "is what the folder and the queries say; leave it out"
                document.fault(faults, (word,), message)
        found.append(PageDraft(document, page))
    return found
