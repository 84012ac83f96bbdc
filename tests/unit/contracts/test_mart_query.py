"""How a mart's query comes to read its inputs at their versions."""

from __future__ import annotations

from civiclake.contracts.read.query import Query


def test_only_the_names_of_inputs_are_changed_and_never_a_text() -> None:
    query = (
        "-- inputs: health.visits, of unified.health_visits\n"
        "SELECT 'from unified.health_visits' AS source, 'it\\'s unified.health_visits' AS it,\n"
        "  \"unified.health_visits\" AS quoted, r'\\' AS slash, `unified.health_visits` AS name\n"
        "FROM unified.health_visits /* unified.health_visits */ JOIN unified.other_table\n"
    )
    changed = Query(query).bound({"unified.health_visits"})
    assert changed == query.replace("FROM unified.health_visits", "FROM health_visits")
