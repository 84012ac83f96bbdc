"""Which columns seem to hold what identifies a person: by their names, and by their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stdnum.cn import ric

from civiclake.contracts.model import Protection

_ENOUGH = 0.6
"""Share of the values that must look like it."""
_FIRST = 100
"""So many values are looked at first: in most columns next to none of them looks like it."""
_CITIZEN_ID = re.compile(r"[1-9]\d{5}(18|19|20)\d{9}[\dX]")
_MOBILE = re.compile(r"(\+?86[- ]?)?1[3-9]\d{9}")
_PHONE = re.compile(r"\+\d[\d ()-]{6,16}\d|0\d{2,3}-\d{7,8}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁于蒋蔡余杜叶程"
    "苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚"
    "邵万钱严覃武戴莫孔向汤"
)
_HAN_NAME = re.compile(r"[\u4e00-\u9fff]{2,4}")
_PERSON = (
    r"(patient|person|citizen|resident|full|first|last|middle|family|given|sur|maiden|student|pupil"
    r"|teacher|holder|contact|applicant|driver|parent|mother|father|guardian|employee|doctor"
    r"|victim|suspect|reader|member|customer|insured)"
)
_NAMES = (
    ("ID number", r"(id_?(card|number|no)|citizen_?(id|no)|national_?id|identity(_?(no|number))?"
     r"|resident_?id|ssn|passport(_?(no|number))?|sfzh?|shenfenzheng)|.*身份证.*|.*证件号.*"),
    ("name", rf"{_PERSON}_?name|xing_?ming|xm|.*姓名.*"),
    ("phone", r".*(phone|mobile|telephone|handset|dianhua|shouji)(_?(no|number))?|tel"
     r"|.*(电话|手机).*"),
    ("e-mail address", r".*e_?mail(_?address)?|.*邮箱.*"),
    ("address", r"(home|street|postal|mailing|residence|residential|contact|living)_?address"
     r"|address(_?line)?_?\d?|.*(住址|地址).*"),
)  # fmt: skip


@dataclass(frozen=True)
class Suspicion:
    """What a column seems to hold, and how it should be protected."""

    what: str
    why: str

    @property
    def protection(self) -> Protection:
        """An ID number leads from table to table, as a pseudonym; the rest goes no further."""
        return Protection.PSEUDONYM if self.what == "ID number" else Protection.DROP


def suspect(name: str, values: Sequence[str]) -> Suspicion | None:
    """What of a person the column seems to hold, or None.

    Args:
        name: of the column in the source, in snake case where it is in Latin letters.
        values: what stands in it, without the empty ones.
    """
    by_value = _by_values(values)
    if by_value:
        return by_value
    for what, pattern in _NAMES:
        if re.fullmatch(pattern, name.lower()):
            return Suspicion(what, "by the column's name")
    return None


def _by_values(values: Sequence[str]) -> Suspicion | None:
    tests: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
        ("ID number", "pass the check digit of citizen IDs", _is_citizen_id),
        ("phone", "look like telephone numbers", _is_phone),
        ("e-mail address", "look like e-mail addresses", lambda v: bool(_EMAIL.fullmatch(v))),
        ("name", "look like names of persons", _is_name),
    )
    few = values[:: max(1, len(values) // _FIRST)]
    for what, words, test in tests:
        if sum(map(test, few)) < _ENOUGH / 2 * len(few):
            continue
        share = sum(map(test, values)) / len(values) if values else 0.0
        if share >= _ENOUGH and (what != "name" or _many(values)):
            return Suspicion(what, f"{share:.0%} of its values {words}")
    return None


def _is_citizen_id(value: str) -> bool:
    """By form and check digit; a region that a list does not know proves nothing."""
    return bool(_CITIZEN_ID.fullmatch(value)) and ric.calc_check_digit(value) == value[-1]


def _is_phone(value: str) -> bool:
    return bool(_MOBILE.fullmatch(value) or _PHONE.fullmatch(value))


def _is_name(value: str) -> bool:
    return bool(_HAN_NAME.fullmatch(value)) and value[0] in _SURNAMES


def _many(values: Sequence[str]) -> bool:
    """A few words that come again and again are a code, even if they begin like a name."""
    return len(set(values)) > max(5, len(values) // 10)
