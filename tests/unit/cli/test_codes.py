"""Code lists: what a code means today, what a list may not say, and that ours are as generated."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from pytest import CaptureFixture

from civiclake import cli
from civiclake.contracts.read.codes import CodeTable, read_table
from civiclake.contracts.read.faults import Faults
from civiclake.settings import project_root

LISTS = project_root() / "schemas" / "_codes"
TABLES = sorted(p.stem for p in LISTS.glob("*.csv"))
HEAD = "code,label,since,until,became\n"


def _table(name: str) -> CodeTable:
    faults = Faults()
    found = read_table(LISTS / f"{name}.csv", name, faults)
    assert found is not None, faults.problems
    return found


@pytest.fixture(scope="module")
def counties() -> CodeTable:
    return _table("gb2260_county")


@pytest.mark.parametrize(
    ("code", "on", "today"),
    [
        ("530121", None, "530114"),  # Chenggong
        ("530122", None, "530115"),  # Jinning
        ("530121", date(2020, 1, 1), "530114"),  # a department that still writes it
        ("510225", None, "500116"),  # five times another code, and a new province
        ("110103", None, "110101"),  # merged into its neighbour
        ("530102", date(1950, 1, 1), "530102"),
        ("120107", None, None),  # dissolved into a new area
        ("530101", None, None),  # "districts of the city": no place
        ("990101", None, None),
        ("362302", None, None),  # given anew
        ("362302", date(1982, 1, 1), None),
        ("362302", date(1985, 1, 1), None),
        ("362302", date(1995, 1, 1), "361181"),
        ("330502", None, "330502"),  # a code of today was another's once
        ("330502", date(1985, 1, 1), None),
    ],
)
def test_an_old_code_is_carried_or_unknown(
    code: str, on: date | None, today: str | None, counties: CodeTable
) -> None:
    assert counties.today(code, on) == today


@pytest.mark.parametrize("name", TABLES)
def test_the_lists_to_join_say_what_today_says(name: str) -> None:
    table = _table(name)
    undated = dict(table.undated())
    assert len(undated) == len(table.undated())  # a join must not multiply rows
    assert undated == {c: t for c in table.meanings if (t := table.today(c))}
    assert set(undated.values()) <= table.current
    days: dict[str, list[tuple[date, date]]] = {}
    for code, today, first, end in table.dated():
        days.setdefault(code, []).append((first, end))
        assert first < end
        assert table.today(code, first) == today
    for spans in days.values():
        ordered = sorted(spans)
        assert all(a[1] <= b[0] for a, b in pairwise(ordered))


def test_most_old_counties_are_known_today(counties: CodeTable) -> None:
    old = set(counties.meanings) - counties.current
    known = [code for code in old if counties.today(code)]
    assert len(known) > 0.6 * len(old)


def test_dengue() -> None:
    diseases = _table("icd10")
    assert [diseases.today(c) for c in ("A90", "A91", "A97", "A97.0")] == ["A97"] * 3 + ["A97.0"]


def test_the_tables_are_what_the_libraries_hold(tmp_path: Path) -> None:
    runpy.run_path(str(LISTS / "generate.py"))["main"](tmp_path)
    assert sorted(p.stem for p in tmp_path.iterdir()) == TABLES
    for name in TABLES:
        made = (tmp_path / f"{name}.csv").read_bytes()
        assert made == (LISTS / f"{name}.csv").read_bytes(), name


@pytest.mark.parametrize("path", sorted(LISTS.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_list_says_where_it_comes_from(path: Path) -> None:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert said["source"] and said["revision"]
    assert "table" not in said or said["licence"]


WRONG: dict[str, tuple[str, str]] = {
    "head": ("code,label\n", "x.csv:1: the head is 'code,label'; allowed is"),
    "fields": (HEAD + "1,One\n", "x.csv:2: is '1,One'; allowed is a code and 4 fields"),
    "no code": (HEAD + ",One,,,\n", "x.csv:2: is ',One,,,'; allowed is a code"),
    "day": (HEAD + "1,One,2016,,\n", "x.csv:2: is '2016'; allowed is a day such as '2016-12-01'"),
    "nowhere": (HEAD + "12,A,,,123\n124,B,,,\n", "x.csv:2: '12' became '123', which is no code"),
    "twice": (HEAD + "1,A,,,\n1,B,2001-01-01,,\n", "x.csv:3: '1' means two things at the same"),
    "quotes": (HEAD + '1,"A"b,,,\n', "x.csv: not a CSV file in UTF-8"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_faulty_table_is_told_by_line(name: str, tmp_path: Path) -> None:
    text, sentence = WRONG[name]
    (tmp_path / "x.csv").write_text(text)
    faults = Faults()
    assert read_table(tmp_path / "x.csv", "x.csv", faults) is None
    assert any(p.startswith(sentence) for p in faults.problems), faults.problems


def test_a_circle_and_a_fork_lead_nowhere(tmp_path: Path) -> None:
    rows = "1,,,2000-01-01,2\n2,,,2001-01-01,1\n3,,,2000-01-01,4 5\n4,,,,\n5,,,,\n"
    (tmp_path / "x.csv").write_text(HEAD + rows)
    table = read_table(tmp_path / "x.csv", "x.csv", Faults())
    assert table is not None
    assert [table.today(code) for code in "12345"] == [None, None, None, "4", "5"]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]) -> Iterator[object]:
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["civiclake", "codes", *arguments])
        code = cli.run()
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    yield run


def test_a_person_can_ask_what_became_of_a_code(say) -> None:  # type: ignore[no-untyped-def]
    code, text = say("show", "gb2260_county", "530121")
    assert code == 0
    assert "530121  呈贡县, since 1980-12-01, until 2011-10-01, became 530114" in text
    assert "a record with it is carried to 530114" in text
    assert "A97  Dengue" in say("show", "icd10", "A90")[1]
    assert "without a day is set aside" in say("show", "gb2260_county", "362302")[1]
    assert "no one code of today" in say("show", "gb2260_county", "120107")[1]


def test_lists_and_their_codes_are_shown(say) -> None:  # type: ignore[no-untyped-def]
    code, text = say("list")
    assert (code, "gb2260_county" in text, "201904" in text) == (0, True, True)
    code, text = say("show", "industry_section")
    rows = [line for line in text.splitlines() if "Education" in line]
    assert code == 0 and len(rows) == 1


def test_what_is_not_there_is_named_with_what_is(say) -> None:  # type: ignore[no-untyped-def]
    assert say("show", "icd")[0] == 2
    assert "did you mean 'icd10'?" in say("show", "icd")[1]
    assert "never was, a code of sex" in say("show", "sex", "7")[1]
