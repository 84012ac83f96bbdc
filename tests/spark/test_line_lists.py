"""Lists without an id: every row is kept, and what comes again is exact as a multiset."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from histories_city import trees
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, History, Load, Source, SourceKind
from civiclake.errors import BatchHeld, UserError
from civiclake.io.extract import extract
from civiclake.io.lake import tables
from civiclake.pipeline.night import merge
from civiclake.pipeline.night.load import load
from civiclake.pipeline.night.replay import replay
from civiclake.pipeline.rebuild import stage
from civiclake.pipeline.rebuild.plan import Range
from civiclake.pipeline.rebuild.swap import swap
from civiclake.settings import Settings

HEAD = "tree_id,species,rings\n"
DAY = 86_400
FIRST = 1_451_700_000
"""2016-01-02, 02:00 UTC."""
Make = Callable[..., Nights]
Row = tuple[str, str, int]


@pytest.fixture
def make(settings: Settings, spark: SparkSession, tmp_path: Path) -> Make:
    def nights(load: Load, history: History = History.LATEST, **own: Any) -> Nights:
        given = {"occurrence": "equals", "is_keyed": False, **own}
        return Nights(settings, spark, tmp_path, trees(tmp_path, load, history, **given))

    return nights


def _frame(nights: Nights) -> Any:
    return nights.spark.table(tables.by_path(nights.settings, tables.UNIFIED, "parks_trees"))


def _served(nights: Nights) -> Counter[Row]:
    rows = _frame(nights).select("tree_id", "species", "rings").collect()
    return Counter((row[0], row[1], row[2]) for row in rows)


def _columns(nights: Nights, *names: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in _frame(nights).select(*names).collect())


def _csv(rows: Iterable[Row]) -> str:
    return HEAD + "".join(f"{tree},{species},{rings}\n" for tree, species, rings in rows)


def _run(nights: Nights, batch: str, rows: Iterable[Row], name: str, day: int) -> dict[str, int]:
    nights.deliver(_csv(rows), name, at=FIRST + day * DAY)
    return counts(nights.run(batch))


def _again(nights: Nights, batch: str) -> dict[str, int]:
    with nights.keys():
        return counts(load(nights.settings, nights.dataset, batch))


def _register(rows: int) -> list[Row]:
    """Places, kinds and ages as a register has them: many are alike."""
    chance = random.Random("register")
    kinds = ("oak", "elm", "ash")
    return [
        (f"place {chance.randrange(700)}", chance.choice(kinds), chance.randrange(12))
        for _ in range(rows)
    ]


@pytest.mark.parametrize("how", [Load.FILES, Load.SNAPSHOT])
def test_a_register_is_kept_whole_and_corrected_exactly(make: Make, how: Load) -> None:
    """10 edits, 5 removals and 5 additions, of rows with equals and of rows without."""
    nights = make(how)
    first = _register(20_000)
    assert len(set(first)) < 14_000 < len(first)
    assert _run(nights, "b1", first, "register.csv", 0) == {"read": 20_000, "inserted": 20_000}
    assert _served(nights) == Counter(first)

    second = list(first)
    for place in range(10):
        tree, species, _ = second[place]
        second[place] = (tree, species, 100 + place // 2)  # edited rows are alike, too
    second = second[:-5] + [first[50]] * 3 + [("new place", "yew", 1)] * 2
    random.Random("order").shuffle(second)
    gone, come = Counter(first) - Counter(second), Counter(second) - Counter(first)
    expected = {"read": 20_000, "inserted": come.total(), "unchanged": 20_000 - come.total()}
    assert _run(nights, "b2", second, "register.csv", 1) == {**expected, "deleted": gone.total()}
    assert come.total() >= 12
    assert _served(nights) == Counter(second)
    version = nights.version()
    assert _again(nights, "b2") == {"read": 20_000, "unchanged": 20_000}
    assert _again(nights, "b1") == {"read": 20_000, "late": 20_000}
    assert (nights.version(), _served(nights)) == (version, Counter(second))


OAK, ELM, ASH = ("p1", "oak", 7), ("p2", "elm", 3), ("p3", "ash", 5)


def test_files_do_not_touch_each_other(make: Make) -> None:
    nights = make(Load.FILES)
    assert _run(nights, "b1", [OAK, OAK, ELM], "2016-01.csv", 0) == {"read": 3, "inserted": 3}
    assert _run(nights, "b2", [OAK, ASH], "2016-02.csv", 1) == {"read": 2, "inserted": 2}
    assert _served(nights) == Counter({OAK: 3, ELM: 1, ASH: 1})
    # January is delivered anew: February's oak is another tree.
    assert _run(nights, "b3", [OAK, ELM], "2016-01.csv", 2) == {
        "read": 2, "unchanged": 2, "deleted": 1,
    }  # fmt: skip
    assert _columns(nights, "_source_file", "tree_id", "_occurrence") == [
        ("2016-01.csv", "p1", 1), ("2016-01.csv", "p2", 1),
        ("2016-02.csv", "p1", 1), ("2016-02.csv", "p3", 1),
    ]  # fmt: skip


def test_an_older_version_of_a_file_changes_nothing(make: Make) -> None:
    nights = make(Load.FILES)
    nights.deliver(_csv([OAK, OAK, ELM]), "a.csv", at=FIRST)
    with nights.keys():
        extract(nights.settings, nights.dataset, "b1")
    nights.deliver(_csv([OAK]), "a.csv", at=FIRST + DAY)
    with nights.keys():
        extract(nights.settings, nights.dataset, "b2")
    assert _again(nights, "b2") == {"read": 1, "inserted": 1}
    assert _again(nights, "b1") == {"read": 3, "late": 3}
    assert _served(nights) == Counter([OAK])


def test_of_two_versions_in_one_batch_the_newer_is_the_state(make: Make) -> None:
    """A landed batch may hold a file twice: read anew from a store that keeps versions."""
    nights = make(Load.FILES)
    nights.deliver(_csv([OAK, OAK, ELM]), "a.csv", at=FIRST)
    nights.deliver(_csv([OAK]), "b.csv", at=FIRST + DAY)
    _extract_as_one_file(nights, "b1")
    assert _again(nights, "b1") == {"read": 4, "inserted": 1, "superseded": 3}
    assert _served(nights) == Counter([OAK])


def test_what_is_broken_in_an_older_version_keeps_no_key(make: Make) -> None:
    nights = make(
        Load.FILES,
        is_keyed=True,
        limits={"max_set_aside_fraction": 1, "max_deleted_fraction": 1},
    )
    _run(nights, "b1", [OAK, ELM], "a.csv", 0)
    nights.deliver(HEAD + "p1,oak,7\np2,elm,many\n", "a.csv", at=FIRST + DAY)
    nights.deliver(_csv([OAK]), "b.csv", at=FIRST + 2 * DAY)
    _extract_as_one_file(nights, "b2")
    wanted = {"read": 3, "unchanged": 1, "superseded": 1, "quarantined": 1, "deleted": 1}
    assert _again(nights, "b2") == wanted
    assert _served(nights) == Counter([OAK])


def _extract_as_one_file(nights: Nights, batch: str) -> None:
    """Land two files as if the second were a newer version of the first."""
    with nights.keys():
        made = extract(nights.settings, nights.dataset, batch)
    older, newer = made.files
    text = made.model_copy(
        update={"files": (older, newer.model_copy(update={"origin": older.origin}))}
    ).model_dump_json()
    (nights.settings.landing_dir / "parks" / "trees" / batch / "manifest.json").write_text(text)


def test_with_a_key_rows_are_counted_under_it(make: Make) -> None:
    """A case with two tests on one day: the key is not the row's, but tells a change from news."""
    nights = make(Load.SNAPSHOT, is_keyed=True)
    first = [("p1", "oak", 7), ("p1", "oak", 8), ("p1", "oak", 7), ELM]
    assert _run(nights, "b1", first, "a.csv", 0) == {"read": 4, "inserted": 4}
    second = [("p1", "oak", 9), ("p1", "oak", 7), ("p1", "oak", 8), ELM]
    found = _run(nights, "b2", second, "b.csv", 1)
    assert found.get("inserted", 0) + found.get("deleted", 0) == 0
    assert _served(nights) == Counter(second)
    third = [("p1", "oak", 8), ELM]
    assert _run(nights, "b3", third, "c.csv", 2)["deleted"] == 2
    assert _served(nights) == Counter(third)


