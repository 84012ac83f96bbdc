"""Dropped files: what a batch takes, what it leaves alone, what it refuses."""

from __future__ import annotations

import gzip
import io
import os
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from source_city import City, read_back
from source_refusals import refused

from civiclake.errors import BatchHeld, SourceError, SourceUnavailable, UserError
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.reading import csv_records
from civiclake.io.reading.inspect import Inspection

HEADER = "tree_id,species,height\n"
GOOD = HEADER + "t1,oak,12.5\nt2,elm,8\n"


def _drop(city: City, name: str, content: str | bytes, *, age_s: float = 60) -> Path:
    path = city.drops / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def _zip(members: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


# -- what is taken -----------------------------------------------------------------------


def test_the_bytes_come_as_they_are_oldest_first(city: City) -> None:
    _drop(city, "b.csv", GOOD, age_s=500)
    _drop(city, "a.csv", HEADER + "t3,ash,1\r\n", age_s=100)
    manifest = city.extract(city.files(), "n1")
    assert [f.origin.rpartition("/")[2] for f in manifest.files] == ["b.csv", "a.csv"]
    assert [f.rows for f in manifest.files] == [2, 1]
    folder = city.landing.batch_dir(manifest.dataset, "n1")
    assert (folder / manifest.files[0].path).read_text() == GOOD
    assert manifest.watermark_to is None


def test_each_version_of_a_file_is_taken_once(city: City) -> None:
    dataset = city.files(limits={"allow_empty": True})
    _drop(city, "a.csv", GOOD)
    city.commit(dataset, "n1")
    assert city.extract(dataset, "n2").rows == 0
    _drop(city, "b.csv", HEADER + "t9,fir,2\n")
    assert city.commit(dataset, "n3").rows == 1
    # The same name with the same size, and even the same bytes, delivered again.
    _drop(city, "a.csv", GOOD, age_s=30)
    again = city.commit(dataset, "n4")
    assert [f.origin.rpartition("/")[2] for f in again.files] == ["a.csv"]
    assert city.extract(dataset, "n5").rows == 0


def test_a_snapshot_is_the_newest_file_and_nothing_else(city: City) -> None:
    dataset = city.files(load="snapshot")
    _drop(city, "old.csv", GOOD, age_s=500)
    _drop(city, "new.csv", HEADER + "t7,ash,1\n", age_s=100)
    manifest = city.commit(dataset, "n1")
    assert [f.origin.rpartition("/")[2] for f in manifest.files] == ["new.csv"]


def test_a_snapshot_that_was_not_renewed_is_no_delivery(city: City) -> None:
    dataset = city.files(load="snapshot")
    path = _drop(city, "a.csv", GOOD)
    os.utime(path, (1_451_700_000, 1_451_700_000))
    assert city.commit(dataset, "n1").unrenewed is None
    stale = city.extract(dataset, "n2")
    assert (stale.rows, stale.files) == (0, ())
    assert stale.unrenewed == (
        "parks.trees: nothing new is delivered: a.csv is not renewed since 2016-01-02 02:00 UTC and"
        " served already: ask Parks office (data@parks.example.org) to deliver, or set"
        " limits.allow_empty if that is normal"
    )
    # The same night again, after the department has written the same anew.
    _drop(city, "a.csv", GOOD, age_s=30)
    again = city.extract(dataset, "n2")
    assert (again.rows, again.unrenewed) == (2, None)
    # What came and was not merged is no reason: it is read again.
    assert city.commit(dataset, "n3").unrenewed is None
    assert city.extract(dataset, "n4").unrenewed is not None
    # A backfill reads what there is.
    assert city.extract(dataset, "backfill-1", whole=True).rows == 2
    allowed = city.files(load="snapshot", limits={"allow_empty": True})
    assert str(city.extract(allowed, "n5").unrenewed).endswith("which parks/trees.yaml allows")


def test_a_snapshot_that_is_being_written_is_waited_for(city: City) -> None:
    dataset = city.files("*", load="snapshot")
    _drop(city, "a.csv", GOOD, age_s=500)
    city.commit(dataset, "n1")
    _drop(city, "b.csv", GOOD, age_s=1)
    with pytest.raises(SourceUnavailable, match=r"only files still being written \(b\.csv\)"):
        city.extract(dataset, "n2", settle_seconds=100)
    (city.drops / "b.csv").unlink()
    _drop(city, "b.csv.part", GOOD)  # an upload that broke off long ago holds nobody up
    assert city.extract(dataset, "n2", settle_seconds=100).unrenewed is not None


YEAR_2061 = 2_871_763_200


def _of_2061(city: City, name: str, content: str, *, seconds: int = 0) -> None:
    path = _drop(city, name, content)
    os.utime(path, (YEAR_2061 + seconds, YEAR_2061 + seconds))


def _told(manifest: BatchManifest) -> list[tuple[str, datetime]]:
    return [(f.origin.rpartition("/")[2], f.modified_at) for f in manifest.files]


def test_a_file_whose_clock_is_ahead_outranks_nothing_that_comes_later(
    city: City, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = city.files()
    began = datetime.now(UTC)
    _of_2061(city, "b.csv", GOOD, seconds=60)
    _of_2061(city, "a.csv", GOOD, seconds=120)
    first = city.commit(dataset, "n1")
    # In the order of their own clock, and as long before now as the contract gives them time.
    assert [name for name, _ in _told(first)] == ["b.csv", "a.csv"]
    assert first.files[0].modified_at < first.files[1].modified_at < began
    assert "b.csv says that it was changed 2061-01-01 00:01 UTC, but it is 20" in caplog.text
    assert "ask Parks office (data@parks.example.org) to set the clock" in caplog.text
    # Both are taken once; another of that clock comes after what is served, before what is true.
    _of_2061(city, "c.csv", GOOD)
    _drop(city, "d.csv", GOOD, age_s=0)
    second = city.commit(dataset, "n2")
    assert [name for name, _ in _told(second)] == ["c.csv", "d.csv"]
    assert first.created_at < second.files[0].modified_at < second.files[1].modified_at


def test_a_snapshot_whose_clock_is_ahead_gives_way_to_the_next(city: City) -> None:
    dataset = city.files(load="snapshot")
    _of_2061(city, "a.csv", GOOD)
    first = city.commit(dataset, "n1")
    assert city.extract(dataset, "n2").unrenewed is not None
    _drop(city, "b.csv", GOOD, age_s=30)
    second = city.commit(dataset, "n3")
    assert [name for name, _ in _told(second)] == ["b.csv"]
    assert first.taken_at is not None
    assert second.taken_at is not None
    assert first.taken_at < second.taken_at
    nightly = city.files(load="snapshot", history="snapshot")
    _of_2061(city, "c.csv", GOOD)
    third = city.extract(nightly, "n4")
    assert third.taken_at is not None
    assert third.created_at - third.taken_at < timedelta(minutes=1), "a state of this night"


def test_a_clock_that_is_a_little_ahead_is_believed(city: City) -> None:
    path = _drop(city, "a.csv", GOOD, age_s=-1800)
    (file,) = city.extract(city.files(), "n1").files
    assert file.modified_at.timestamp() == pytest.approx(path.stat().st_mtime)


@pytest.mark.parametrize("name", ["new.csv.part", "new.csv.tmp", ".new.csv"])
def test_a_file_with_the_name_of_an_unfinished_one_is_left_alone(city: City, name: str) -> None:
    _drop(city, "a.csv", GOOD)
    _drop(city, name, HEADER)
    manifest = city.extract(city.files("*"), "n1")
    assert [f.origin.rpartition("/")[2] for f in manifest.files] == ["a.csv"]


def test_a_file_just_changed_is_left_for_the_next_batch(city: City) -> None:
    dataset = city.files()
    _drop(city, "a.csv", GOOD, age_s=500)
    growing = _drop(city, "b.csv", HEADER + "t3,a", age_s=1)
    first = city.extract(dataset, "n1", settle_seconds=100)
    assert (first.rows, first.left) == (2, ("b.csv",))
    city.landing.mark_committed(dataset.id, "n1")
    growing.write_text(HEADER + "t3,ash,1\n")
    assert city.extract(dataset, "n2").rows == 1


def test_only_files_being_written_is_a_reason_to_try_again(city: City) -> None:
    _drop(city, "a.csv", GOOD, age_s=0)
    with pytest.raises(SourceUnavailable, match=r"only files still being written \(a\.csv\)"):
        city.extract(city.files(), "n1", settle_seconds=1000)
    assert city.landed() == []
    # With the usual patience the next try finds it finished.
    assert city.extract(city.files(), "n1", settle_seconds=0.5).rows == 2


def test_a_file_that_grows_while_it_is_read_is_left(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    _drop(city, "a.csv", GOOD, age_s=500)
    slow = _drop(city, "b.csv", GOOD, age_s=100)
    whole = csv_records.render

    def meanwhile(binary: Any, target: Path, form: csv_records.Form) -> Inspection:
        found = whole(binary, target, form)
        if slow.stat().st_mtime < time.time() - 50:
            with slow.open("a") as file:
                file.write("t8,fir,1\n")
        return found

    monkeypatch.setattr(csv_records, "render", meanwhile)
    manifest = city.extract(city.files(), "n1")
    assert manifest.left == ("b.csv",)
    assert [f.rows for f in manifest.files] == [2]


def test_gzip_and_zip_and_other_encodings_come_as_they_are_and_readable(city: City) -> None:
    text = HEADER + "t1,橡树,12.5\n"
    cases = {
        "plain gzip": ("a.csv.gz", gzip.compress(text.encode()), {}, "utf-8"),
        "zip": ("a.zip", _zip({"x/trees.txt": text, "b": "-"}), {"member": "x/trees.txt"}, "utf-8"),
        "chinese": ("a.csv", text.encode("gb18030"), {}, "gb18030"),
        "chinese gzip": ("a.csv.gz", gzip.compress(text.encode("gb18030")), {}, "gb18030"),
        "utf-16": ("a.csv", text.encode("utf-16"), {}, "utf-16"),
    }
    for number, (what, (name, content, own, encoding)) in enumerate(cases.items()):
        for old in city.drops.iterdir():
            old.unlink()
        _drop(city, name, content)
        manifest = city.extract(city.files(name, encoding=encoding, **own), f"n{number}")
        (file,) = manifest.files
        folder = city.landing.batch_dir(manifest.dataset, manifest.batch_id)
        assert [*read_back(folder, file)[0].values()] == ["t1", "橡树", "12.5"], what
        assert (folder / file.path).read_bytes() == content, what
        assert (file.rows, file.size_bytes) == (1, len(content)), what


def test_ragged_rows_are_counted_where_the_contract_lets_them_pass(city: City) -> None:
    _drop(city, "a.csv", GOOD + "t3\nt4,ash,1,2\n\nt5,fir,3\n")
    manifest = city.extract(city.files(drift={"ragged_row": "ignore"}), "n1")
    (file,) = manifest.files
    assert (file.rows, file.ragged_count, file.ragged_rows) == (5, 2, (3, 4))


# -- what is refused ---------------------------------------------------------------------


def test_nothing_delivered(city: City) -> None:
    refused(city, city.files(), SourceError, "nothing is delivered", str(city.drops))


def test_nothing_new_delivered(city: City) -> None:
    dataset = city.files()
    _drop(city, "a.csv", GOOD)
    city.commit(dataset, "n1")
    refused(city, dataset, SourceError, "nothing new is delivered", "limits.allow_empty")


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


_MANY = HEADER + "".join(f"t{n},oak,{n * 7919 % 1000}\n" for n in range(2000))
_LONG = "x" * 100_000
UNREADABLE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.csv", lambda: b"", "it is empty: 0 bytes"),
    "empty gzip": ("a.csv.gz", lambda: b"", "it is empty"),
    "gzip of nothing": ("a.csv.gz", lambda: gzip.compress(b""), "it is empty"),
    "truncated gzip": (
        "a.csv.gz",
        lambda: _truncated(gzip.compress(_MANY.encode())),
        "cut off before its end",
    ),
    "no gzip": ("a.csv.gz", lambda: GOOD.encode(), "Not a gzipped file"),
    "spoilt gzip": (
        "a.csv.gz",
        lambda: gzip.compress(GOOD.encode())[:-8] + b"\0" * 8,
        "damaged (CRC check failed",
    ),
    "something after the gzip": (
        "a.csv.gz",
        lambda: gzip.compress(GOOD.encode()) + b"junk",
        "Not a gzipped file",
    ),
    "empty zip": ("a.zip", lambda: b"", "no whole zip file"),
    "truncated zip": ("a.zip", lambda: _truncated(_zip({"t.txt": _MANY})), "no whole zip file"),
    "spoilt zip": (
        "a.zip",
        lambda: _zip({"t.txt": GOOD}).replace(b"t.txt", b"T.txt", 1),
        "no whole zip file",
    ),
    "zip without the member": (
        "a.zip",
        lambda: _zip({"u.txt": GOOD, "v": "-"}),
        "it holds no t.txt",
    ),
    "zip of nothing": ("a.zip", lambda: _zip({}), "it holds no file"),
    "empty member": ("a.zip", lambda: _zip({"t.txt": ""}), "it is empty: 0 bytes"),
    "wrong encoding": (
        "a.csv",
        lambda: (_MANY + "t,Kastanië,1\n").encode("latin-1"),
        "it is not utf-8: byte 0xeb in line 2002",
    ),
    "utf-16 as utf-8": ("a.csv", lambda: GOOD.encode("utf-16"), "it is not utf-8: byte 0xff in"),
    "open quotes": ("a.csv", lambda: (GOOD + 't3,"oak,1\n').encode(), "quoting is broken"),
    "a column twice": ("a.csv", lambda: b"tree_id,tree_id\n1,2\n", "tree_id more than once"),
    "a value without end": (
        "a.csv",
        lambda: (HEADER + 't1,"' + "oak,1\n" * 40_000).encode(),
        "a quotation mark in line 2 is never closed",
    ),
    "a gzip that never ends": (
        "a.csv.gz",
        lambda: gzip.compress((HEADER + f"{_LONG},b,c\n" * 1000).encode()),
        "more than 200 times its size",
    ),
    "a zip that never ends": (
        "a.zip",
        lambda: _zip({"t.txt": HEADER + f"{_LONG},b,c\n" * 1000}),
        "more than 200 times its size",
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_can_not_be_read(city: City, what: str) -> None:
    name, content, reason = UNREADABLE[what]
    own = {"member": "t.txt"} if name.endswith(".zip") else {}
    _drop(city, name, content())
    words = (f"{name} can't be read: ", reason, "to deliver it again")
    refused(city, city.files(name, **own), SourceError, *words)


def test_a_broken_file_keeps_the_good_ones_beside_it_for_later(city: City) -> None:
    dataset = city.files()
    _drop(city, "a.csv", GOOD, age_s=500)
    broken = _drop(city, "b.csv", b"", age_s=100)
    refused(city, dataset, SourceError, "b.csv can't be read")
    broken.unlink()
    assert city.extract(dataset, "n2").rows == 2


def test_a_header_alone(city: City) -> None:
    _drop(city, "a.csv", HEADER)
    refused(city, city.files(), SourceError, "a header but no rows")


HELD: dict[str, tuple[str, str]] = {
    "a missing column": ("tree_id,species\nt1,oak\n", "a.csv lacks the column height"),
    "a renamed column": ("tree_id,species,tall\nt1,oak,1\n", "a.csv lacks the column height"),
    "an added column": (
        "tree_id,species,crown,height\nt1,oak,2,1\n",
        "a.csv has the column crown, unknown to the contract",
    ),
    "no header": ("t1,oak,1\nt2,elm,2\n", "a.csv lacks the column tree_id, species, height"),
    "ragged rows": (GOOD + "t3,ash\n", "a.csv has 1 of 3 records without 3 values, the first is"),
    "another delimiter": (GOOD.replace(",", ";"), "a.csv lacks the column"),
}


@pytest.mark.parametrize("what", HELD)
def test_a_delivery_of_another_shape_is_held_and_kept(city: City, what: str) -> None:
    content, reason = HELD[what]
    _drop(city, "a.csv", content)
    refused(city, city.files(), BatchHeld, reason)
    held = city.landing.held_dir("parks.trees", "bad")
    assert [path.read_text() for path in held.iterdir()] == [content]
    # Put right, the same batch goes through and the held copy is gone.
    _drop(city, "a.csv", GOOD)
    assert city.extract(city.files(), "bad").rows == 2
    assert city.landed() == ["bad"]


def test_a_renamed_column_is_asked_about(city: City) -> None:
    _drop(city, "a.csv", HELD["a renamed column"][0])
    words = ("is it tall now?", "the last good table stays served")
    refused(city, city.files(), BatchHeld, *words)


def test_a_new_column_that_raw_can_not_keep_is_held(city: City) -> None:
    evolving = city.files(drift={"new_column": "evolve"})
    for name in ("_Row", "_malformed"):
        _drop(city, "a.csv", f'tree_id,species,height,"{name}"\nt1,oak,1,2\n')
        refused(city, evolving, BatchHeld, f"the new column {name!r}, which raw can't keep")
    _drop(city, "a.csv", HELD["an added column"][0])
    assert city.extract(evolving, "n1").rows == 1


def test_an_empty_snapshot_is_held(city: City) -> None:
    _drop(city, "a.csv", HEADER)
    words = ("a header but no rows", "an empty snapshot would delete every row")
    refused(city, city.files(load="snapshot"), BatchHeld, *words)


def test_new_columns_pass_where_the_contract_says_so(city: City) -> None:
    _drop(city, "a.csv", HELD["an added column"][0])
    manifest = city.extract(city.files(drift={"new_column": "ignore"}), "n1")
    assert manifest.files[0].header == ("tree_id", "species", "crown", "height")


def test_a_link_is_never_followed(city: City, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(GOOD)
    (city.drops / "a.csv").symlink_to(tmp_path / "elsewhere")
    refused(city, city.files(), SourceError, "is a link", "a.csv")


def test_a_folder_that_is_not_set(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    server = {"type": "local", "path": "${PARKS_DROPS}/*.csv", "format": "csv"}
    dataset = city.dataset(server, {"load": "files"})
    monkeypatch.setenv("PARKS_DROPS", str(city.drops))
    refused(city, dataset, SourceError, f"no file matches {city.drops}/*.csv")
    monkeypatch.delenv("PARKS_DROPS")
    with pytest.raises(UserError, match=r"PARKS_DROPS is not set: parks/trees\.yaml takes"):
        city.extract(dataset, "n1")
