"""Texts made comparable: one writing for what people write in many ways."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

_COMPOUND_SURNAMES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠"
    "公孙慕容仲孙钟离长孙宇文司徒鲜于司空闾丘令狐百里呼延东郭南门西门拓跋"
)
_COMPOUND = frozenset(re.findall("..", _COMPOUND_SURNAMES))
_HAN = re.compile(r"[㐀-鿿豈-﫿]+")
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_PHONE_DIGITS = 11
"""A mobile number of the mainland; what stands before it is a country's or carrier's code."""
_SHORTEST_PHONE = 5


def plain(text: str | None) -> str | None:
    """Lower case, full-width forms as half-width, one blank between words, no punctuation."""
    if text is None:
        return None
    kept = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", kept).split()) or None


def split_name(text: str | None) -> tuple[str | None, str | None]:
    """Family and given name.

    Han names begin with the family name, of one character or one of the known pairs; of
    others the last word is taken for it, which need only be done alike for all.
    """
    name = plain(text)
    if name is None:
        return None, None
    joined = name.replace(" ", "")
    if _HAN.fullmatch(joined):
        size = 2 if joined[:2] in _COMPOUND and len(joined) > 2 else 1
        return joined[:size], joined[size:] or None
    given, _, family = name.rpartition(" ")
    return family, given or None


def digits(text: str | None) -> str | None:
    """The telephone number without codes of countries and signs; None for a stub."""
    if text is None:
        return None
    found = re.sub(r"\D", "", unicodedata.normalize("NFKC", text))[-_PHONE_DIGITS:]
    return found if len(found) >= _SHORTEST_PHONE and len(set(found)) > 1 else None


def iso_date(text: str | None) -> str | None:
    """A day as ``yyyy-mm-dd``; None for what is no day."""
    found = _DATE.match(text.strip()) if text else None
    if found is None:
        return None
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError:
        return None


def compact(text: str | None) -> str | None:
    """An identifier without blanks and signs, in capitals."""
    if text is None:
        return None
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)).upper() or None


def verified_citizen_id(text: str | None) -> str | None:
    """The number, if its check digit (GB 11643) is right and it holds a day of birth.

    Whether its region is known is no part of this: lists of regions are never complete.
    """
    number = compact(text)
    if number is None or len(number) != 18 or not number[:-1].isdecimal():
        return None
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return None
    return number if number[-1] == ric.calc_check_digit(number) else None


def verified_credit_code(text: str | None) -> str | None:
    """The code, if its check character (GB 32100) is right."""
    code = compact(text)
    return code if code is not None and uscc.is_valid(code) else None
