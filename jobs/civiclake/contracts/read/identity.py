"""Which columns of which datasets say who, which organisation, which place.

Nothing is declared for it: a column that points to a shared column (``_columns/``) means the
same wherever it stands, so the contracts say it already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from civiclake.contracts.model import Column, Dataset, Link

MEANINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "person": {
        "citizen_id": ("person.citizen_id",),
        "person_name": ("person.person_name",),
        "birth_date": ("person.birth_date",),
        "sex": ("person.sex",),
        "phone": ("person.phone",),
        "address": ("person.address",),
        "district_code": ("person.district_code", "place.county_code", "place.district_code"),
    },
    "organisation": {
        "credit_code": ("organisation.credit_code",),
        "organisation_name": ("organisation.organisation_name",),
        "address": ("place.address",),
        "district_code": ("place.county_code", "place.district_code"),
    },
    "place": {
        "latitude": ("place.latitude", "place.city_latitude"),
        "longitude": ("place.longitude", "place.city_longitude"),
        "address": ("place.address",),
        "district_code": ("place.county_code", "place.district_code"),
    },
}
"""By subject and field: the shared columns that hold it, first the one that is preferred."""

_SUFFICES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "person": (
        ("citizen_id",), ("person_name", "birth_date"), ("person_name", "phone"),
        ("person_name", "address"),
    ),
    "organisation": (("credit_code",), ("organisation_name",)),
    "place": (("latitude", "longitude"), ("address",)),
}  # fmt: skip
"""By subject: sets of fields, of which a dataset must have one whole to say who."""


_MAY_BE_PROTECTED: Mapping[str, frozenset[str]] = {
    "person": frozenset({"citizen_id", "person_name", "birth_date", "phone", "address"}),
    "organisation": frozenset({"credit_code"}),
    "place": frozenset(),
}
"""By subject: fields that linkage reads and never shows. Of the others, something is served of
every value, so a protected column does not count as one: a home is no place of the city's."""


class Identity(BaseModel):
    """What a dataset's columns say about one subject."""

    model_config = ConfigDict(frozen=True)

    dataset: Dataset
    columns: Mapping[str, Column]
    """By field of the subject; of two columns with one meaning, the first counts."""


def identities(subject: str, datasets: Iterable[Dataset]) -> list[Identity]:
    """The datasets that say who, and by which columns.

    Args:
        subject: ``person``, ``organisation`` or ``place``.
        datasets: all compiled contracts.
    """
    found = [Identity(dataset=d, columns=_columns(subject, d)) for d in datasets]
    sets = _SUFFICES[subject]
    return [i for i in found if any(all(f in i.columns for f in fields) for fields in sets)]


def links(datasets: Iterable[Dataset]) -> tuple[Link, ...]:
    """The subjects that at least one dataset speaks of."""
    known = list(datasets)
    made = [(s, tuple(i.dataset.id for i in identities(s, known))) for s in MEANINGS]
    return tuple(Link(name=subject, inputs=inputs) for subject, inputs in made if inputs)


def _columns(subject: str, dataset: Dataset) -> dict[str, Column]:
    by_meaning: dict[str, Column] = {}
    for column in dataset.columns:
        if column.meaning:
            by_meaning.setdefault(column.meaning, column)
    hidden = _MAY_BE_PROTECTED[subject]
    found: dict[str, Column] = {}
    for field, meanings in MEANINGS[subject].items():
        for column in (by_meaning[m] for m in meanings if m in by_meaning):
            if column.protection is None or field in hidden:
                found.setdefault(field, column)
    return found
