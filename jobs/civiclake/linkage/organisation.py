"""How two profiles of organisations are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from civiclake.linkage import text
from civiclake.linkage.subject import VERIFIED, Comparison, Derived, Level, Subject

_FORM = re.compile(r"(股份有限公司|有限责任公司|有限公司| co ltd| ltd| inc| llc)$")
"""Legal forms, which one department writes out and another leaves away."""


def _derive(profile: Mapping[str, str | None]) -> Derived:
    code = text.compact(profile["credit_code"])
    name = text.plain(profile["organisation_name"])
    return {
        VERIFIED: text.verified_credit_code(code),
        "number": code,
        "name": name and (_FORM.sub("", name) or name),
        "address": text.plain(profile["address"]),
        "district": text.plain(profile["district_code"]),
        "given_name": profile["organisation_name"],
        "given_address": profile["address"],
    }


def _attributes(derived: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "organisation_name": derived["given_name"],
        "address": derived["given_address"],
        "district_code": derived["district"],
    }


def _near(name: str, similarity: float) -> str:
    return f"jaro_winkler_similarity({name}_l, {name}_r) >= {similarity}"


_NO_PLACE = (
    "(address_l IS NULL OR address_r IS NULL) AND (district_l IS NULL OR district_r IS NULL)"
)

ORGANISATION = Subject(
    name="organisation",
    fields=("credit_code", "organisation_name", "address", "district_code"),
    derive=_derive,
    derived=(
        VERIFIED, "number", "name", "address", "district", "given_name", "given_address",
    ),
    # An organisation is renamed and keeps its code: names prove nothing against it.
    names=(),
    attributes=_attributes,
    comparisons=(
        Comparison(
            "name", "name_l IS NULL OR name_r IS NULL",
            (
                Level("name_l = name_r", 0.8, 0.00001),
                Level(_near("name", 0.95), 0.1, 0.0005),
                Level(_near("name", 0.88), 0.05, 0.01),
                Level("ELSE", 0.05, 0.98949),
            ),
        ),
        Comparison(
            "place", _NO_PLACE,
            (
                Level("address_l = address_r", 0.6, 0.0005),
                Level(_near("address", 0.92), 0.2, 0.005),
                Level("district_l = district_r", 0.15, 0.1),
                Level("ELSE", 0.05, 0.8945),
            ),
        ),
        Comparison(
            "number", "number_l IS NULL OR number_r IS NULL",
            (
                Level("number_l = number_r", 0.8, 0.000001),
                Level("damerau_levenshtein(number_l, number_r) <= 1", 0.15, 0.00001),
                Level("ELSE", 0.05, 0.999989),
            ),
            fixed=True,
        ),
    ),
    blocking=(
        ("{}.number",),
        ("{}.name",),
        ("{}.address",),
        ("left({}.name, 4)", "{}.district"),
        ("left({}.number, 12)",),
    ),
    certain=(("{}.verified",), ("{}.name", "{}.district")),
    training=(("{}.name",), ("{}.address",)),
)  # fmt: skip
