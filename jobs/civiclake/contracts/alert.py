"""Which rows of a mart are an alarm, and what is said of it to whom."""

from __future__ import annotations

import re
from collections.abc import Mapping

from civiclake.contracts.frozen import Frozen

OWN = "own"
"""Of an alert whose rows are the mart's."""
_BRACED = re.compile(r"\{([^{}]*)\}")


class Alert(Frozen):
    """One rule by which a mart's rows become alerts."""

    name: str
    """Unique in its mart."""
    where: str
    """SQL over one row of the mart: whether it is an alarm."""
    of: tuple[str, ...]
    """Columns that name the series; of each of their values one alert is open at most."""
    since: str
    """Column of a date: that of the first row of an unbroken run of alarms."""
    newest_by: str
    """Column of a date, the row's period: a series whose newest one is no alarm has ended."""
    says: str
    """The sentence, with columns of the mart in braces."""
    sure: str | None = None
    """Column of a number: how sure it is."""
    rows: str | None = None
    """Column under the mart's ``behind`` whose rows are those behind the alarm, or :data:`OWN`;
    None: the first one that counts rows, or else the mart's own rows."""
    owner: str | None = None
    """A department or an address; None: the mart's owner."""

    @property
    def said(self) -> list[str]:
        """Columns that the sentence names, each once."""
        return list(dict.fromkeys(_BRACED.findall(self.says)))

    @property
    def left_over(self) -> str:
        """The sentence without what stands in braces."""
        return _BRACED.sub("", self.says)

    def sentence(self, row: Mapping[str, str]) -> str:
        """What is said of one row.

        Args:
            row: the mart's columns as words.

        Raises:
            KeyError: the sentence names a column that the row has not.
        """
        return " ".join(_BRACED.sub(lambda found: row[found[1]], self.says).split())
