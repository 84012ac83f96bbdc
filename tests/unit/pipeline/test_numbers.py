"""Numbers with a check digit: python-stdnum's verdict, with the reasons told apart."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from stdnum import exceptions
from stdnum.cn import ric, uscc

from civiclake.steps.numbers import judge_citizen_id, judge_credit_code, last_day

TODAY = date(2016, 1, 5)


def _citizen(first: str) -> str:
    return first + ric.calc_check_digit(first + "?")


def _company(first: str) -> str:
    return first + uscc.calc_check_digit(first)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (_citizen("53010219800101123"), None),
        (_citizen("53012119800101123"), None),  # a county of then
        (_citizen("53011419500101123"), None),  # born before the district
        (_citizen("99010119800101123"), "region"),
        (_citizen("53010219800231123"), "birth_date"),
        (_citizen("53010218991231123"), "birth_date"),
        (_citizen("53010219000101123"), None),
        ("530102198001011230", "check_digit"),
        ("530102800101123", "form"),
        ("", "form"),
        ("53010219800101123Y", "check_digit"),
        ("5301021980010112XX", "form"),
        ("²30102198001011230", "form"),
        ("53010219800101123" + "\U0001f600", "check_digit"),
        ("x" * 5000, "form"),
    ],
)
def test_citizen_id(number: str, reason: str | None) -> None:
    assert judge_citizen_id(number, TODAY)[1] == reason


@pytest.mark.parametrize(
    ("born", "reason"),
    [("20160105", None), ("20160106", "birth_date"), ("20990101", "birth_date")],
)
def test_nobody_is_born_tomorrow(born: str, reason: str | None) -> None:
    assert judge_citizen_id(_citizen(f"530102{born}123"), TODAY)[1] == reason


def test_the_last_day_is_today_somewhere() -> None:
    assert timedelta(0) <= last_day() - datetime.now(UTC).date() <= timedelta(days=1)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (_company("91530102MA6K1234X"), None),
        (_company("91100000MA6K1234X"), None),
        (_company("91990102MA6K1234X"), "region"),
        ("91530102MA6K1234XX", "check_digit"),
        ("9153010OMA6K1234XX", "form"),
        ("91530102MI6K1234XX", "form"),
        ("91530102", "form"),
        ("", "form"),
    ],
)
def test_credit_code(number: str, reason: str | None) -> None:
    assert judge_credit_code(number, TODAY)[1] == reason


def test_the_number_is_served_in_the_standards_own_writing() -> None:
    number = next(n for n in map(_citizen, map(str, range(53010219800101101, 53010219800101199)))
                  if n.endswith("X"))  # fmt: skip
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in number)
    assert judge_citizen_id(wide, TODAY) == (number, None)
    assert judge_citizen_id(number.lower(), TODAY) == (number, None)
    code = _company("91530102MA6K1234X")
    assert judge_credit_code(f"{code[:8]}-{code[8:].lower()}", TODAY) == (code, None)


def test_the_verdict_is_stdnums() -> None:
    """10,000 numbers of each kind, half of them spoilt in one place."""
    chance = random.Random(4)
    seen: set[tuple[str, str | None]] = set()
    for index in range(10_000):
        year, month, day = chance.randrange(1990, 2015), chance.randrange(1, 14), 1 + index % 31
        region = "530102" if index % 7 else "990102"
        number = _citizen(f"{region}{year}{month:02d}{day:02d}{chance.randrange(1000):03d}")
        company = _company(f"91{region}{''.join(chance.choices('0123456789ABCDEFGHJ', k=9))}")
        if index % 2:
            where = chance.randrange(18)
            number = number[:where] + chance.choice("0123456789XA") + number[where + 1 :]
            company = company[:where] + chance.choice("0123456789XIO") + company[where + 1 :]
        for name, module, judge, said in (
            ("citizen", ric, judge_citizen_id, number),
            ("company", uscc, judge_credit_code, company),
        ):
            reason = judge(said, TODAY)[1]
            assert reason in _allowed(module.validate, said), said
            seen.add((name, reason))
    assert {reason for name, reason in seen if name == "citizen"} == {
        None, "form", "check_digit", "birth_date", "region",
    }  # fmt: skip
    assert {reason for name, reason in seen if name == "company"} == {
        None, "form", "check_digit", "region",
    }  # fmt: skip


def _allowed(validate: Callable[[str], str], number: str) -> set[str | None]:
    """What a reason may be, by the kind of stdnum's refusal."""
    try:
        validate(number)
    except (exceptions.InvalidLength, exceptions.InvalidFormat):
        return {"form"}
    except exceptions.InvalidChecksum:
        return {"check_digit"}
    except exceptions.InvalidComponent:
        return {"birth_date", "region"}
    # stdnum does not look at a company's region.
    return {None, "region"} if validate is uscc.validate else {None}
