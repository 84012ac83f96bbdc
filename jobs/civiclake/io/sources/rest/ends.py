"""Where a walk through pages ends, and whether its end can be believed.

A walk that ends too early loses rows without a word, and moves the watermark past them. So a
first page that leads nowhere is refused where it is full, where the way to the next cursor is
not in it at all, or where the answer itself speaks of more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from civiclake.contracts.model import Dataset
from civiclake.contracts.rest import End, Paging, PagingKind
from civiclake.errors import SourceError
from civiclake.io.landing.delivery import ask
from civiclake.io.sources.rest.page import Page

BY_NUMBER = (PagingKind.PAGE, PagingKind.OFFSET)
_BY_NEXT = (PagingKind.CURSOR, PagingKind.LINK)


@dataclass
class Trail:
    """The pages of a walk so far.

    Args:
        dataset: the compiled contract.
        named: the dataset and its server, as a sentence begins.
        parameter: under which the next page is asked for.
    """

    dataset: Dataset
    named: str
    parameter: str
    pages: list[Page] = field(default_factory=list)
    seen: int = 0
    _followed: set[str | None] = field(default_factory=set)

    def add(self, page: Page) -> None:
        """One page more."""
        self.pages.append(page)
        self.seen += page.records
        self._followed.add(page.following)

    @property
    def last(self) -> Page | None:
        """The newest page."""
        return self.pages[-1] if self.pages else None

    @property
    def total(self) -> int | None:
        """The total that the contract names, as it was told last."""
        return told(self.pages)

    def goes_on(self) -> bool:
        """Whether there is one more page to ask for."""
        last = self.last
        if last is None:
            return True
        if self._paging.kind in BY_NUMBER:
            # A page that is not full is no sign of the end: the server may give fewer.
            return last.records > 0 and (self.total is None or self.seen < self.total)
        if last.records == 0 and last.says_last:
            return False
        return last.following is not None

    def ends_with(self, page: Page) -> bool:
        """Whether this answer only says that the last page was the last.

        Raises:
            SourceError: it leads in a circle.
        """
        last = self.last
        if last is None:
            return False
        if page.records == 0 and page.following and page.following == last.following:
            return True  # a cursor that does not move: nothing new behind it
        if page.following and page.following in self._followed:
            again = page.content == last.content
            asked = f": does it know {self.parameter}?" if self.parameter else ""
            known = f" (the same page again{asked})" if again else ""
            raise SourceError(
                f"{self.named} leads from page {len(self.pages) + 1} back to one before{known}: "
                f"{ask(self.dataset)} to mend its paging, or correct rest.paging in {self._path}"
            )
        if page.records and page.content == last.content and not page.following:
            return self._repeats(last)
        return False

    def ends_unknown(self) -> bool:
        """Whether a server that does not know the page asked for says so that there is none."""
        last = self.last
        if last is None or self._paging.kind not in BY_NUMBER:
            return False
        if self._paging.end is End.NOT_FOUND:
            return True
        return self.total is None and (self._shrinks(last) or last.says_last)

    def unknown_hint(self) -> str:
        """What the contract can say if it does not."""
        if not self.pages or self._paging.kind not in BY_NUMBER:
            return ""
        return " (if that is how its pages end, name paging.total or say `end: not_found`)"

    def check_end(self) -> None:
        """Believe the end of the walk, or refuse it.

        Raises:
            SourceError: rows are missing for all that can be seen.
        """
        paging, (first, *_) = self._paging, self.pages
        if paging.end is not None or not self.seen:
            return
        if paging.total is None:
            self._check_told()
        if paging.kind not in _BY_NEXT:
            if len(self.pages) == 1 and first.says_next:
                self._refuse_one_page(first)
        elif self.seen != self.total and not any(page.names_next for page in self.pages):
            self._refuse_no_next(first)

    def _refuse_one_page(self, first: Page) -> None:
        paging = self._paging
        why = f"{self._path} reads one: set rest.paging there"
        if paging.kind in BY_NUMBER:
            why = f"`{paging.total}` counts those of the page: correct rest.paging in {self._path}"
        vouch = ", or say `end: no_next` if all records came" * (paging.kind is PagingKind.NONE)
        raise SourceError(
            f"{self.named} has more than one page (`{first.says_next}` leads to the next), and "
            f"{why}{vouch}; or {ask(self.dataset)}"
        )

    def _refuse_no_next(self, first: Page) -> None:
        paging = self._paging
        place = f"`{paging.next}`" if paging.next else "a `Link` header"
        if first.says_next:
            why = f"the answer leads on at `{first.says_next}`"
        elif first.total_says is not None and first.total_says == first.records:
            return
        elif not first.has_way:
            why = f"nothing in the answer is on the way to it (it holds {first.holds})"
        elif first.records >= paging.size:
            why = f"the page is full ({first.records} records for rest.paging.size {paging.size})"
        else:
            return
        raise SourceError(
            f"{self.named} gives no next page at {place}, but {why}: correct rest.paging in "
            f"{self._path}, or say `end: no_next` there if a page without it is the last; or "
            f"{ask(self.dataset)}"
        )

    def _check_told(self) -> None:
        last = next((page for page in reversed(self.pages) if page.total_says is not None), None)
        if last is None or (last.total_says or 0) <= self.seen:
            return
        raise SourceError(
            f"{self.named} tells of {last.total_says} records at `{last.total_path}`, and "
            f"{self.seen} came in {len(self.pages)} pages: correct rest.paging in {self._path} "
            f"(name it as `total`), say there what is the `end` if it counts something else, or "
            f"{ask(self.dataset)}"
        )

    def _repeats(self, last: Page) -> bool:
        if self._paging.end is End.REPEATED_PAGE:
            return True
        if self._paging.kind in BY_NUMBER and len(self.pages) > 1:
            # The parameter is known, for it brought other pages; what is cut short is the last.
            if self._shrinks(last) or last.says_last:
                return True
            raise SourceError(
                f"{self.named} gives page {len(self.pages)} again, which is full: name "
                f"paging.total in {self._path}, or say `end: repeated_page` there if the server "
                f"repeats its last page; or {ask(self.dataset)}"
            )
        raise SourceError(
            f"{self.named} gives the same page again: it does not know the parameter "
            f"{self.parameter}: correct rest.paging in {self._path}, or {ask(self.dataset)}"
        )

    def _shrinks(self, last: Page) -> bool:
        return len(self.pages) > 1 and last.records < self.pages[0].records

    @property
    def _paging(self) -> Paging:
        return self.dataset.source.rest.paging

    @property
    def _path(self) -> str:
        return self.dataset.path


def told(pages: Sequence[Page]) -> int | None:
    """The total that was told last; an answer without a body tells none."""
    return next((page.total for page in reversed(pages) if page.total is not None), None)
