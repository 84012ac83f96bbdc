"""How files begin, are packed and are named: each a way into a draft that reads them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.contracts.draft.guess import guess
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.load import load_city
from civiclake.errors import SourceError, UserError
from civiclake.io import samples
from civiclake.io.extract import extract
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.patterns import pattern
from civiclake.settings import Settings


def _take(tmp_path: Path, name: str, content: bytes | str, asked: Asked | None = None) -> Sample:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return samples.take(str(path), "parks", asked or Asked())


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("births.csv", "births.csv"),
        ("births_2016-01.csv", "births_[0-9]*.csv"),
        ("births_20160131T0200.csv.gz", "births_[0-9]*.csv.gz"),
        ("2016-01-02.csv", "[0-9]*.csv"),
        ("2018_DOJ_arrests.csv", "[0-9]*_DOJ_arrests.csv"),
        ("pm25.csv", "pm25.csv"),
        ("pm25_2016.csv", "pm25_[0-9]*.csv"),
        ("census2011.csv", "census[0-9]*.csv"),
        ("notes [old].csv", "notes [[]old].csv"),
        ("v1_feed_03.zip", "v1_feed_[0-9]*.zip"),
    ],
)
def test_a_pattern_is_of_one_dataset(name: str, made: str, tmp_path: Path) -> None:
    assert pattern(tmp_path / name)[0] == made
    (tmp_path / name).touch()
    assert [p.name for p in tmp_path.glob(made)] == [name]


def _zip(**members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return packed.getvalue()


ENDS = {
    "titled.csv": b"Rainfall report\nPrinted 2016-01-02\n\nStation,Rain (mm)\nS1,2.5\nS2,0\n",
    "told.csv": b"sep=;\r\nsite;n\r\nA;5\r\nB;7\r\n",
    "padded.csv": b"site,day,n,,\nA,2016-01-01,5,,\nB,2016-01-01,7,,\n",
    "index.csv": b",site,n\n0,A,5\n1,B,7\n",
    "broken.csv": b'site,"Total\nvisits",kind\r\nA,5,x\r\nB,7,y\r\n',
    "latin.csv": "site,n\nTiergarten Süd,5\nGröße,7\n".encode("cp1252"),
    "wide.txt": "site\tn\nA\t5\nB\t7\n".encode("utf-16"),
    "nested.geojson": b'{"features": [{"properties": {"ID": 1}}, {"properties": {"ID": 2}}]}',
    "visits_2016-01-01.zip": _zip(**{"__MACOSX/._v": "x", "v_2016.csv": "site,n\nA,5\nB,7\n"}),
    "absent.csv": b'ward,delay,budget\nW1,NA,"1,234.50"\nW2,7,"$2,000.00"\n',
    "repeated.csv": b"age,sex\n55,F\n55,F\n",
}


@pytest.mark.parametrize("name", ENDS)
def test_a_night_reads_every_row_by_the_draft_as_it_stands(
    name: str, schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drops = tmp_path / "drops" / "parks"
    drops.mkdir(parents=True)
    (drops / name).write_bytes(ENDS[name])
    done = CliRunner().invoke(app, ["new", "parks.trees", "--from", str(drops / name)])
    assert done.exception is None, done.exception
    monkeypatch.setenv("CIVICLAKE_DROPS", str(drops.parent))
    dataset = load_city(schemas, schemas / "no-suites", schemas / "no-marts").dataset("parks.trees")
    settings = Settings(state_dir=tmp_path / "state")
    assert extract(settings, dataset, "n1", settle_seconds=0).rows == 2


def test_two_drafts_of_one_department_read_their_own_files(tmp_path: Path) -> None:
    for name in ("births.csv", "births_old.csv", "deaths.csv", "births_2016.csv"):
        (tmp_path / name).touch()
    found = {
        name: [p.name for p in tmp_path.glob(pattern(tmp_path / name)[0])]
        for name in ("births.csv", "deaths.csv", "births_2016.csv")
    }
    assert found == {name: [name] for name in found}


def test_titles_above_the_names_are_told(tmp_path: Path) -> None:
    text = "Rainfall report\nPrinted 2016-01-02\n\nStation,Date,Rain (mm)\nS1,2016-01-01,2.5\n"
    found = _take(tmp_path, "a.csv", text)
    assert found.header == ("Station", "Date", "Rain (mm)")
    assert (found.loading["header_row"], found.rows) == (4, (("S1", "2016-01-01", "2.5"),))
    assert "line 4 is taken for the header" in found.notes[1]
    assert "Rainfall report / Printed 2016-01-02" in found.notes[1]


def test_a_title_with_a_spreadsheets_commas(tmp_path: Path) -> None:
    found = _take(tmp_path, "a.csv", "Report,,,\nid,a,b,c\n1,2,3,4\n2,3,4,5\n")
    assert (found.header, found.loading["header_row"]) == (("id", "a", "b", "c"), 2)


@pytest.mark.parametrize("text", ["\n\nid,n\n1,2\n", "id,n\n1,\n2,\n", "id,a,b\n1,,\n2,,\n"])
def test_blank_lines_and_gaps_are_no_titles(text: str, tmp_path: Path) -> None:
    found = _take(tmp_path, "a.csv", text)
    assert found.header[0] == "id"
    assert "header_row" not in found.loading


def test_a_spreadsheets_separator_is_obeyed(tmp_path: Path) -> None:
    found = _take(tmp_path, "a.csv", "sep=;\r\nsite;n\r\nA;5\r\n")
    assert (found.header, found.rows) == (("site", "n"), (("A", "5"),))
    assert found.loading == {"load": "files", "delimiter": ";"}


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        (",site,n\n0,A,5\n1,B,7\n", ("column_1", "site", "n"), (("0", "A", "5"), ("1", "B", "7"))),
        ("site,n,\nA,5,\nB,7,\n", ("site", "n"), (("A", "5"), ("B", "7"))),
        ("site,n\nA,5,,\nB,7,,\n", ("site", "n"), (("A", "5"), ("B", "7"))),
        ("site,n,,\nA,5,,\nB,7\n", ("site", "n"), (("A", "5"), ("B", "7"))),
        ("site,,n\nA,x,5\n", ("site", "column_2", "n"), (("A", "x", "5"),)),
        ("ward,n\nW1,5\n,\n", ("ward", "n"), (("W1", "5"),)),
    ],
)
def test_columns_without_a_name(
    text: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], tmp_path: Path
) -> None:
    found = _take(tmp_path, "a.csv", text)
    assert (found.header, found.rows) == (header, rows)


def test_records_of_another_length_are_counted(tmp_path: Path) -> None:
    found = _take(tmp_path, "a.csv", 'id,n\n1,"2\n3"\n2\n3,4,5\n4,6\n')
    assert [row[0] for row in found.rows] == ["1", "4"]
    assert (
        "2 records have another number of values than the header, the first in line 4"
        in (found.notes[1])
    )


def test_all_rows_are_looked_at_unless_asked_otherwise(tmp_path: Path) -> None:
    text = "id,n\n" + "".join(f"{n},x\n" for n in range(3000))
    assert _take(tmp_path, "a.csv", text).seen == "all 3,000 rows"
    found = _take(tmp_path, "a.csv", text, Asked(rows=10))
    assert (len(found.rows), found.seen) == (10, "the first 10 rows, not all,")
    assert _take(tmp_path, "a.csv", text, Asked(rows=3000)).complete


def test_an_encoding_may_be_said(tmp_path: Path) -> None:
    data = "name\nSèvres\n".encode("cp1252")
    with pytest.raises(SourceError, match="--encoding"):
        _take(tmp_path, "a.csv", data)
    found = _take(tmp_path, "a.csv", data, Asked(encoding="windows-1252"))
    assert (found.rows, found.server["encoding"]) == ((("Sèvres",),), "windows-1252")
    with pytest.raises(SourceError, match="it is not utf-8: byte 0xe8 in line 2"):
        _take(tmp_path, "a.csv", data, Asked(encoding="utf-8"))
    with pytest.raises(UserError, match="'klingon' is no encoding"):
        _take(tmp_path, "a.csv", data, Asked(encoding="klingon"))


def test_the_one_file_of_a_zip_is_meant_whatever_lies_beside_it(tmp_path: Path) -> None:
    inside = {
        "__MACOSX/out/._visits_2016-01-01.csv": "x",
        "out/.DS_Store": "x",
        "out/visits_2016-01-01.csv": "site,n\nA,5\n",
    }
    found = _take(tmp_path, "visits_2016-01-01.zip", _zip(**inside))
    assert found.rows == (("A", "5"),)
    assert found.server["path"] == "${CIVICLAKE_DROPS}/parks/visits_[0-9]*.zip"
    assert found.loading["member"] == "out/visits_[0-9]*.csv"


def test_one_of_several_files_of_a_zip_must_be_named(tmp_path: Path) -> None:
    packed = _zip(**{"stops.txt": "stop_id,n\nA,5\n", "trips.txt": "trip_id,n\nT,5\n"})
    with pytest.raises(SourceError, match=r"2 files \(stops\.txt, trips\.txt\).*--member"):
        _take(tmp_path, "feed.zip", packed)
    found = _take(tmp_path, "feed.zip", packed, Asked(member="trips.txt"))
    assert (found.header, found.loading["member"]) == (("trip_id", "n"), "trips.txt")


def test_what_a_night_could_not_read_is_not_drafted(tmp_path: Path) -> None:
    for text, said in (
        ('id,n\n1,2\n2,"open\n3,4\n', "a quotation mark in line 3 is never closed"),
        ('id,n\n1,"a\\"b"\n', "its quoting is broken in line 2"),
    ):
        with pytest.raises(SourceError, match=said):
            _take(tmp_path, "a.csv", text)
    again = _zip(**{"inner.zip": "x"})
    with pytest.raises(SourceError, match=r"holds inner\.zip, which is packed itself"):
        _take(tmp_path, "a.zip", again)


def test_a_long_value_is_a_value(tmp_path: Path) -> None:
    outline = "12.3 45.6;" * 40_000
    found = _take(tmp_path, "a.csv", f'id,shape\n1,"{outline}"\n2,x\n')
    assert found.rows == (("1", outline), ("2", "x"))


def test_parts_of_nested_records_are_columns(tmp_path: Path) -> None:
    feature = {"attributes": {"OBJECTID": 1, "EditDate": 1451606400000}, "geometry": {"x": [1]}}
    found = _take(tmp_path, "a.geojson", json.dumps({"features": [feature]}))
    assert found.header == ("attributes.OBJECTID", "attributes.EditDate", "geometry")
    columns = guess(found).columns
    assert [c.name for c in columns] == ["attributes_objectid", "attributes_edit_date", "geometry"]
    assert columns[1].type.extension == {"epoch": "ms"}


def test_a_workbook_under_another_name_is_told(tmp_path: Path) -> None:
    packed = _zip(**{"[Content_Types].xml": "<Types/>"})
    with pytest.raises(SourceError, match="it is an XLSX workbook, not CSV as its name says"):
        _take(tmp_path, "a.csv", packed)
