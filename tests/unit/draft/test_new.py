"""A first contract, guessed from data of every kind, passes the check as it stands."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml
from datacontract.data_contract import DataContract
from typer.testing import CliRunner, Result

from civiclake.cli import app
from civiclake.contracts.check import check
from civiclake.contracts.draft.guess import guess, snake
from civiclake.contracts.draft.personal import suspect
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.draft.types import guess_type
from civiclake.errors import SourceError, UserError

CITIZENS = ("11010519491231002X", "440524188001010014", "990101199001010019")


def _new(*words: str) -> Result:
    return CliRunner().invoke(app, ["new", *words])


def _sample(header: tuple[str, ...], *rows: tuple[str | None, ...]) -> Sample:
    return Sample(header, rows, server={}, loading={"load": "files"}, origin="a test")


def _made(schemas: Path, path: Path) -> dict[str, Any]:
    """The contract made of a file, after the check of the whole city has passed it."""
    done = _new("parks.trees", "--from", str(path))
    assert done.exception is None, done.exception
    assert check(schemas, schemas.parent / "expectations", schemas / "no-marts") == []
    found: dict[str, Any] = yaml.safe_load((schemas / "parks/trees.yaml").read_text())
    return found


def _columns(contract: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {c["name"]: c for c in contract["schema"][0]["properties"]}


def test_a_plain_file_becomes_a_contract_that_both_linters_pass(
    schemas: Path, tmp_path: Path
) -> None:
    kinds = ("oak", "elm")
    rows = [
        f"T{n:04d},{n * 1.5},{kinds[n % 2]},2016/01/{n % 28 + 1:02d},{'' if n % 4 else n},Wang {n},"
        f"1381234{n:04d}"
        for n in range(1, 41)
    ]
    path = tmp_path / "trees.csv"
    header = "Tree ID,heightM,species,planted,note,keeper_name,phone"
    path.write_text("\n".join([header, *rows]))
    contract = _made(schemas, path)
    columns = _columns(contract)
    assert list(columns) == [
        "tree_id", "height_m", "species", "planted", "note", "keeper_name", "phone",
    ]  # fmt: skip
    key = columns["tree_id"]
    assert (key["physicalName"], key["primaryKey"], key["required"]) == ("Tree ID", True, True)
    assert columns["height_m"]["logicalType"] == "number"
    assert columns["planted"]["logicalTypeOptions"] == {"format": "yyyy/MM/dd"}
    assert "looks like a code (elm 50%, oak 50%)" in columns["species"]["description"]
    assert "75.0% empty" in columns["note"]["description"]
    assert columns["note"]["logicalType"] == "integer"
    assert all(c["description"].startswith("review: ") for c in columns.values())
    phone = columns["phone"]
    assert (phone["classification"], phone["logicalType"]) == ("restricted", "string")
    assert phone["customProperties"][0]["value"] == {"protect": "drop"}
    assert (contract["status"], contract["version"]) == ("draft", "0.1.0")
    run = DataContract(data_contract_file=str(schemas / "parks/trees.yaml")).lint()
    assert [c.reason for c in run.checks if str(c.result.value) != "passed"] == []


def test_it_is_written_as_people_write_contracts(schemas: Path, tmp_path: Path) -> None:
    path = tmp_path / "trees.csv"
    path.write_text("id,d\n1,01.02.2016\n2,02.02.2016\n")
    _made(schemas, path)
    text = (schemas / "parks/trees.yaml").read_text()
    assert "      - name: d\n" in text
    assert "        logicalTypeOptions: {format: dd.MM.yyyy}\n" in text
    assert "  - {property: latency, value: 1, unit: d}\n" in text
    assert "      drift: {new_column: hold, ragged_row: hold}\n" in text


AWKWARD = {
    "no key": "a,b\nx,1\nx,1\nx,1\n",
    "a key of two": "day,hour,n\n2016-01-01,1,5\n2016-01-01,2,5\n2016-01-02,1,5\n",
    "all empty": "a,b,c\n,,\n,,\n",
    "no rows": "a,b\n",
    "one column": "only\n1\n2\n",
    "odd names": 'Größe (cm),2nd,"a, b",区,id,ID2,Id 2,_x\n1,2,3,4,5,6,7,8\n',
    "only a person": "身份证号\n" + "\n".join(CITIZENS) + "\n",
    "quotes and breaks": 'id,text\n1,"a\nb"\n2,"say ""so"""\n',
    "ragged": "id,n\n1,2\n2\n3,4,5\n4,6\n",
    "semicolons": "id;n\n1;2,5\n2;3,5\n",
    "tabs": "id\tn\n1\t2\n",
    "yaml in the data": "id,v\n1,yes\n2,null\n3,0x1F\n4,'{a: b}'\n",
}


