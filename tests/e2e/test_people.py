"""Who the records speak of: recognised across departments, and shown to nobody."""

from __future__ import annotations

from e2e_city import City

from demo import ending, exposure, recognition, sources
from demo.city.residents import City as SampleCity
from demo.city.truth import Truth


def test_residents_are_recognised_across_departments(city: City, first_night: Truth) -> None:
    links = [(str(p), str(d), str(k)) for p, d, k in city.query(ending.PERSON_LINKS)]
    found = recognition.score(links, sources.who_path(city.settings))
    assert found.records > first_night.residents
    assert len({dataset for _, dataset, _ in links}) >= 10
    assert found.precision >= ending.PRECISION
    assert found.recall >= ending.RECALL


def test_no_identifier_stands_where_anybody_may_look(city: City, second_night: Truth) -> None:
    residents = SampleCity(second_night.seed, second_night.residents)
    found = exposure.scan(city.settings, residents)
    assert found.files > 300
    assert found.found == ()
