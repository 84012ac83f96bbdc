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
from pydantic import ValidationError

from civiclake.contracts.model import Dataset
from civiclake.contracts.rest import PagingKind
from civiclake.errors import SourceError
from civiclake.io.formats.json_path import MISSING, find
from civiclake.io.formats.json_values import DECODER
from civiclake.io.landing.delivery import ask
from civiclake.io.sources.rest.client import Answer, Client, Gone
from civiclake.io.sources.rest.ends import BY_NUMBER, Trail
from civiclake.io.sources.rest.page import Page, page_of
from civiclake.io.sources.rest.records import records_of

INDEX = "index.jsonl"
MAX_PAGES = 100_000
RESUME = timedelta(hours=1)
_ADDRESSES = ("https://", "http://")
_PARAMETERS = {PagingKind.PAGE: "page", PagingKind.OFFSET: "offset", PagingKind.CURSOR: "cursor"}


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
        body = gzip.decompress(self._path(page).read_bytes()).decode("utf-8-sig")
        return records_of(DECODER.decode(body) if body.strip() else None, self.dataset, self._named)

    def forget(self) -> None:
        """Let all pages go."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _rest_of(self, kept: list[Page]) -> Iterator[Page]:
        trail = Trail(self.dataset, self._named, self._parameter)
        for page in kept:
            trail.add(page)
            yield page
        while trail.goes_on():
            if len(trail.pages) == MAX_PAGES:
                raise SourceError(f"{self._named} has over {MAX_PAGES} pages: {ask(self.dataset)}")
            answer = self._ask(trail)
            if answer is None:
                break
            self._refuse_error(answer.value)
            page = page_of(answer, len(trail.pages) + 1, self.dataset, self._named)
            if trail.ends_with(page):
                break
            self._keep(page, answer.body)
            yield page
            trail.add(page)
        trail.check_end()

    def _ask(self, trail: Trail) -> Answer | None:
        """The next page, or None when the server knows none and that is the end."""
        try:
            return self.client.get(*self._request(trail))
        except Gone as error:
            if trail.ends_unknown():
                return None
            raise Gone(f"{error}{trail.unknown_hint()}") from None

    def _request(self, trail: Trail) -> tuple[httpx.URL, dict[str, str]]:
        paging, last = self.dataset.source.rest.paging, trail.last
        following = last.following if last else None
        if following and (paging.kind is PagingKind.LINK or following.startswith(_ADDRESSES)):
            return self.client.same_place(following, self.client.location), {}
        found = dict(self.parameters)
        if paging.kind is not PagingKind.NONE and paging.size_parameter:
            found[paging.size_parameter] = str(paging.size)
        if paging.kind is PagingKind.PAGE:
            found[self._parameter] = str(paging.first + len(trail.pages))
        elif paging.kind is PagingKind.OFFSET:
            found[self._parameter] = str(trail.seen)
        elif following:
            found[self._parameter] = following
        return self.client.location, found

    def _keep(self, page: Page, body: bytes) -> None:
        self._path(page).write_bytes(gzip.compress(body, 1, mtime=0))
        with (self.folder / INDEX).open("a") as file:
            file.write(self.client.scrubbed(page.model_dump_json()) + "\n")

    def _refuse_error(self, value: Any) -> None:
        path = self.dataset.source.rest.error
        found = find(value, path) if path else None
        if found is MISSING or found in (None, "", False):
            return
        said = found if isinstance(found, str) else json.dumps(found, default=str)
        said = self.client.scrubbed(" ".join(said.split()))[:200]
        raise SourceError(f"{self._named} answers with an error ({said}): {ask(self.dataset)}")

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
        if not index.exists() or (paging.kind in BY_NUMBER and paging.total is None):
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
