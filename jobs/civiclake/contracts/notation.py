"""How a source writes values: blanks, numbers, epochs, and which times say their zone.

Patterns here are read by Python and by Spark's JVM alike, so that a sample and a load agree.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator

BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What is no part of a value at its ends: Unicode's White_Space, the zero-width space and the
byte order mark. The engine knows them by heart (``jvm/``'s ``PlainText``)."""

_BLANK_GROUPS = " \xa0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_GROUPS = f".,_{_BLANK_GROUPS}{_APOSTROPHES}"
_SIGN = r"[+\-\u2212]"
_PERCENT = r"[%\uff05]"
_ZONE_LETTERS = frozenset("zZXxVvO")
_UTC_NAMES = dict.fromkeys(("Z", "UTC", "GMT", "UT"), "+00:00")
_RFC_5322 = {
    "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00",
    "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00",
}  # fmt: skip
"""The names that internet messages may use, with the offsets that they mean there."""


def strip(text: str) -> str:
    """The text without blanks of any kind around it, as the load reads it."""
    return text.strip(BLANKS)


class Epoch(StrEnum):
    """The unit in which a source counts from 1970-01-01T00:00:00Z."""

    SECONDS = "s"
    MILLISECONDS = "ms"

    @property
    def per_second(self) -> int:
        """How many there are in a second."""
        return 1000 if self is Epoch.MILLISECONDS else 1


class Percent(StrEnum):
    """What a percent sign does."""

    DIVIDE = "divide"
    """``12.5%`` is 0.125."""
    KEEP = "keep"
    """``12.5%`` is 12.5."""


class NumberNotation(BaseModel):
    """How a source writes its numbers; a text of another form is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal: str = "."
    """The decimal mark."""
    group: str | None = None
    """What stands between groups of three digits; a blank or an apostrophe is any of its kind."""
    strip: tuple[str, ...] = ()
    """Words that may stand before or after the number, such as a currency."""
    percent: Percent | None = None
    """Whether a percent sign may follow, and what it does."""

    @field_validator("decimal")
    @classmethod
    def _check_decimal(cls, value: str) -> str:
        if value not in (".", ","):
            raise ValueError("allowed is '.' or ','")
        return value

    @field_validator("group")
    @classmethod
    def _check_group(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value not in _GROUPS):
            raise ValueError("allowed is '.', ',', a blank, an apostrophe or '_'")
        return value

    @property
    def groups(self) -> str:
        """The characters that separate groups of digits."""
        for kind in (_BLANK_GROUPS, _APOSTROPHES):
            if self.group is not None and self.group in kind:
                return kind
        return self.group or ""

    @property
    def pattern(self) -> str:
        """The whole text: two places for a sign, whole digits, decimals, exponent.

        Groups are of three digits, with commas also of two before the last three, as in India;
        digits without any group are a number too.
        """
        whole = r"\d+"
        if self.groups:
            mark = f"[{re.escape(self.groups)}]"
            whole = rf"\d{{1,3}}(?:{mark}\d{{3}})+|\d+"
            if self.group == ",":
                whole = rf"\d{{1,2}}(?:,\d{{2}})+,\d{{3}}|{whole}"
        point = re.escape(self.decimal)
        number = rf"(?={point}?\d)((?:{whole})?)(?:{point}(\d+))?"
        tail = r"([eE][+-]?\d{1,3})?"
        if self.percent is not None:
            tail = rf"(?:([eE][+-]?\d{{1,3}})|[{BLANKS}]*{_PERCENT})?"
        if not self.strip:
            return rf"^({_SIGN}?)()" + number + tail + "$"
        longest_first = sorted(self.strip, key=len, reverse=True)
        word = f"(?:{'|'.join(re.escape(w) for w in longest_first)})"
        gap = f"[{BLANKS}]*"
        head = rf"(?:({_SIGN}?)(?:{gap}{word}{gap})?|{word}{gap}({_SIGN}))"
        return f"^{head}{number}{tail}(?:{gap}{word})?$"

    def plain(self, text: str) -> str | None:
        """The number as every program writes it; None where the text is of another form."""
        found = re.fullmatch(self.pattern, text)
        if found is None:
            return None
        sign, late, whole, decimals, exponent = (part or "" for part in found.groups())
        made = (sign + late).replace("\u2212", "-")
        made += "".join(digit for digit in whole if digit.isdigit())
        made += f".{decimals}{exponent}"
        divided = self.percent is Percent.DIVIDE and re.search(_PERCENT, text)
        return f"{made}e-2" if divided else made


PERCENT = _PERCENT
"""What says per cent."""
MINUS = "\u2212"
"""The typographer's minus sign."""


def local_pattern(pattern: str) -> str | None:
    """The part of a time's pattern that texts without a zone follow.

    Args:
        pattern: of the JDK's DateTimeFormatter. A ``Z`` that stands in it as a mere letter
            (``'Z'``) says UTC, as it does wherever a time ends with it.

    Returns:
        The pattern without the optional sections that hold a zone or an offset; None where
        every text says its zone.
    """
    sections: list[str] = [""]
    zoned: list[bool] = [False]
    for part in re.findall(r"'(?:[^']|'')*'|[^']", pattern):
        if part == "[":
            sections.append("")
            zoned.append(False)
        elif part == "]" and len(sections) > 1:
            inner, said = sections.pop(), zoned.pop()
            sections[-1] += "" if said else f"[{inner}]"
        else:
            sections[-1] += part
            zoned[-1] |= part in _ZONE_LETTERS or (part.strip("'") in _UTC_NAMES and part != "Z")
    return None if any(zoned) else "".join(sections)


def names_zones(pattern: str) -> bool:
    """Whether texts of a time's pattern give their zone by a short name, such as ``EST``."""
    bare = re.sub(r"'[^']*'", "", pattern)
    return re.search(r"(?<!z)z{1,3}(?!z)", bare) is not None


def by_offset(pattern: str) -> str:
    """The same pattern for texts whose zone's short name was replaced by its offset."""
    parts = re.split(r"('[^']*')", pattern)
    return "".join(p if p.startswith("'") else re.sub(r"z{1,3}", "XXX", p) for p in parts)


@cache
def zone_offsets(timezone: str) -> dict[str, str]:
    """What short names of zones mean in a column: those of its own zone go before others.

    ``CST`` is another hour in Shanghai than in Chicago, and ``EST`` is never summer time.

    Args:
        timezone: the column's zone.
    """
    own = {}
    zone = ZoneInfo(timezone)
    for year in range(1990, 2031):
        for month in (1, 7):
            moment = datetime(year, month, 1, tzinfo=UTC).astimezone(zone)
            name = moment.tzname() or ""
            if name.isalpha():
                own[name] = moment.isoformat()[-6:]
    return {**_RFC_5322, **own, **_UTC_NAMES}
