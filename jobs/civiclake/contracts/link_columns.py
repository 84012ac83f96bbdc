"""What the tables of links hold: who is who is served like a dataset, and marts may read it."""

from __future__ import annotations

ATTRIBUTES: dict[str, tuple[tuple[str, str], ...]] = {
    "person": (
        ("citizen_id", "string"),
        ("sex", "string"),
        ("birth_year", "int"),
        ("district_code", "string"),
    ),
    "organisation": (
        ("credit_code", "string"),
        ("organisation_name", "string"),
        ("address", "string"),
        ("district_code", "string"),
    ),
    "place": (
        ("latitude", "double"),
        ("longitude", "double"),
        ("cell", "string"),
        ("address", "string"),
        ("district_code", "string"),
    ),
}
"""By subject: the columns of its unified table that records compete for."""


def entity_columns(subject: str) -> list[tuple[str, str]]:
    """Columns of ``unified.<subject>``."""
    return [
        (f"{subject}_id", "string"),
        *ATTRIBUTES[subject],
        ("is_verified", "boolean"),
        ("record_count", "bigint"),
        ("dataset_count", "bigint"),
        ("first_seen_at", "timestamp"),
        ("last_seen_at", "timestamp"),
    ]


def link_columns(subject: str) -> list[tuple[str, str]]:
    """Columns of ``unified.<subject>_link``, without the pipeline's own."""
    return [
        (f"{subject}_id", "string"),
        ("dataset", "string"),
        ("record_key", "string"),
        ("method", "string"),
        ("match_probability", "double"),
        ("valid_from", "timestamp"),
        ("valid_to", "timestamp"),
    ]


def restricted(table: str) -> frozenset[str]:
    """Columns that stand for one person (or one record of one), by the table's name."""
    subject = table.removesuffix("_link")
    of_person = {"person_id", "citizen_id"} if subject == "person" else {"credit_code"}
    return frozenset(of_person | ({"record_key"} if table != subject else set()))
