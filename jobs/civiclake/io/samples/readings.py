"""Whether a text read in some encoding makes sense: its words' scripts, letters and capitals."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_MOST_SIGNS = 20_000
_MANY_SYLLABLES = 12
_LATIN = {
    "German": "äöüß", "French": "àâæçéèêëîïôœùûüÿ", "Spanish": "áéíñóúüçºª", "Italian": "àèéìíòóùú",
    "Portuguese": "ãáàâçéêíóôõúüºª", "Swedish, Finnish": "åäöéü", "Danish, Norwegian": "æøåéäöü",
    "Dutch": "éëïóöüèêáí", "Icelandic": "áðéíóúýþæö", "Catalan": "àçèéíïòóúü",
    "Polish": "ąćęłńóśźż", "Czech": "áčďéěíňóřšťúůýž", "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű", "Romanian": "ăâîşţșț", "Croatian": "čćđšž", "Slovene": "čšž",
    "Turkish": "çğıİöşüâîû", "Lithuanian": "ąčęėįšųūž", "Latvian": "āčēģīķļņšūž",
    "Estonian": "äõöüšž",
}  # fmt: skip
"""Letters beside a to z; a text of one language has few others."""
_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўјљњћџђѓќ")
_WITH_DIALYTIKA = frozenset("ΐΰϊϋ")
_GREEK_VOWELS = frozenset("αεοιυωάέόίύώ")
_TYPOGRAPHY = frozenset("“”„‘’‚–—…•€£¥§©®™°²³½¼¾±·×«»‹›¿¡ºª№\u00a0\u00ad")  # noqa: RUF001
_WITHIN_WORDS = frozenset("’·\u00ad")  # noqa: RUF001
_AFTER_WORDS = frozenset("’ºª”“»›…·™®\u00ad°²³–—\u00a0")  # noqa: RUF001
_BEFORE_WORDS = frozenset("‘’“„«‹¿¡–—•€£§©·\u00a0")  # noqa: RUF001


def sense(text: str) -> float:
    """The share of other signs than ASCII's that stand where such signs stand.

    Of Latin letters those count that the one language has in which most do.
    """
    odd = [n for n, sign in enumerate(text) if not sign.isascii()][:_MOST_SIGNS]
    if not odd:
        return 1.0
    letters: list[str] = []
    good = 0
    for place in odd:
        sign = text[place]
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        script = _script(sign)
        if script == "LATIN":
            if _fits_word(sign, before, after):
                letters.append(sign)
        else:
            good += _CHECKS.get(script, _is_typography)(sign, before, after)
    best = max(sum(s in own or s.lower() in own for s in letters) for own in _LATIN.values())
    return (good + best) / len(odd)


def is_korean(text: str) -> bool:
    """Whether all of its many East Asian signs are syllables: Chinese text, read as Korean, has a
    third of ideographs among them."""
    scripts = [_script(sign) for sign in text[:_MOST_SIGNS] if not sign.isascii()]
    return scripts.count("HANGUL") >= _MANY_SYLLABLES and "CJK" not in scripts


def _script(sign: str) -> str:
    if not sign.isalpha() or sign in "ºª":
        return ""
    return unicodedata.name(sign, "").partition(" ")[0]


def _fits_word(sign: str, before: str, after: str) -> bool:
    """Whether its neighbours are of its script, and a capital does not follow a small letter."""
    own = _script(sign)
    alike = all(not n.isalpha() or _script(n) == own for n in (before, after) if n)
    return alike and not (sign.isupper() and before.isalpha() and before.islower())


def _is_cyrillic(sign: str, before: str, after: str) -> bool:
    return sign.lower() in _CYRILLIC and _fits_word(sign, before, after)


def _is_greek(sign: str, before: str, after: str) -> bool:
    """The final sigma stands at the end of a word, and a dialytika parts two vowels."""
    if sign == "ς" and after.isalpha():
        return False
    parted = sign not in _WITH_DIALYTIKA or before in _GREEK_VOWELS
    return parted and _fits_word(sign, before, after)


def _is_han(sign: str, before: str, after: str) -> bool:
    """One of the frequent characters of some East Asian standard, and not amid Latin letters."""
    if any(n.isascii() and n.islower() for n in (before, after)):
        return False
    if any(_script(n) == "HANGUL" for n in (before, after)):
        return False
    return any(_is_frequent(sign, *standard) for standard in _STANDARDS)


_STANDARDS = (
    ("gb2312", b"\xb0\xa1", b"\xd7\xfe"),
    ("big5", b"\xa4\x40", b"\xc6\x7e"),
    ("shift_jis", b"\x88\x9f", b"\x98\x72"),
)
"""In each of them the first of two levels holds what is in common use."""


def _is_frequent(sign: str, codec: str, low: bytes, high: bytes) -> bool:
    try:
        return low <= sign.encode(codec) <= high
    except UnicodeEncodeError:
        return False


def _is_syllable(sign: str, before: str, after: str) -> bool:
    return not any(_script(n) in ("CJK", "LATIN") for n in (before, after))


def _is_kana(sign: str, before: str, after: str) -> bool:
    return not any(_script(n) in ("LATIN", "HANGUL") for n in (before, after))


def _is_typography(sign: str, before: str, after: str) -> bool:
    """A mark that stands between words, at their edges or in them, as it does in print."""
    if unicodedata.category(sign)[0] == "P" and ord(sign) >= 0x2E80:
        return True
    if "\uff01" <= sign <= "\uff5e":  # ASCII's signs, as wide as ideographs
        return True
    if sign not in _TYPOGRAPHY:
        return False
    if before.isalpha() and after.isalpha():
        return sign in _WITHIN_WORDS
    if before.isalpha():
        return sign in _AFTER_WORDS
    return not after.isalpha() or sign in _BEFORE_WORDS


_CHECKS: dict[str, Callable[[str, str, str], bool]] = {
    "CYRILLIC": _is_cyrillic,
    "GREEK": _is_greek,
    "CJK": _is_han,
    "HANGUL": _is_syllable,
    "HIRAGANA": _is_kana,
    "KATAKANA": _is_kana,
}