def test_every_night_of_a_list_by_its_date(make: Make) -> None:
    nights = make(Load.SNAPSHOT, History.SNAPSHOT)
    _run(nights, "b1", [OAK, OAK], "a.csv", 0)
    _run(nights, "b2", [OAK, ELM, ELM], "b.csv", 1)
    # The same night again, corrected.
    nights.deliver(_csv([OAK, ELM]), "c.csv", at=FIRST + DAY + 60)
    assert counts(nights.run("b3")) == {"read": 2, "unchanged": 2, "deleted": 1}
    dated = [(str(day), tree) for day, tree in _columns(nights, "_snapshot_date", "tree_id")]
    assert dated == [
        ("2016-01-02", "p1"), ("2016-01-02", "p1"), ("2016-01-03", "p1"), ("2016-01-03", "p2"),
    ]  # fmt: skip
    assert _again(nights, "b2") == {"read": 3, "late": 3}


def test_a_list_that_lost_too_much_is_held_and_says_which_file(make: Make) -> None:
    nights = make(Load.FILES)
    _run(nights, "b1", [OAK] * 10, "a.csv", 0)
    _run(nights, "b2", [ELM] * 90, "b.csv", 1)
    nights.deliver(_csv([OAK] * 4), "a.csv", at=FIRST + 2 * DAY)
    with pytest.raises(BatchHeld, match=r"b3 is held: a.csv has 6 of 10 served rows fewer .*60%"):
        nights.run("b3")
    # Edits are no loss, however many: without a key, a row that changed goes and comes.
    nights.deliver(_csv([("p1", "oak", n) for n in range(10)]), "a.csv", at=FIRST + 3 * DAY)
    assert counts(nights.run("b4")) == {
        "read": 10, "inserted": 9, "unchanged": 1, "deleted": 9,
    }  # fmt: skip


