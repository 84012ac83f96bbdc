"""The walk from page to page; every page is kept as it came, and a walk can be taken up again.

Between two tries of a batch the pages of a broken walk are kept and not fetched again, where
that is sound: by cursor and by link the server itself says what comes next; by number and by
offset only when it also tells a total, which shows whether rows have moved since. Pages older
than an hour are fetched anew.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from civiclake.contracts.model import Dataset
from civiclake.contracts.rest import PagingKind
from civiclake.errors import SourceError
from civiclake.io.formats.json_values import DECODER, kind_of
from civiclake.io.sources.common import ask
from civiclake.io.sources.rest_client import Answer, Client, Gone

INDEX = "index.jsonl"
MAX_PAGES = 100_000
RESUME = timedelta(hours=1)
_BY_NUMBER = (PagingKind.PAGE, PagingKind.OFFSET)
_PARAMETERS = {PagingKind.PAGE: "page", PagingKind.OFFSET: "offset", PagingKind.CURSOR: "cursor"}


class Page(BaseModel):
    """A page that was fetched; the index beside the pages has a line for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    address: str
    """Without its parameters."""
    sha256: str
    """Of the body as it came, unpacked."""
    size_bytes: int
    records: int
    total: int | None
    following: str | None
    """Cursor or link to the next page."""
    fetched_at: AwareDatetime


