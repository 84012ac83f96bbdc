"""The brief's pages: what they say, that nothing is loaded, and that everybody can read them."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import h3
import pytest
from brief_sample import BARS, CELLS, EVIL, LINES, MAP, brief, days, table

from civiclake.contracts.page import Chart
from civiclake.pipeline.brief import charts, maps, numbers, render
from civiclake.pipeline.brief.gather import without_small
from civiclake.pipeline.brief.write import NEEDS, put

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Holds a page to be well formed, and gathers what it loads, says and names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return render.pages(brief())


def test_every_page_stands_alone_and_is_small(pages: dict[str, str]) -> None:
    assert set(pages) == {"index.html", "transit.html", "department-health.html"}
    for name, text in pages.items():
        page = Page(text)
        assert len(text.encode()) < 1_000_000, name
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "link", "img", "iframe", "object", "b onmouseover"}
        for tag, said in page.tags:
            for word in said:
                assert not word.startswith("on"), (name, tag, word)
                assert word not in ("src", "srcset"), (name, tag)
            href = said.get("href")
            if tag == "a" and href and not href.startswith("#"):
                assert href in pages, (name, href)
        assert "url(" not in text
        assert "//" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL).replace("<!--", "")
        assert EVIL not in text


def test_headings_tables_and_charts_can_be_followed_without_seeing(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        page = Page(text)
        ids = [said["id"] for _, said in page.tags if "id" in said]
        assert len(ids) == len(set(ids)), name
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(b <= a + 1 for a, b in pairwise(levels)), (name, levels)
        for tag, said in page.tags:
            if tag == "svg" and "class" in said:
                assert said["role"] == "img"
                assert "The table below holds the values." in str(said["aria-label"])
            if tag == "th":
                assert said["scope"] in ("row", "col")
        assert [tag for tag, _ in page.tags].count("table") == [t for t, _ in page.tags].count(
            "caption"
        )
        assert {"nav", "main", "footer", "title"} <= {tag for tag, _ in page.tags}


def test_a_page_says_first_what_is_stale_then_what_changed_and_last_where_it_is_from(
    pages: dict[str, str],
) -> None:
    words = Page(pages["transit.html"]).words
    places = [
        words.index(said)
        for said in (
            "Not up to date.", "marts.transit_trips was never made", "On 2026-03-09, 81 %",
            "Alarms that are open", "5 of 26 rows", "Where the numbers come from",
            "Runs by frequency have none.", "transport.trips",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    for said in (
        "2 rows of fewer than 5 persons not shown.", "5 hours ago",
        "There is nothing to show: the query gives no row.",
        "with late_seconds = 300", "FROM marts.x VERSION AS OF 3", "civiclake why transit_lines",
        "ask Transport (alert a1b2)", "\N{MINUS SIGN}8",
    ):  # fmt: skip
        assert said in words
    assert EVIL in words  # as text
    index = Page(pages["index.html"]).words
    assert "not up to date" in index
    assert "1 open alarm" in index


def test_a_department_sees_what_was_set_aside_by_rule_and_who_reads_it(
    pages: dict[str, str],
) -> None:
    words = Page(pages["department-health.html"]).words
    for said in (
        "health.beds was never delivered, and 24 hours are promised", "code:sex", "sex is a code",
        "Made from it: marts.visits_by_weather.", "Nothing is made from it as yet.", "1,190",
    ):  # fmt: skip
        assert said in " ".join(words.split())


@pytest.mark.parametrize("part", [n for n, p in enumerate(brief().sheets[0].parts) if p.chart])
def test_every_chart_is_drawn_and_well_formed(part: int) -> None:
    made = brief()
    found = made.sheets[0].parts[part]
    assert found.chart is not None
    if found.chart.kind == "map":
        text = maps.areas_map(found.chart, found.table, made.areas, made.names)
    else:
        text = (charts.bars if found.chart.kind == "bars" else charts.lines)(
            found.chart, found.table
        )
    root = ElementTree.fromstring(text)
    assert len(list(root.iter())) > 8
    assert not re.search(r"\b(nan|inf)\b", text)


def test_a_missing_value_is_a_gap_and_never_a_zero() -> None:
    text = charts.bars(BARS, brief().sheets[0].parts[1].table)
    assert text.count('class="bar"') == 3
    assert "not known" in text
    assert "1 of 4 values are not known." in text
    drawn = charts.lines(LINES, days())
    # Day 7 has no value and day 10 no row: three runs of each line, and no point between them.
    assert drawn.count('<path class="line s0"') == 3
    assert drawn.count('<circle class="dot s0"') == 12


def test_a_map_keeps_its_land_its_holes_and_its_size() -> None:
    made = brief()
    seats = table("district_code seats_per_child", ("D1", 0.8), ("D2", None), ("D9", 1.0))
    text = maps.areas_map(MAP, seats, made.areas, made.names)
    assert text.count('class="land"') == text.count('class="border"') == 3
    assert 'class="area unknown"' in text
    assert "1 areas have no shape and are in the table alone." in text
    alone = maps.areas_map(MAP, table("district_code seats_per_child", ("D1", 0.8)), made.areas, {})
    land = re.compile(r'class="land" d="([^"]+)"')
    assert land.findall(text) == land.findall(alone)
    hole = land.findall(text)[1]
    assert hole.count("M") == 2
    assert maps.areas_map(MAP, seats, {}, {}) == ""


def test_cells_too_small_to_be_seen_are_drawn_again_larger() -> None:
    """Fifty cells where most happens, and one a hundred kilometres away."""
    near = sorted(h3.grid_disk("8840717295fffff", 4))
    far = h3.latlng_to_cell(26.2, 103.2, 8)
    rows = [(cell, 10 + n) for n, cell in enumerate(near)]
    text = maps.areas_map(CELLS, table("cell people", *rows, (far, 1)), brief().areas, {})
    root = ElementTree.fromstring(text)
    whole, close = [one for one in root if one.tag == "svg"]
    areas = [len([p for p in one if "area" in p.get("class", "")]) for one in (whole, close)]
    assert areas == [len(near) + 1, len(near)]
    assert text.count('class="frame"') == 2
    assert "The part in the frame is drawn again on the right, larger." in text
    box = [float(n) for n in str(root.get("viewBox")).split()]
    assert float(str(close.get("x"))) + float(str(close.get("width"))) < box[2]
    # Without the far one, all are seen.
    assert "frame" not in maps.areas_map(CELLS, table("cell people", *rows), brief().areas, {})


def test_lines_that_end_together_are_named_apart_and_above_their_axis() -> None:
    rows = [("2026-03-01", f"K{n}", 0) for n in range(6)]
    rows += [("2026-02-01", f"K{n}", n) for n in range(6)]
    text = charts.lines(LINES, table("day line on_time_share", *rows))
    heights = sorted(float(n) for n in re.findall(r'class="end s\d" x="[\d.]+" y="([\d.]+)"', text))
    assert len(heights) == 6
    assert all(b - a >= 14 for a, b in pairwise(heights))
    assert heights[-1] <= charts._LINE_HEIGHT - charts._BOTTOM + 4


def test_a_district_has_its_name_in_tables_and_alarms() -> None:
    assert numbers.named("district_code", "D1", {"D1": "Wuhua"}) == "Wuhua (D1)"
    assert numbers.named("line", "D1", {"D1": "Wuhua"}) == "D1"
    made = brief()
    (sheet,) = made.sheets
    alarm = dataclasses.replace(
        sheet.alarms[0], of="disease_code=B05.9, district_code=D1", sentence="8 in D1, not D12"
    )
    sheet = dataclasses.replace(sheet, alarms=(alarm,))
    text = render.pages(dataclasses.replace(made, sheets=(sheet,)))["transit.html"]
    assert "8 in Wuhua (D1), not D12" in text


def test_nothing_to_draw_is_nothing_drawn() -> None:
    empty = table("line delay_mean_s", ("K1", None))
    assert charts.bars(BARS, empty) == ""
    lines = Chart(kind="lines", by="line", value="delay_mean_s", says="x")
    assert charts.lines(lines, table("line delay_mean_s", ("K1", 3.0))) == ""
    one = charts.lines(
        Chart(kind="lines", by="day", value="n", says="x"), table("day n", ("2026-03-01", 5))
    )
    assert one.count("<circle") == 1


def test_rows_of_few_persons_are_not_shown_nor_those_of_unknown_numbers() -> None:
    found = without_small(table("a people", ("x", 5), ("y", 4), ("z", None)), "people", 5)
    assert (found.rows, found.withheld, found.smallest) == ((("x", 5),), 2, 5)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("on_time_share", 0.8123, "81.2 %"), ("x_share", 1.0, "100 %"),
        ("school_year", 2026, "2026"),
        ("trips", 12345, "12,345"), ("delay_mean_s", -12.3456, "\N{MINUS SIGN}12.3"),
        ("x", 0.00123, "0.00123"), ("x", 1234.5, "1,234"), ("x", None, "not known"),
        ("x", float("nan"), "not known"), ("is_late", True, "yes"), ("x", 0.0, "0"),
        ("district_code", 530102, "530102"),
    ],
)  # fmt: skip
def test_values_are_written_as_people_read_them(name: str, value: float | None, said: str) -> None:
    assert numbers.shown(name, value) == said


def test_names_are_cut_by_the_width_of_their_letters() -> None:
    rows = table("line delay_mean_s", ("abcdefghijklmnopqrstuvwxyz", 1.0), ("五" * 13, 2.0))
    text = charts.bars(BARS, rows)
    assert ">abcdefghijklmnopqrstuvw…<" in text
    assert f">{'五' * 11}…<" in text


def test_columns_say_their_units() -> None:
    assert [numbers.head(n) for n in ("delay_mean_s", "speed_kmh", "on_time_share", "is_hot")] == [
        "delay mean (seconds)", "speed (km/h)", "on time share", "hot",
    ]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.61, 0.62), (-8, 30.5), (5, 5), (0, 0)])
def test_an_axis_has_round_numbers_around_what_it_shows(low: float, high: float) -> None:
    ticks = numbers.rounded(low, high)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 7


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", css))


def _light(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_texts_and_lines_stand_out_in_light_and_dark(look: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for texts, 3 to 1 for what is drawn."""
    css = (Path(render.__file__).with_name("templates") / "brief.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme:dark)")
    found = _colours(light) | (_colours(dark.partition("}}")[0]) if look == "dark" else {})
    texts = [("text", "back"), ("soft", "back"), ("link", "back"), ("text", "panel"),
             ("text", "bad-back"), ("bad", "bad-back"), ("late", "late-back"),
             ("good", "good-back"), *((f"s{n}", "back") for n in range(6))]  # fmt: skip
    for front, back in texts:
        assert _contrast(found[front], found[back]) >= 4.5, (front, back)
    for front in ("bar", "edge"):
        assert _contrast(found[front], found["back"]) >= 3, front
    shades = [_light(found[f"q{n}"]) for n in range(1, 6)]
    assert shades == sorted(shades, reverse=look == "light")


def test_pages_are_written_whole_and_former_ones_taken_away(tmp_path: Path) -> None:
    (tmp_path / "safety.html").write_text("of an application that is no more")
    (tmp_path / "notes.txt").write_text("mine")
    made = put(tmp_path, brief())
    assert made[0].name == "index.html"
    assert tmp_path.stat().st_mode & 0o077 == 0, "any user of the machine could read them"
    assert {p.name for p in tmp_path.iterdir()} == {
        "index.html", "transit.html", "department-health.html", NEEDS, "notes.txt",
    }  # fmt: skip
    assert '"mart_transit_trips"' in (tmp_path / NEEDS).read_text()
    less = put(tmp_path, dataclasses.replace(brief(), departments=()))
    assert not (tmp_path / "department-health.html").exists()
    assert [p.name for p in less] == ["index.html", "transit.html"]


def test_where_nothing_is_missing_a_gap_is_none_and_not_unknown() -> None:
    assert numbers.shown("gap", None) == "none"
    assert numbers.shown("gap", "no road leads there") == "no road leads there"
    assert numbers.shown("p", None) == "not known"
