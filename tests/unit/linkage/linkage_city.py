"""A small city of which it is known who is who: what departments' clerks make of its people."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from stdnum.cn import ric

FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡"
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚婷辉玲桂英华文慧建国志宏雪梅海燕宇浩轩梓涵欣怡子佳"
    "俊博思琪晨曦瑞雨泽诗语桐一诺安宁"
)
DEPARTMENTS = ("health.visits", "education.pupils", "employment.jobs")


@dataclass(frozen=True)
class Resident:
    """A person as they are."""

    index: int
    citizen_id: str
    family: str
    given: str
    birth: date
    sex: str
    phone: str
    address: str
    district: str


@dataclass(frozen=True)
class Record:
    """A person as a department wrote them down."""

    dataset: str
    record_key: str
    truth: int
    values: dict[str, str | None]


def residents(count: int, seed: int) -> list[Resident]:
    """Households of one to five people, with twins and people of the same name among them."""
    rng = random.Random(seed)
    found: list[Resident] = []
    home = 0
    while len(found) < count:
        home += 1
        found.extend(_household(rng, home, len(found)))
    return found[:count]


def _household(rng: random.Random, home: int, first: int) -> Iterator[Resident]:
    district = f"99010{rng.randrange(10)}"
    address = (
        f"{rng.choice('东西南北中')}{rng.choice(GIVEN)}路{rng.randrange(1, 400)}号{home % 60}室"
    )
    landline = f"1000{rng.randrange(10**7):07d}"
    family = rng.choice(FAMILY)
    size = rng.choice((1, 2, 2, 3, 3, 4, 5))
    twin: Resident | None = None
    for place in range(size):
        child = place >= 2
        name = family if child or place == 0 else rng.choice(FAMILY)
        is_twin = twin is not None and rng.random() < 0.05
        birth = twin.birth if twin and is_twin else _birth(rng, child)
        sex = rng.choice("12")
        # Children and the old often go by the household's telephone.
        own = f"100{rng.randrange(10**8):08d}"
        phone = landline if child or rng.random() < 0.1 else own
        made = Resident(
            first + place, _number(rng, district, birth, sex), name, _given(rng), birth, sex,
            phone, address, district,
        )  # fmt: skip
        if child:
            twin = made
        yield made


def _birth(rng: random.Random, child: bool) -> date:
    low, high = (
        (date(2000, 1, 1), date(2018, 12, 31)) if child else (date(1940, 1, 1), date(1995, 12, 31))
    )
    return low + timedelta(days=rng.randrange((high - low).days))


def _given(rng: random.Random) -> str:
    return "".join(rng.choice(GIVEN) for _ in range(rng.choice((1, 2, 2))))


def _number(rng: random.Random, district: str, birth: date, sex: str) -> str:
    order = rng.randrange(500) * 2 % 1000 + (sex == "1")
    first = f"{district}{birth:%Y%m%d}{order:03d}"
    return first + ric.calc_check_digit(first + "?")


def records(people: list[Resident], each: int, seed: int, night: int = 0) -> list[Record]:
    """Several records of every resident, each by a clerk who may err."""
    rng = random.Random(f"{seed}-{night}")
    made = []
    for resident in people:
        for n in range(each):
            dataset = DEPARTMENTS[n % len(DEPARTMENTS)]
            key = f"{night}-{resident.index}-{n}"
            made.append(Record(dataset, key, resident.index, _written(rng, resident, people)))
    return made


def _written(
    rng: random.Random, resident: Resident, people: list[Resident]
) -> dict[str, str | None]:
    as_now = _moved_on(rng, resident)
    values: dict[str, str | None] = {
        "citizen_id": _written_number(rng, as_now.citizen_id),
        "person_name": _written_name(rng, as_now),
        "birth_date": _slip(rng, as_now.birth.isoformat(), "0123456789", 0.01),
        "sex": as_now.sex if rng.random() > 0.005 else ("2" if as_now.sex == "1" else "1"),
        "phone": _slip(rng, as_now.phone, "0123456789", 0.02),
        "address": _slip(rng, as_now.address, GIVEN, 0.03),
        "district_code": as_now.district,
    }
    if rng.random() < 0.002:  # a clerk took somebody else's number
        values["citizen_id"] = rng.choice(people).citizen_id
    for name, missing in (("birth_date", 0.04), ("phone", 0.05), ("address", 0.05), ("sex", 0.02)):
        if rng.random() < missing:
            values[name] = None
    return values


def _moved_on(rng: random.Random, resident: Resident) -> Resident:
    """People move house, change their telephone, and some their family name."""
    if rng.random() < 0.04:
        address = f"{rng.choice('东西南北中')}{rng.choice(GIVEN)}街{rng.randrange(1, 400)}号"
        resident = replace(resident, address=address, district=f"99010{rng.randrange(10)}")
    if rng.random() < 0.04:
        resident = replace(resident, phone=f"100{rng.randrange(10**8):08d}")
    if rng.random() < 0.005:
        resident = replace(resident, family=rng.choice(FAMILY))
    return resident


def _written_number(rng: random.Random, number: str) -> str | None:
    chance = rng.random()
    if chance < 0.08:
        return None
    if chance < 0.11:
        return _slip(rng, number, "0123456789", 1.0)
    if chance < 0.12:
        place = rng.randrange(16)
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    return number


def _written_name(rng: random.Random, resident: Resident) -> str:
    given = _slip(rng, resident.given, GIVEN, 0.02)
    blank = " " if rng.random() < 0.02 else ""
    return f"{resident.family}{blank}{given}"


def _slip(rng: random.Random, text: str, alphabet: str, chance: float) -> str:
    if rng.random() >= chance:
        return text
    place = rng.choice([i for i, sign in enumerate(text) if sign != "-"])
    return text[:place] + rng.choice(alphabet.replace(text[place], "")) + text[place + 1 :]