NO_KEY = {
    "no key": "NO KEY: 2 of all 3 rows seen are the same as an earlier row in every column",
    "all empty": "NO KEY: no row was seen",
    "no rows": "NO KEY: no row was seen",
    "one column": "NO KEY WAS FOUND: no row repeats in all 2 rows seen",
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_files_make_contracts_that_pass_too(
    name: str, schemas: Path, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(AWKWARD[name], encoding="utf-8")
    contract = _made(schemas, path)
    keyed = [c for c in contract["schema"][0]["properties"] if c.get("primaryKey")]
    loading = contract["customProperties"][0]["value"]
    assert ("occurrence" in loading) is (not keyed) is (name in NO_KEY)
    if name in NO_KEY:
        assert loading["occurrence"] == "equals"
        assert NO_KEY[name] in contract["schema"][0]["description"]
    if name == "a key of two":
        assert [c["name"] for c in keyed] == ["day", "hour"]
    if name == "odd names":
        assert list(_columns(contract)) == [
            "grosse_cm", "column_2nd", "a_b", "column_4", "id", "id2", "id_2", "x",
        ]  # fmt: skip
    if name == "only a person":
        assert keyed[0]["customProperties"][0]["value"] == {"protect": "pseudonym"}
    if name == "semicolons":
        assert loading["delimiter"] == ";"


def test_other_encodings_and_packed_files(schemas: Path, tmp_path: Path) -> None:
    text = "编号,区\n1,五华\n2,盘龙\n"
    path = tmp_path / "file.csv.gz"
    path.write_bytes(gzip.compress(text.encode("gb18030")))
    server = _made(schemas, path)["servers"][0]
    assert server["encoding"] == "gb18030"
    assert server["path"] == "${CIVICLAKE_DROPS}/parks/file.csv.gz"


def test_nothing_is_written_over(schemas: Path, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("id\n1\n")
    target = schemas / "parks/trees.yaml"
    target.parent.mkdir()
    target.write_text("mine")
    done = _new("parks.trees", "--from", str(path))
    assert isinstance(done.exception, UserError)
    assert "--force writes over it" in str(done.exception)
    assert target.read_text() == "mine"
    assert _new("parks.trees", "--from", str(path), "--force").exit_code == 0
    assert target.read_text().startswith("apiVersion")


@pytest.mark.parametrize(
    ("words", "content", "kind", "said"),
    [
        (("Parks.Trees",), "id\n1\n", UserError, "is no id of a dataset"),
        (("parks.trees",), "", SourceError, "is empty"),
        (("parks.trees",), "id,id\n1,2\n", UserError, "the column id stands twice"),
        (
            ("parks.trees",),
            b"id\n\xff\xff\xff\n",
            SourceError,
            "which older encoding it is can't be told",
        ),
    ],
)
def test_what_can_not_be_a_contract_is_refused(
    words: tuple[str, ...],
    content: str | bytes,
    kind: type[Exception],
    said: str,
    schemas: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    done = _new(*words, "--from", str(path))
    assert isinstance(done.exception, kind)
    assert said in str(done.exception)
    assert list(schemas.rglob("*.yaml")) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("gopher://old.example/x", "allowed are 'postgresql://'"),
        ("nowhere.csv", "is no file"),
        ("postgresql://db.example/his", "names no table"),
        ("postgresql://me:secret@db.example/his/visits", "put it into PGPASSWORD"),
        ("mysql://db.example/his", "names no table; allowed is mysql://host:port/database/table"),
        ("mysql://me:secret@db.example/his/visits", "put it into MYSQL_PWD"),
        ("mysql://me:secret@db.example", "put it into MYSQL_PWD"),
        ("mysql://db.example/his/visits", "MYSQL_USER is not set"),
        ("mysql://db.example:secret/his/visits", "with a port from 0 to 65535"),
        ("https://me:secret@api.example/trees", "put a token into CIVICLAKE_NEW_TOKEN"),
        (
            "https://api.example/trees?api_key=secret",
            "the parameter api_key looks like a credential",
        ),
        ("https://api.example/trees?accessToken=secret", "the parameter accessToken looks like"),
        ("https://", "names no endpoint"),
    ],
)
def test_sources_that_can_not_be_looked_at(
    source: str, said: str, schemas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MYSQL_USER", raising=False)
    error = _new("parks.trees", "--from", source).exception
    assert isinstance(error, UserError)
    assert said in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("values", "logical", "physical"),
    [
        (("1", "-2", "+3"), "integer", None),
        (("1", "3000000000"), "integer", "bigint"),
        (("007", "12"), "string", None),
        (("0", "1.5", "0.25", "1e3"), "number", None),
        (CITIZENS[1:], "string", None),
        (("true", "False"), "boolean", None),
        (("2016-01-01", "2016-02-29"), "date", None),
        (("2016-01-01", "2016-02-30"), "string", None),
        (("2016-01-01 02:00:00+00", "2016-01-01T02:00:00Z"), "timestamp", None),
        (("2016/01/01 02:00",), "timestamp", None),
        (("31/12/2016", "01/02/2016"), "date", None),
        (("a", "1"), "string", None),
        ((), "string", None),
    ],
)
def test_types(values: tuple[str, ...], logical: str, physical: str | None) -> None:
    found = guess_type(values)
    assert (found.logical, found.physical) == (logical, physical)


@pytest.mark.parametrize(
    ("declared", "logical", "physical"),
    [
        ("numeric(12,2)", "number", "numeric(12,2)"),
        ("numeric", "number", None),
        ("bigint", "integer", "bigint"),
        ("timestamp with time zone", "timestamp", "timestamp with time zone"),
        ("character varying(20)", "string", None),
        ("jsonb", "string", None),
        ("timestamp(3) without time zone", "timestamp", "timestamp without time zone"),
        ("numeric(50,2)", "number", None),
        ("numeric(2,5)", "number", None),
        ("int(11)", "integer", None),
        ("int(10) unsigned", "integer", "bigint"),
        ("bigint(20) unsigned zerofill", "number", "numeric(20,0)"),
        ("smallint(5) unsigned", "integer", None),
        ("decimal(10,2) unsigned", "number", "numeric(10,2)"),
        ("datetime(6)", "timestamp", "datetime"),
        ("double", "number", None),
        ("varchar(20)", "string", None),
        ("enum('a','b')", "string", None),
    ],
)
def test_declared_types_are_believed(declared: str, logical: str, physical: str | None) -> None:
    found = guess_type(("1",), declared)
    assert (found.logical, found.physical) == (logical, physical)


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("x", CITIZENS[:2], "ID number"),
        ("x", ("110105194912310021", "440524188001010015"), None),
        ("sfz", (), "ID number"),
        ("contact", ("13812345678", "+86 13912345678"), "phone"),
        ("n", ("13812345678", "5"), None),
        ("x", ("a@b.example", "c@d.example"), "e-mail address"),
        ("x", tuple("王李张刘陈杨黄赵"[n] + "小明" for n in range(8)), "name"),
        ("district", ("金山",) * 40 + ("白云",) * 40, None),
        ("patient_name", ("A", "B"), "name"),
        ("station_name", ("A", "B"), None),
        ("name", ("A", "B"), None),
        ("home_address", (), "address"),
        ("user_email", (), "e-mail address"),
        ("visit_id", ("V1", "V2"), None),
    ],
)
def test_what_of_a_person(name: str, values: tuple[str, ...], what: str | None) -> None:
    found = suspect(name, values)
    assert (found.what if found else None) == what


def test_a_column_that_tells_when_a_row_changed_is_the_sequence() -> None:
    sample = _sample(
        ("id", "updated_at"), ("1", "2016-01-01T00:00:00Z"), ("2", "2016-01-01T00:00:00Z")
    )
    assert guess(sample).sequence == "updated_at"
    gaps = _sample(("id", "updated_at"), ("1", "2016-01-01T00:00:00Z"), ("2", None))
    assert guess(gaps).sequence is None


def test_hidden_columns_and_measures_are_no_keys() -> None:
    sample = _sample(
        ("phone", "height", "n", "no"),
        ("13812345678", "1.5", "1", "1"),
        ("13812345679", "2.5", "2", "2"),
    )
    assert guess(sample).key == ("no",)


def test_names() -> None:
    assert [snake(n) for n in ("tempMax", "Tree ID", "9lives", "区", "__a--b__")] == [
        "temp_max", "tree_id", "column_9lives", "", "a_b",
    ]  # fmt: skip
