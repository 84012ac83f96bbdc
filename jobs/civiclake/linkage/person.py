"""How two profiles of persons are compared.

The household's evidence (telephone, address, district) is one comparison, because people
of one household share all of it: as three, it would outweigh that their names differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from civiclake.linkage import text
from civiclake.linkage.subject import VERIFIED, Comparison, Derived, Level, Subject


def _derive(profile: Mapping[str, str | None]) -> Derived:
    number = text.compact(profile["citizen_id"])
    verified = text.verified_citizen_id(number)
    family, given = text.split_name(profile["person_name"])
    birth = text.iso_date(profile["birth_date"])
    if verified:
        said, birth = birth, birth or text.iso_date(verified[6:14])
        if said and _far_apart(said, verified[6:14]):
            # Somebody else's number, such as a parent's for a child: it says nothing.
            number = verified = None
    return {
        VERIFIED: verified,
        "number": number,
        "family": family,
        "given": given,
        "birth": birth,
        "sex": profile["sex"] or _sex(verified),
        "phone": text.digits(profile["phone"]),
        "address": text.plain(profile["address"]),
        "district": text.plain(profile["district_code"]),
    }


def _attributes(derived: Mapping[str, Any]) -> dict[str, str | None]:
    birth = derived["birth"]
    return {
        "sex": derived["sex"],
        "birth_year": birth and birth[:4],
        "district_code": derived["district"],
    }


def _far_apart(said: str, number: str) -> bool:
    """Whether two days differ in more places than a slip of the pen."""
    differing = sum(a != b for a, b in zip(said.replace("-", ""), number, strict=True))
    return differing > _SLIP


def _sex(verified: str | None) -> str | None:
    """The number's seventeenth digit: odd for men (GB/T 2261.1: 1), even for women (2)."""
    return None if verified is None else "1" if int(verified[16]) % 2 else "2"


def _near(name: str, edits: int = 1) -> str:
    """Whether two texts are a few edits apart.

    One edit leaves the first or the last half as it is, which is much cheaper to look at.
    """
    half = f"least(length({name}_l), length({name}_r)) // 2"
    same = " OR ".join(f"{side}({name}_l, {half}) = {side}({name}_r, {half})" for side in _SIDES)
    return f"({same}) AND damerau_levenshtein({name}_l, {name}_r) <= {edits}"


_SIDES = ("left", "right")
_SLIP = 2
"""Figures of a date: one was misread, or two were swapped."""

_MISSING = "{0}_l IS NULL OR {0}_r IS NULL"
_BOTH_SAME = "phone_l = phone_r AND address_l = address_r"
_NEAR_ADDRESS = (
    "abs(length(address_l) - length(address_r)) <= 3"
    " AND jaro_winkler_similarity(address_l, address_r) >= 0.9"
)
_NO_HOUSEHOLD = (
    "(phone_l IS NULL OR phone_r IS NULL) AND (address_l IS NULL OR address_r IS NULL)"
    " AND (district_l IS NULL OR district_r IS NULL)"
)
_SWAPPED = "family_l = given_r AND given_l = family_r"

_FAMILY = Comparison(
    "family", _MISSING.format("family"),
    (
        Level("family_l = family_r", 0.92, 0.05),
        Level("jaro_winkler_similarity(family_l, family_r) >= 0.88", 0.03, 0.005),
        Level(_SWAPPED, 0.01, 0.0001),
        Level("ELSE", 0.04, 0.9449),
    ),
)  # fmt: skip
_GIVEN = Comparison(
    "given", _MISSING.format("given"),
    (
        Level("given_l = given_r", 0.93, 0.005),
        Level("jaro_winkler_similarity(given_l, given_r) >= 0.88", 0.03, 0.002),
        Level(_SWAPPED, 0.01, 0.0001),
        Level("jaro_winkler_similarity(given_l, given_r) >= 0.65", 0.02, 0.04),
        Level("ELSE", 0.01, 0.9529),
    ),
)  # fmt: skip
_BIRTH = Comparison(
    "birth", _MISSING.format("birth"),
    (
        Level("birth_l = birth_r", 0.95, 0.00004),
        Level(_near("birth"), 0.03, 0.001),
        Level("substr(birth_l, 1, 4) = substr(birth_r, 1, 4)", 0.01, 0.015),
        Level("ELSE", 0.01, 0.98396),
    ),
)  # fmt: skip
_SEX = Comparison(
    "sex", _MISSING.format("sex"),
    (Level("sex_l = sex_r", 0.99, 0.5), Level("ELSE", 0.01, 0.5)),
)  # fmt: skip
_HOUSEHOLD = Comparison(
    "household", _NO_HOUSEHOLD,
    (
        Level(_BOTH_SAME, 0.4, 0.00001),
        Level("phone_l = phone_r", 0.25, 0.00001),
        Level("address_l = address_r", 0.2, 0.00002),
        Level(f"({_near('phone')}) OR ({_NEAR_ADDRESS})", 0.05, 0.002),
        Level("district_l = district_r", 0.05, 0.1),
        Level("ELSE", 0.05, 0.89797),
    ),
)  # fmt: skip
_NUMBER = Comparison(
    "number", _MISSING.format("number"),
    (
        Level("number_l = number_r", 0.8, 0.000001),
        Level(_near("number"), 0.15, 0.00001),
        Level(_near("number", edits=2), 0.02, 0.0001),
        Level("ELSE", 0.03, 0.999889),
    ),
    fixed=True,
)  # fmt: skip

PERSON = Subject(
    name="person",
    fields=(
        "citizen_id", "person_name", "birth_date", "sex", "phone", "address", "district_code",
    ),
    derive=_derive,
    derived=(
        VERIFIED, "number", "family", "given", "birth", "sex", "phone", "address", "district",
    ),
    names=("family", "given"),
    attributes=_attributes,
    comparisons=(_FAMILY, _GIVEN, _BIRTH, _SEX, _HOUSEHOLD, _NUMBER),
    blocking=(
        ("{}.number",),
        ("{}.birth", "{}.given"),
        ("{}.birth", "{}.family"),
        ("{}.birth", "{}.phone"),
        ("{}.birth", "{}.address"),
        ("{}.birth", "{}.district"),
        ("{}.given", "{}.phone"),
        ("{}.family", "{}.phone"),
        ("{}.given", "{}.address"),
        ("{}.family", "{}.given", "substr({}.birth, 1, 4)"),
        ("{}.family", "{}.given", "substr({}.birth, 6)"),
        ("{}.given", "substr({}.number, 1, 14)"),
        ("{}.given", "substr({}.number, 7)"),
    ),
    certain=(("{}.verified",), ("{}.family", "{}.given", "{}.birth")),
    training=(("{}.birth",), ("{}.family", "{}.given")),
)  # fmt: skip
