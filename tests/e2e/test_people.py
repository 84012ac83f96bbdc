"""Who the records speak of: recognised across departments, and shown to nobody."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from e2e_city import City

from demo import ending, exposure, recognition, sources
from demo.city.residents import City as SampleCity
from demo.city.truth import Truth


class Link(NamedTuple):
    """A row of ``unified.person_link``."""

    person: str
    dataset: str
    key: str
    method: str
    probability: float
    since: datetime
    until: datetime | None


def _links(city: City) -> list[Link]:
    names = "person_id, dataset, record_key, method, match_probability"
    moments = "CAST(valid_from AS STRING), CAST(valid_to AS STRING)"  # in UTC, as they stand
    rows = city.trusted(f"SELECT {names}, {moments} FROM {{unified.person_link}}")
    return [
        Link(*row[:5], datetime.fromisoformat(row[5]), row[6] and datetime.fromisoformat(row[6]))
        for row in rows
    ]


def _assert_recognised(city: City, residents: int) -> None:
    links = ending.person_links(city.settings)
    found = recognition.score(links, sources.who_path(city.settings))
    assert found.records > residents
    assert len({dataset for _, dataset, _ in links}) >= 10
    assert found.precision >= ending.PRECISION
    assert found.recall >= ending.RECALL


def test_residents_are_recognised_across_departments(city: City, first_night: Truth) -> None:
    _assert_recognised(city, first_night.residents)


def test_the_next_night_s_links_are_true_and_the_former_ones_history(
    city: City, second_night: Truth
) -> None:
    before = _links(city)
    made = city.link_again("person", second_night.night)
    _assert_recognised(city, second_night.residents)
    after = _links(city)
    # What was written stands as it was, but for the end of what holds no more.
    known = {link[:-1]: link.until for link in after}
    assert len(known) == len(after)
    ended = [link for link in before if known[link[:-1]] != link.until]
    assert {link.until for link in ended} == {None}
    moments = {known[link[:-1]] for link in ended}
    fresh = {(link.dataset, link.key): link for link in after if link not in before}
    fresh = {key: link for key, link in fresh.items() if link.until is None}
    goes_on = [link for link in ended if (link.dataset, link.key) in fresh]
    began = {link.since for link in fresh.values()}
    assert len(began) == 1
    assert moments <= began, "what ends does so when the others begin"
    assert all(link.since < min(began) for link in ended)
    assert made["inserted"] == len(fresh) - len(goes_on) > 0
    assert (made["updated"], made["deleted"]) == (len(goes_on), len(ended) - len(goes_on))


def test_no_identifier_stands_where_anybody_may_look(city: City, second_night: Truth) -> None:
    residents = SampleCity(second_night.seed, second_night.residents)
    found = exposure.scan(city.settings, residents)
    assert found.files > 300
    assert found.found == ()