BROKEN = "p1,oak,many\n"


def test_set_aside_rows_are_replayed_each_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = make(Load.FILES, limits={"max_set_aside_fraction": 1})
    nights.deliver(_csv([OAK, OAK]) + BROKEN * 2, "a.csv", at=FIRST)
    assert counts(nights.run("b1")) == {"read": 4, "inserted": 2, "quarantined": 2}
    fixed = nights.drops / "fixed.csv"
    fixed.write_text("_record_id,rings\nb1/0/3,7\nb1/0/4,7\n")

    def broken_off(*_: object) -> dict[str, int]:
        raise RuntimeError("the machine went down")

    with nights.keys(), monkeypatch.context() as patch:
        patch.setattr(merge, "set_aside", broken_off)
        with pytest.raises(RuntimeError):
            replay(nights.settings, nights.dataset, corrections=fixed)
    assert _served(nights) == Counter({OAK: 4})
    with nights.keys():
        result = replay(nights.settings, nights.dataset, corrections=fixed)
    assert counts(result) == {"read": 2, "unchanged": 2}
    assert _served(nights) == Counter({OAK: 4})
    # The batch again: what was put right is no part of it and stays.
    assert _again(nights, "b1") == {"read": 4, "unchanged": 2, "quarantined": 2}
    assert _served(nights) == Counter({OAK: 4})
    # A new version of the file is the state: what is broken in it is in quarantine alone.
    nights.deliver(_csv([OAK, OAK, ELM]) + BROKEN, "a.csv", at=FIRST + DAY)
    assert counts(nights.run("b2")) == {
        "read": 4, "inserted": 1, "unchanged": 2, "quarantined": 1, "deleted": 2,
    }  # fmt: skip
    assert _served(nights) == Counter({OAK: 2, ELM: 1})


