"""How sources write values: blanks, numbers, patterns of times and names of zones."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from civiclake.contracts.model import Column
from civiclake.contracts.notation import (
    BLANKS,
    NumberNotation,
    by_offset,
    local_pattern,
    names_zones,
    strip,
    zone_offsets,
)


def test_every_blank_of_unicode_is_one() -> None:
    spaces = {chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) == "Zs"}
    others = set("\t\n\x0b\x0c\r\x85\u2028\u2029\u200b\ufeff")
    assert set(BLANKS) == spaces | others
    assert strip("\ufeff\u3000 a\xa0b \t\n") == "a\xa0b"


@pytest.mark.parametrize(
    ("pattern", "local"),
    [
        ("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss"),
        ("yyyyMMddHHmmssXX", None),
        ("yyyyMMddHHmmss[XX]", "yyyyMMddHHmmss"),
        ("yyyyMMddHHmm[ss[.SSS]][ [XX][z]]", "yyyyMMddHHmm[ss[.SSS]][ ]"),
        ("yyyy-MM-dd HH:mm VV", None),
        ("yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm"),
        ("yyyy-MM-dd'T'HH:mm'Z'", None),
        ("yyyy-MM-dd 'Zeit' HH:mm", "yyyy-MM-dd 'Zeit' HH:mm"),
        ("yyyy-MM-dd HH 'o''clock' mm", "yyyy-MM-dd HH 'o''clock' mm"),
    ],
)
def test_a_pattern_says_whether_its_texts_say_their_zone(pattern: str, local: str | None) -> None:
    assert local_pattern(pattern) == local
    column = Column(
        name="at", source_name="at", logical_type="timestamp", spark_type="timestamp",
        format=pattern, timezone="Europe/Paris",
    )  # fmt: skip
    assert column.has_local_times is (local is not None)
    assert not column.model_copy(update={"timezone": "UTC"}).has_local_times


def test_names_of_zones_are_the_column_s_own_first() -> None:
    assert names_zones("yyyy-MM-dd z") and names_zones("yyyy zzz 'z'")
    assert not names_zones("yyyy-MM-dd zzzz") and not names_zones("yyyy 'z' XX")
    assert by_offset("yyyy 'z' z") == "yyyy 'z' XXX"
    assert zone_offsets("Asia/Shanghai")["CST"] == "+08:00"
    assert zone_offsets("UTC")["CST"] == "-06:00"
    assert zone_offsets("Europe/London")["BST"] == "+01:00"
    assert "BST" not in zone_offsets("UTC")


def test_words_around_numbers_are_taken_by_letter() -> None:
    said = NumberNotation(strip=("kr.", "$", "US$"), group="'")
    found = {t: said.plain(t) for t in ("US$ 1\u2019000", "1'000 kr.", "$-5", "1'000 krx", "--5")}
    assert found == {
        "US$ 1\u2019000": "1000.", "1'000 kr.": "1000.", "$-5": "-5.", "1'000 krx": None,
        "--5": None,
    }  # fmt: skip
    assert re.compile(said.pattern).groups == 5
