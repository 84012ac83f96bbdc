"""Numbers as people write them: a decimal comma, thousands apart, a currency, a percent sign."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from civiclake.contracts.draft.guessed import GuessedType

_CURRENCIES = (
    "$", "€", "£", "¥", "￥", "₹", "₽", "₩", "zł", "kr", "EUR", "USD", "GBP", "CHF", "CNY", "RMB",
    "JPY", "SEK", "NOK", "DKK", "PLN", "元",
)  # fmt: skip
_MONEY = re.compile(
    r"(?P<sign>[+-]?)(?P<before>{0})?\s*(?P<number>[+-]?[0-9].*?)\s*(?P<after>{0})?\s*(?P<cent>%)?"
    .format("|".join(re.escape(c) for c in _CURRENCIES))
)  # fmt: skip
_GROUPS = (",", ".", " ", "\u00a0", "\u202f", "\u2009", "'", "’")  # noqa: RUF001
_SIGNED = r"[+-]?"
_ENOUGH = 200
"""Different values of a column that show how a file writes numbers."""


@dataclass(frozen=True)
class Style:
    """Which sign stands before the decimals, and which between thousands."""

    decimal: str
    group: str | None = None


def file_style(columns: Iterable[Counter[str]]) -> Style | None:
    """How a file writes its numbers, if its columns leave no doubt and agree."""
    certain: set[str] = set()
    for counted in columns:
        bare = _stripped(Counter(dict(islice(counted.items(), _ENOUGH))))[0]
        style = _certain(bare)
        if style and (style.group in (",", ".") or any(style.decimal in v for v in bare)):
            certain.add(style.decimal)
    return Style(certain.pop()) if len(certain) == 1 else None


def formatted(counted: Counter[str], style: Style | None, *, plain_too: bool) -> GuessedType | None:
    """A column of numbers that a plain reading would not take, or would take for others.

    Args:
        counted: the column's texts with their number.
        style: how other columns of the file write numbers.
        plain_too: whether the column was found to be no plain one; if not, only what the file's
            style shows to be thousands (1.234 beside 2,5) is taken here.
    """
    comma = style is not None and style.decimal == ","
    if not plain_too and not comma:
        return None
    bare, signs, percent = _stripped(counted)
    if not bare or (percent and percent != sum(counted.values())):
        return None
    if not plain_too:
        return _thousands(bare) if not signs and not percent else None
    found = _certain(bare) or _by_file(bare, style)
    if found is None:
        return None
    said: dict[str, object] = {}
    if found.decimal != ".":
        said["decimal"] = found.decimal
    if found.group:
        said["group"] = found.group
    if signs:
        said["strip"] = list(signs)
    if percent:
        said["percent"] = "keep"
    if not said:
        return None
    whole = all(found.decimal not in v for v in bare)
    return GuessedType(
        "integer" if whole and not percent else "number",
        "bigint" if whole and not percent and _is_big(bare) else None,
        extension={"number": said},
        notes=(_in_words(found, signs, percent, counted),),
    )


def thousand_doubt(counted: Counter[str]) -> tuple[str, ...]:
    """What is to be said of plain numbers that may be thousands: 1.234 and nothing else."""
    pointed = [v for v in counted if "." in v]
    if not pointed or not all(re.fullmatch(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}", v) for v in pointed):
        return ()
    return (f"{pointed[0]!r} is read as a decimal, and may mean thousands: say `number` then",)


def comma_doubt(counted: Counter[str]) -> tuple[str, ...]:
    """What is to be said of texts that are numbers by either reading."""
    if not any("," in v for v in counted):
        return ()
    bare, _, _ = _stripped(counted)
    unsure = [v for v in bare if re.fullmatch(_SIGNED + r"[1-9][0-9]{0,2},[0-9]{3}", v)]
    others = [v for v in bare if v not in unsure]
    if not unsure or not all(re.fullmatch(_SIGNED + "[0-9]+", v) for v in others):
        return ()
    return (
        f"{unsure[0]!r} may be thousands or a decimal, so it stays text: say which by `number`",
    )


def _stripped(counted: Counter[str]) -> tuple[Counter[str], tuple[str, ...], int]:
    """The texts without their signs; what was taken off, and how often a percent sign stood."""
    bare: Counter[str] = Counter()
    signs: set[str] = set()
    percent = 0
    for value, count in counted.items():
        found = _MONEY.fullmatch(value)
        if found is None:
            return Counter(), (), 0
        bare[found["sign"] + found["number"]] += count
        signs.update(s for s in (found["before"], found["after"]) if s)
        percent += count if found["cent"] else 0
    return bare, tuple(sorted(signs)), percent


def _certain(bare: Counter[str]) -> Style | None:
    """The one style in which all can be read, where the texts themselves leave no doubt."""
    if not bare:
        return None
    fitting = [s for s in _styles() if all(_fits(v, s) for v in bare)]
    sure = [s for s in fitting if _is_shown(bare, s, fitting)]
    decimals = {s.decimal for s in sure if any(s.decimal in v for v in bare)}
    if not sure or len(decimals) > 1:
        return None
    return next((s for s in sure if s.decimal in decimals), sure[0])


def _styles() -> list[Style]:
    """Without thousands first: they are said only where they are seen."""
    plain = [Style("."), Style(",")]
    return plain + [Style(d, g) for d in (".", ",") for g in _GROUPS if g != d]


def _fits(value: str, style: Style) -> bool:
    return bool(_shape(style).fullmatch(value))


@lru_cache
def _shape(style: Style) -> re.Pattern[str]:
    whole = "[0-9]+"
    if style.group:
        whole = rf"[1-9][0-9]{{0,2}}({re.escape(style.group)}[0-9]{{3}})+|[0-9]{{1,3}}"
    return re.compile(rf"{_SIGNED}({whole})({re.escape(style.decimal)}[0-9]+)?")


def _is_shown(bare: Counter[str], style: Style, fitting: list[Style]) -> bool:
    """Whether what a style is about is seen, and no other reading would do.

    12,500 alone is either. It is thousands where another value has two of the signs or decimals
    besides, or where whole numbers below a thousand stand without: with three decimals they
    would be written with them.
    """
    if style.group and not any(style.group in v for v in bare):
        return False
    rivals = [s for s in fitting if s.decimal != style.decimal]
    signed = [s for s in rivals if any(s.decimal in v or (s.group and s.group in v) for v in bare)]
    if not style.group:
        return any(style.decimal in v for v in bare) and not any(
            s.group == style.decimal for s in fitting
        )
    if not any(s.decimal == style.group for s in signed):
        return True
    return any(re.fullmatch(r"[1-9][0-9]{1,2}", v.lstrip("+-")) for v in bare)


def _by_file(bare: Counter[str], style: Style | None) -> Style | None:
    """How it reads in the file's own style."""
    for tried in _styles():
        signs = tried.group is None or any(tried.group in v for v in bare)
        same = style is not None and tried.decimal == style.decimal
        if same and signs and all(_fits(v, tried) for v in bare):
            return tried
    plain = Style(".")  # a currency or percent sign alone leaves nothing to doubt
    return plain if all(_fits(v, plain) for v in bare) else None


def _thousands(bare: Counter[str]) -> GuessedType | None:
    """1.234 in a file whose decimals stand after a comma."""
    dotted = Style(",", ".")
    if not any("." in v for v in bare) or not all(_fits(v, dotted) for v in bare):
        return None
    whole = all("," not in v for v in bare)
    return GuessedType(
        "integer" if whole else "number",
        "bigint" if whole and _is_big(bare) else None,
        extension={"number": {"decimal": ",", "group": "."}},
        notes=("'.' is read as thousands, because the file has decimals after a comma",),
    )


def _is_big(bare: Iterable[str]) -> bool:
    return any(len(re.sub(r"\D", "", v)) > 9 for v in bare)


def _in_words(style: Style, signs: tuple[str, ...], percent: int, counted: Counter[str]) -> str:
    said = [f"decimals after {style.decimal!r}"] if style.decimal != "." else []
    if style.group:
        said.append(f"thousands parted by {style.group!r}")
    if signs:
        said.append(f"without {', '.join(signs)}")
    if percent:
        said.append("a percentage kept as it is (12.5% is 12.5; `divide` makes it 0.125)")
    example = max(counted, key=len)
    return f"numbers such as {example!r} are read with {' and '.join(said)}"
