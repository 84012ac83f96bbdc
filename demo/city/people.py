"""People who can't exist: identity numbers of a province that was never assigned.

The numbers are valid by GB 11643 (18 characters, the last a check character), but their
first six digits are in no list of divisions (GB/T 2260 ends before 99), and no
telephone number begins with 100 and eight more digits: nobody real is ever met.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from stdnum.cn import ric

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚婷辉玲桂英华文慧建国志宏雪梅海燕"
_FIRST_BIRTH = date(1930, 1, 1).toordinal()
_LAST_BIRTH = date(2013, 12, 31).toordinal()


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who is treated in the sample city."""

    citizen_id: str
    name: str
    phone: str
    sex: str
    """``M`` or ``F``, as the hospitals write it."""
    born: date

    def age_on(self, day: date) -> int:
        """Completed years."""
        before = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - before


def numbers(*seed: object) -> int:
    """192 bits that depend on nothing but the seed: any record can be made again alone."""
    text = ":".join(map(str, seed)).encode()
    return int.from_bytes(blake2b(text, digest_size=24).digest(), "big")


def person(seed: int, index: int) -> Person:
    """The person of that number; always the same for a seed."""
    left = numbers(seed, "person", index)
    left, days = divmod(left, _LAST_BIRTH - _FIRST_BIRTH + 1)
    left, male = divmod(left, 2)
    left, order = divmod(left, 500)
    left, district = divmod(left, 10)
    left, surname = divmod(left, len(_SURNAMES))
    left, one = divmod(left, len(_GIVEN))
    left, two = divmod(left, len(_GIVEN))
    born = date.fromordinal(_FIRST_BIRTH + days)
    first = f"99010{district}{born:%Y%m%d}{order * 2 % 1000 + male:03d}"
    return Person(
        citizen_id=first + ric.calc_check_digit(first + "?"),  # it looks at all but the last
        name=_SURNAMES[surname] + _GIVEN[one] + (_GIVEN[two] if two % 3 else ""),
        phone=f"100{left % 100_000_000:08d}",
        sex="M" if male else "F",
        born=born,
    )
