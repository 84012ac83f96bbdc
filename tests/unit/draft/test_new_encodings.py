"""In which encoding `new` takes a file's text to be, and where it would rather ask."""

from __future__ import annotations

import io

import pytest

from civiclake.errors import SourceError
from civiclake.io.samples import encodings

WORDS = {
    "windows-1252": (
        "Sèvres;Château-Thierry;pénitentiaire;Noël;forêt",
        "Tiergarten Süd;Größe;Möckernbrücke",
        "Süd",
        "España;Cáceres;Logroño;La Coruña",
        "São Paulo;Goiânia;Rondônia;Guajará-Mirim",
        "Borås;Örebro;Malmö;Göteborg",
        "Tromsø;Ålesund;Bærum",
        "Forlì;Città;perché;più",
        "Reykjavík;Þórshöfn;Ísafjörður",
    ),
    "windows-1250": (
        "Łódź;Kraków;Wrocław;Gdańsk;Częstochowa",
        "Plzeň;České Budějovice;Ústí nad Labem;Přerov",
    ),
    "windows-1251": ("Москва;Санкт-Петербург;Новосибирск", "Київ;Львів;Дніпро;Ужгород"),
    "koi8-r": ("Москва;Санкт-Петербург",),
    "windows-1253": ("Αθήνα;Θεσσαλονίκη;Πάτρα",),
    "windows-1254": ("İstanbul;Şişli;Beyoğlu;Çankaya",),
    "windows-1257": ("Žemaitija;Šiauliai;Panevėžys;Kėdainiai",),
    "gb18030": ("编号,区\n1,五华\n2,盘龙", "北京市朝阳区人民医院,上海市浦东新区卫生局"),
    "big5": ("臺北市,高雄市,臺南市,新北市",),
    "shift_jis": ("東京都,大阪府,ひらがな,カタカナ", "東京都,大阪府"),
    "euc-kr": ("서울특별시,부산광역시,대구",),
}
TEXTS = [(encoding, words) for encoding, many in WORDS.items() for words in many]


def _find(data: bytes) -> encodings.Encoding:
    return encodings.find(io.BufferedReader(io.BytesIO(data)), "f.csv")  # type: ignore[arg-type]


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(("encoding", "words"), TEXTS)
def test_words_of_many_languages(encoding: str, words: str, long: bool) -> None:
    text = f"id;name\n1;{words}\n"
    if long:
        text += "".join(f"{n};plain\n{n};{words}\n" for n in range(300))
    found = _find(text.encode(encoding))
    assert found.name == encoding
    assert found.note is not None
    assert f"taken for {encoding}" in found.note


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"id;n\n1;2\n", "utf-8"),
        ("Größe;区".encode(), "utf-8"),
        ("Größe".encode("utf-8-sig"), "utf-8"),
        ("site;n".encode("utf-16"), "utf-16"),
        ("\ufeffsite;n".encode("utf-16-be"), "utf-16"),
        ("site;n".encode("utf-32"), "utf-32"),
    ],
)
def test_what_proves_itself_is_not_marked(data: bytes, name: str) -> None:
    assert _find(data) == encodings.Encoding(name)


def test_sixteen_bits_without_a_mark_are_marked() -> None:
    found = _find("site;n\nA;5\n".encode("utf-16-le"))
    assert (found.name, found.note is None) == ("utf-16-le", False)


@pytest.mark.parametrize(
    ("data", "readings"),
    [
        ("Sèvres".encode("cp1252"), ("windows-1252 or iso-8859-15: 'Sèvres'", "'Sčvres'")),
        ("Győr;Pécs".encode("cp1250"), ("'Gyõr;Pécs'", "windows-1250 or iso-8859-2: 'Győr;Pécs'")),
        ("北京".encode("gb18030"), ("gb18030: '北京'", "big5: '控儔'")),
        (b"id\n\xff\xff\xff\n", ("'яяя'",)),
    ],
)
def test_what_reads_well_in_two_ways_is_refused_with_both(
    data: bytes, readings: tuple[str, ...]
) -> None:
    with pytest.raises(SourceError) as refused:
        _find(data)
    said = str(refused.value)
    assert "which older encoding it is can't be told" in said
    assert "with --encoding, such as --encoding" in said
    assert all(reading in said for reading in readings)


def test_next_to_all_utf8_is_told_by_its_line() -> None:
    with pytest.raises(SourceError, match="is utf-8 but for 1 places, the first in line 41"):
        _find("Größe;Łódź\n".encode() * 40 + b"caf\xe9\n")
