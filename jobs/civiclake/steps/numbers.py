"""Numbers with a check digit: what python-stdnum says of one.

This module runs in Spark's Python workers, which is why it needs no Spark. A reason is one of a
few words, and nothing that goes wrong is told with the number.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import cache, partial

from stdnum import exceptions, numdb
from stdnum.cn import ric, uscc

from civiclake.contracts.standards import CheckKind, Reason

_EARLIEST_BIRTH = date(1900, 1, 1)
_FIRST_ZONE = timezone(timedelta(hours=14))
_WHOLE_COUNTRY = "100000"
"""Region of organisations that are registered with the State Council's own offices."""


def judge_citizen_id(number: str, today: date) -> tuple[str, str | None]:
    """A resident identity number (GB 11643) and what is wrong with it.

    Args:
        number: as it came.
        today: the last day on which its holder can be born.
    """
    return _judge(number, ric.compact, partial(_citizen_id_fault, today=today))


def judge_credit_code(number: str, today: date) -> tuple[str, str | None]:
    """A unified social credit code (GB 32100), which holds no day, and what is wrong with it."""
    return _judge(number, uscc.compact, _credit_code_fault)


def last_day() -> date:
    """Today where the day begins first: no contract says in which zone somebody is born."""
    return datetime.now(_FIRST_ZONE).date()


JUDGES: dict[CheckKind, Callable[[str, date], tuple[str, str | None]]] = {
    CheckKind.CITIZEN_ID: judge_citizen_id,
    CheckKind.CREDIT_CODE: judge_credit_code,
}


def _judge(
    number: str, compact: Callable[[str], str], fault: Callable[[str], Reason | None]
) -> tuple[str, str | None]:
    value = compact(number)
    try:
        found = fault(value)
    except (exceptions.InvalidLength, exceptions.InvalidFormat):
        found = Reason.FORM
    except exceptions.InvalidChecksum:
        found = Reason.CHECK_DIGIT
    return value, None if found is None else str(found)


def _citizen_id_fault(number: str, *, today: date) -> Reason | None:
    """As ``ric.validate``, which words a wrong birth date and an unknown region the same.

    It also wants the division to have existed in the year of birth; but a number is given
    later than that, and whoever was born before 1983 has one of a division made since.
    """
    if len(number) != 18:
        return Reason.FORM
    if not (number[:-1].isascii() and number[:-1].isdigit()):
        return Reason.FORM
    if number[-1] != ric.calc_check_digit(number):
        return Reason.CHECK_DIGIT
    try:
        if not _EARLIEST_BIRTH <= ric.get_birth_date(number) <= today:
            return Reason.BIRTH_DATE
    except exceptions.InvalidComponent:
        return Reason.BIRTH_DATE
    return None if _is_region(number[:6]) else Reason.REGION


def _credit_code_fault(number: str) -> Reason | None:
    uscc.validate(number)
    region = number[2:8]
    return None if region == _WHOLE_COUNTRY or _is_region(region) else Reason.REGION


@cache
def _is_region(code: str) -> bool:
    """Whether the code ever was a division; there are a few thousand, so each is asked once."""
    parts = numdb.get("cn/loc").info(code)
    return any("county" in facts for _, facts in parts)
