"""A resident as some department has written them down: now and then not quite right.

Records of the same person differ from department to department, as they do in a city:
the identity number is left out, a name is misheard, a telephone is an old one, an address
is where somebody used to live. One thing is wrong in a record, never two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from demo.city import places
from demo.city.chance import Draw
from demo.city.residents import City, Resident

_MISHEARD = str.maketrans("伟芳娜敏静丽强磊军洋", "卫方那闽净莉蔷雷君阳")


@dataclass(frozen=True, slots=True)
class Written:
    """What a record says of a person."""

    citizen_id: str | None
    name: str
    phone: str | None
    sex: str
    born: date
    address: str


def as_written(
    city: City, dataset: str, index: int, resident: Resident, *, lacking_percent: int = 0
) -> Written:
    """What the record of that number says of a resident.

    Args:
        city: the city.
        dataset: whose record it is.
        index: number of the record.
        resident: whom it is about.
        lacking_percent: how many of a hundred records leave the identity number out.
    """
    chance = Draw(city.seed, dataset, "written", index)
    name, phone, born = resident.name, resident.phone, resident.born
    address = resident.household.address
    trouble = chance.below(100)
    if trouble < 2:
        name = name[0] + name[1:].translate(_MISHEARD)
    elif trouble < 6:
        phone = f"100{chance.below(100_000_000):08d}"
    elif trouble < 10:
        former = places.home_district(chance)
        address = places.spot(chance, former).address + "1栋101室"
    elif trouble < 11:
        born = born + timedelta(days=chance.between(1, 9))
    lacking = chance.happens(lacking_percent)
    return Written(
        citizen_id=None if lacking else resident.citizen_id,
        name=name,
        phone=phone,
        sex=resident.sex,
        born=born,
        address=address,
    )
