"""The residents: everybody who is treated, taught, hired or robbed in the sample city.

Nobody of them exists. Their identity numbers are valid by GB 11643 and begin with 530100,
the code of Kunming as a whole: registry offices number people by district, so no real
number begins so. No telephone number begins with 100 and eight more digits.

Residents stand in blocks of twenty, eight households each, so that any resident and any
household can be made alone. No two have the same number: within a kind of resident,
birthday and serial number are dealt out without putting back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric

from demo.city import places
from demo.city.chance import Draw, shuffled

MINIMUM = 500
"""Fewer residents could not hold every kind of defect and stay within the contracts' limits."""
BLOCK = 20
HOUSEHOLDS = (
    ("single",),
    ("single", "single"),
    ("parent", "parent", "child"),
    ("parent", "parent", "child", "child"),
    ("elder", "elder"),
    ("parent", "parent", "child", "elder"),
    ("parent", "child", "elder"),
    ("elder",),
)
"""The households of a block."""
_YEARS = {"elder": (1928, 1955), "parent": (1960, 1980), "single": (1981, 1997)}
_YEARS["child"] = (1999, 2014)
_SEATS = [
    (household, seat, kind)
    for household, kinds in enumerate(HOUSEHOLDS)
    for seat, kind in enumerate(kinds)
]
_KINDS = [kind for _, _, kind in _SEATS]
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁"
    "任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚婷辉玲桂英华文慧建国志宏雪梅海燕鹏飞红波斌莉宁倩晨阳浩宇"
    "欣怡梓涵思远嘉琪俊豪佳瑞雨晴子轩天佑春兰秋菊冬云凤玉金福德荣庆祥永康"
)


@dataclass(frozen=True, slots=True)
class Household:
    """People who live at one address."""

    number: int
    spot: places.Spot
    flat: str

    @property
    def address(self) -> str:
        """The address with the flat."""
        return self.spot.address + self.flat


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody who lives in the sample city."""

    index: int
    citizen_id: str
    name: str
    phone: str
    sex: str
    """``M`` or ``F``, as the hospitals write it."""
    born: date
    kind: str
    household: Household

    @property
    def district(self) -> places.District:
        """Where they live."""
        return self.household.spot.district

    def age_on(self, day: date) -> int:
        """Completed years."""
        before = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - before


@dataclass(frozen=True)
class City:
    """One sample city; the same seed and size always make the same.

    Args:
        seed: another seed makes another city.
        residents: how many people live in it.
    """

    seed: int
    residents: int

    def __post_init__(self) -> None:
        if self.residents < MINIMUM:
            raise ValueError(
                f"residents is {self.residents}: the sample city needs {MINIMUM} or more"
            )

    def resident(self, index: int) -> Resident:
        """The resident of that number."""
        block, seat = divmod(index, BLOCK)
        place, chair, kind = _SEATS[seat]
        household = self.household(block * len(HOUSEHOLDS) + place)
        born, serial, male = self._number(block, seat, kind)
        chance = Draw(self.seed, "resident", index)
        own, given = chance.one_of(_SURNAMES), chance.one_of(_GIVEN)
        second = chance.one_of(_GIVEN) if chance.below(3) else ""
        family = Draw(self.seed, "family", household.number).one_of(_SURNAMES)
        first = f"530100{born:%Y%m%d}{serial:03d}"
        return Resident(
            index=index,
            citizen_id=first + ric.calc_check_digit(first + "?"),  # it looks at all but the last
            name=(family if chair == 0 or kind == "child" else own) + given + second,
            phone=f"100{shuffled(self.seed, 'phone', index, 100_000_000):08d}",
            sex="M" if male else "F",
            born=born,
            kind=kind,
            household=household,
        )

    def household(self, number: int) -> Household:
        """The household of that number."""
        chance = Draw(self.seed, "household", number)
        spot = places.spot(chance, places.home_district(chance))  # as `home` draws it
        flat = f"{chance.between(1, 30)}栋{chance.between(1, 33)}{chance.between(1, 4):02d}室"
        return Household(number, spot, flat)

    def home(self, number: int) -> places.District:
        """The district of the household of that number, without the rest of it."""
        return places.home_district(Draw(self.seed, "household", number))

    def childhood(self, number: int) -> tuple[date, int]:
        """Birthday and household of the child of that number, without the rest of them."""
        block, seat = divmod(self.child(number), BLOCK)
        place, _, kind = _SEATS[seat]
        return self._number(block, seat, kind)[0], block * len(HOUSEHOLDS) + place

    def births(self, household: int) -> list[date | None]:
        """Birthdays of a household's children, in the order of its people; None of the others."""
        block, place = divmod(household, len(HOUSEHOLDS))
        return [
            self._number(block, seat, kind)[0] if kind == "child" else None
            for seat, (home, _, kind) in enumerate(_SEATS)
            if home == place
        ]

    def _number(self, block: int, seat: int, kind: str) -> tuple[date, int, bool]:
        """Birthday and serial number: the next card of the kind's shuffled pack."""
        among = _KINDS[:seat].count(kind)
        index = block * _KINDS.count(kind) + among
        low, high = (date(year, 1, 1).toordinal() for year in (_YEARS[kind][0], _YEARS[kind][1]))
        card = shuffled(self.seed, kind, index, (high - low) * 999)
        day, serial = divmod(card, 999)
        return date.fromordinal(low + day), serial + 1, serial % 2 == 0

    @property
    def children(self) -> int:
        """How many residents are children."""
        full, rest = divmod(self.residents, BLOCK)
        return full * _KINDS.count("child") + _KINDS[:rest].count("child")

    @property
    def adults(self) -> int:
        """How many residents are of an age to work."""
        full, rest = divmod(self.residents, BLOCK)
        working = [kind in ("single", "parent") for kind in _KINDS]
        return full * sum(working) + sum(working[:rest])

    def child(self, number: int) -> int:
        """Which resident the child of that number is."""
        return _nth(number, ("child",))

    def adult(self, number: int) -> int:
        """Which resident the one of working age of that number is."""
        return _nth(number, ("single", "parent"))


def _nth(number: int, kinds: tuple[str, ...]) -> int:
    seats = [seat for seat, kind in enumerate(_KINDS) if kind in kinds]
    block, place = divmod(number, len(seats))
    return block * BLOCK + seats[place]