@dataclass(frozen=True)
class Walk:
    """All pages of one request.

    Args:
        client: asks for them.
        dataset: the compiled contract.
        folder: keeps them.
        parameters: those that are the same for every page.
    """

    client: Client
    dataset: Dataset
    folder: Path
    parameters: Mapping[str, str]

    def run(self) -> list[Page]:
        """Fetch all pages, or what is missing of them."""
        pages = self._kept()
        resumed = bool(pages)
        if not pages:
            self._begin()
        try:
            return list(self._rest_of(pages))
        except Gone as error:
            if not resumed:
                raise SourceError(str(error)) from None
            self._begin()  # the cursor has expired: from the beginning, once
            return list(self._rest_of([]))

    def records(self, page: Page) -> list[Any]:
        """The records of a page that was kept."""
        return self._records(
            DECODER.decode(gzip.decompress(self._path(page).read_bytes()).decode("utf-8-sig"))
        )

    def forget(self) -> None:
        """Let all pages go."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _rest_of(self, pages: list[Page]) -> Iterator[Page]:
        yield from pages
        last = pages[-1] if pages else None
        count, seen = len(pages), sum(page.records for page in pages)
        followed = {page.following for page in pages}
        while last is None or self._goes_on(last, seen):
            if count == MAX_PAGES:
                raise SourceError(f"{self._named} has over {MAX_PAGES} pages: {ask(self.dataset)}")
            page = self._keep(count + 1, self.client.get(*self._request(last, count, seen)))
            if page.following and page.following in followed:
                raise SourceError(
                    f"{self._named} leads from page {count + 1} back to one before: "
                    f"{ask(self.dataset)} to mend its paging"
                )
            if last and page.records and page.sha256 == last.sha256 and not page.following:
                raise SourceError(
                    f"{self._named} gives the same page again: it does not know the parameter "
                    f"{self._parameter}: correct rest.paging in {self.dataset.path}, or "
                    f"{ask(self.dataset)}"
                )
            yield page
            followed.add(page.following)
            count, seen, last = count + 1, seen + page.records, page

    def _goes_on(self, last: Page, seen: int) -> bool:
        kind = self.dataset.source.rest.paging.kind
        if kind in _BY_NUMBER:
            # A page that is not full is no sign of the end: the server may give fewer.
            return last.records > 0 and (last.total is None or seen < last.total)
        return last.following is not None

    def _request(
        self, last: Page | None, count: int, seen: int
    ) -> tuple[httpx.URL, dict[str, str]]:
        paging = self.dataset.source.rest.paging
        if paging.kind is PagingKind.LINK and last and last.following:
            return self.client.same_place(last.following, self.client.location), {}
        found = dict(self.parameters)
        if paging.kind is not PagingKind.NONE and paging.size_parameter:
            found[paging.size_parameter] = str(paging.size)
        if paging.kind is PagingKind.PAGE:
            found[self._parameter] = str(paging.first + count)
        elif paging.kind is PagingKind.OFFSET:
            found[self._parameter] = str(seen)
        elif last and last.following:
            found[self._parameter] = last.following
        return self.client.location, found

    def _keep(self, number: int, answer: Answer) -> Page:
        self._refuse_error(answer.value)
        paging = self.dataset.source.rest.paging
        following = answer.next_link if paging.kind is PagingKind.LINK else None
        if paging.kind is PagingKind.CURSOR:
            word = at(answer.value, paging.next)
            following = None if word in (None, "", False) else str(word)
        page = Page(
            file=f"{number:06d}.json.gz",
            address=answer.shown,
            sha256=hashlib.sha256(answer.body).hexdigest(),
            size_bytes=len(answer.body),
            records=len(self._records(answer.value)),
            total=self._total(answer.value),
            following=following,
            fetched_at=datetime.now(UTC),
        )
        self._path(page).write_bytes(gzip.compress(answer.body, 1, mtime=0))
        with (self.folder / INDEX).open("a") as file:
            file.write(self.client.scrubbed(page.model_dump_json()) + "\n")
        return page

    def _records(self, value: Any) -> list[Any]:
        path = self.dataset.source.records
        found = at(value, path)
        if isinstance(found, list):
            return found
        where = f"{path} is {kind_of(found)}" if path else f"the body is {kind_of(value)}"
        held = f" (it holds {', '.join(value)[:200]})" if isinstance(value, dict) else ""
        raise SourceError(
            f"{self._named} answers without a list of records: {where}{held}: "
            f"correct `records` in {self.dataset.path}, or {ask(self.dataset)}"
        )

    def _refuse_error(self, value: Any) -> None:
        path = self.dataset.source.rest.error
        found = at(value, path) if path else None
        if found in (None, "", False):
            return
        said = found if isinstance(found, str) else json.dumps(found, default=str)
        said = self.client.scrubbed(" ".join(said.split()))[:200]
        raise SourceError(f"{self._named} answers with an error ({said}): {ask(self.dataset)}")

    def _total(self, value: Any) -> int | None:
        path = self.dataset.source.rest.paging.total
        if path is None:
            return None
        found = at(value, path)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        raise SourceError(
            f"{self._named} tells no total: {path} is {kind_of(found)}: correct "
            f"rest.paging.total in {self.dataset.path}, or {ask(self.dataset)}"
        )

    @property
    def _parameter(self) -> str:
        paging = self.dataset.source.rest.paging
        return paging.parameter or _PARAMETERS.get(paging.kind, "")

    @property
    def _named(self) -> str:
        return f"{self.dataset.id}: {self.client.location}"

    def _path(self, page: Page) -> Path:
        return self.folder / page.file

    def _identity(self) -> str:
        """The same for the same walk: what another one has fetched is of no use."""
        source = self.dataset.source.model_dump_json()
        asked = json.dumps([source, str(self.client.location), sorted(self.parameters.items())])
        return json.dumps({"walk": hashlib.sha256(asked.encode()).hexdigest()})

    def _begin(self) -> None:
        self.forget()
        self.folder.mkdir(mode=0o700)
        (self.folder / INDEX).write_text(self._identity() + "\n")

    def _kept(self) -> list[Page]:
        paging = self.dataset.source.rest.paging
        index = self.folder / INDEX
        if not index.exists() or (paging.kind in _BY_NUMBER and paging.total is None):
            return []
        first, *lines = index.read_text().splitlines()
        if first != self._identity():
            return []
        try:
            pages = [Page.model_validate_json(line) for line in lines]
        except ValidationError:
            return []
        fresh = not pages or pages[0].fetched_at > datetime.now(UTC) - RESUME
        return pages if fresh and all(self._path(page).exists() for page in pages) else []


def at(value: Any, path: str | None) -> Any:
    """What a dotted path leads to, or None."""
    for step in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value