def test_a_fault_that_came_again_is_put_right_in_the_newest_state(make: Make) -> None:
    nights = make(Load.FILES)
    nights.deliver(_csv([OAK]) + BROKEN, "a.csv", at=FIRST)
    nights.run("b1")
    nights.deliver(_csv([OAK, ELM]) + BROKEN, "a.csv", at=FIRST + DAY)
    nights.run("b2")
    fixed = nights.drops / "fixed.csv"
    fixed.write_text("_record_id,rings\nb1/0/2,7\n")  # known since the first night
    with nights.keys():
        result = replay(nights.settings, nights.dataset, corrections=fixed)
    assert counts(result) == {"read": 1, "inserted": 1}
    assert _again(nights, "b2") == {"read": 3, "unchanged": 2, "quarantined": 1}
    assert _served(nights) == Counter({OAK: 2, ELM: 1})


def test_a_key_of_which_only_broken_rows_came_is_not_gone(make: Make) -> None:
    nights = make(Load.SNAPSHOT, is_keyed=True, limits={"max_set_aside_fraction": 1})
    _run(nights, "b1", [OAK, OAK, ELM], "a.csv", 0)
    nights.deliver(HEAD + BROKEN + "p2,elm,3\n", "b.csv", at=FIRST + DAY)
    assert counts(nights.run("b2")) == {"read": 2, "unchanged": 1, "quarantined": 1}
    assert _served(nights) == Counter({OAK: 2, ELM: 1})


def test_events_by_their_place(make: Make) -> None:
    nights = make(Load.FILES, History.APPEND, occurrence="row")
    assert _run(nights, "b1", [OAK, OAK], "a.csv", 0) == {"read": 2, "inserted": 2}
    longer = [OAK, OAK, OAK, ELM]
    assert _run(nights, "b2", longer, "a.csv", 1) == {"read": 4, "inserted": 2, "unchanged": 2}
    assert _run(nights, "b3", [OAK], "b.csv", 2) == {"read": 1, "inserted": 1}
    changed = nights.deliver(_csv([OAK, ASH]), "a.csv", at=FIRST + 3 * DAY)
    result = nights.run("b4")
    assert changed.exists() and counts(result) == {"read": 2, "unchanged": 1, "quarantined": 1}
    assert result.reasons == {"conflict_with_served": 1}
    assert _columns(nights, "_source_file", "_source_row", "tree_id") == [
        ("a.csv", 1, "p1"), ("a.csv", 2, "p1"), ("a.csv", 3, "p1"), ("a.csv", 4, "p2"),
        ("b.csv", 1, "p1"),
    ]  # fmt: skip


def _become(nights: Nights, dataset: Dataset) -> None:
    source = Source(kind=SourceKind.FILES, location=f"{nights.drops}/trees/*.csv")
    nights.dataset = dataset.model_copy(update={"source": source})


def test_identical_rows_are_told_and_a_rebuild_brings_them_back(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nights = make(Load.FILES, occurrence=None, is_keyed=True)
    nights.deliver(_csv([OAK, OAK, ELM]), "a.csv", at=FIRST)
    first = nights.run("b1")
    assert counts(first) == {"read": 3, "inserted": 2, "superseded": 1}
    assert first.warnings == {"identical_rows": 1}
    assert "1 rows are the same as another row of their file" in caplog.text
    assert "declare `occurrence: equals` in parks/trees.yaml" in caplog.text
    ops = nights.spark.table(tables.by_path(nights.settings, tables.OPS, "outcomes"))
    told = ops.where((ops["batch_id"] == "b1") & (ops["step"] == "warning")).collect()
    assert [(row["outcome"], row["rows"]) for row in told] == [("identical_rows", 1)]
    _run(nights, "b2", [OAK, OAK, OAK], "b.csv", 1)

    _become(
        nights, trees(tmp_path, Load.FILES, History.LATEST, occurrence="equals", is_keyed=False)
    )
    with nights.keys():
        remedy = "occurrence equals, but unified.parks_trees was made for another one.*--swap"
        with pytest.raises(UserError, match=remedy):
            load(nights.settings, nights.dataset, "b2")
        staged = stage.stage(nights.settings, nights.dataset, Range(None, None))
        swap(nights.settings, nights.dataset, staged.backfill_id)
    assert (staged.only_served, staged.only_staged, staged.same) == (0, 4, 2)
    assert _served(nights) == Counter({OAK: 5, ELM: 1})
    assert _again(nights, "b2") == {"read": 3, "unchanged": 3}
