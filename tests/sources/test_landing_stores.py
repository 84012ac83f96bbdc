"""Landing in a folder and in an object store alike: whole or not at all, counted when merged."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from source_city import City, Store

from civiclake.contracts.model import Dataset, Load
from civiclake.errors import CivicLakeError, StateUnavailable, UserError
from civiclake.io.landing.manifest import BatchManifest, LandedFile
from civiclake.io.landing.store import Landing
from civiclake.local import objects, ports
from civiclake.settings import Settings
from civiclake.settings_stores import LandingSettings
from civiclake.state import database, object_store

ID = "parks.trees"
LANDING = "transport"
"""The bucket that the tests' store has."""


@pytest.fixture
def dataset(city: City) -> Dataset:
    return city.table()


@pytest.fixture(params=["folder", "bucket"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "folder":
        return Settings(state_dir=tmp_path / "state")
    found: Settings = request.getfixturevalue("stored")
    return found


@pytest.fixture
def landing(settings: Settings) -> Landing:
    return Landing(settings)


def _file(name: str = "0001-a.csv", version: str = "1", content: bytes = b"a\n1\n") -> LandedFile:
    return LandedFile(
        path=name,
        origin=f"file:///drops/{name}",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        rows=1,
        header=("a",),
        modified_at=datetime(2026, 1, 1, tzinfo=UTC),
        version=version,
    )


def _manifest(batch_id: str, mark: str | None = None, *files: LandedFile) -> BatchManifest:
    return BatchManifest(
        dataset=ID,
        batch_id=batch_id,
        contract_version="1.0.0",
        load=Load.INCREMENTAL,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        files=files,
        rows=len(files),
        bytes=4 * len(files),
        watermark_to=mark,
    )


def _land(
    landing: Landing,
    dataset: Dataset,
    batch_id: str,
    mark: str | None = None,
    content: str = "a\n1\n",
    *,
    commit: bool = True,
) -> BatchManifest:
    file = _file(content=content.encode())
    with landing.drafting(dataset, batch_id) as draft:
        draft.path(file.path).write_text(content)
        draft.path("parts/0001-a.csv.parquet").write_bytes(b"rendition of " + content.encode())
        manifest = landing.publish(draft, _manifest(batch_id, mark, file))
    if commit:
        landing.mark_committed(ID, batch_id)
    return manifest


def _held(landing: Landing, batch_id: str) -> dict[str, bytes]:
    with landing.opened(ID, batch_id) as folder:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.name != "_COMMITTED"
        }


def test_a_batch_is_read_back_as_it_was_landed(
    landing: Landing, dataset: Dataset, settings: Settings
) -> None:
    made = _land(landing, dataset, "n1", "5", commit=False)
    assert Landing(settings).find(ID, "n1") == landing.manifest(ID, "n1") == made
    held = _held(landing, "n1")
    assert BatchManifest.model_validate_json(held.pop("manifest.json")) == made
    assert held == {
        "0001-a.csv": b"a\n1\n",
        "parts/0001-a.csv.parquet": b"rendition of a\n1\n",
    }


def test_what_was_made_of_many_answers_is_read_back_beside_them(
    landing: Landing, dataset: Dataset
) -> None:
    """A walk through pages lands them as they came, and what was made of them, with its digest."""
    file = _file().model_copy(update={"as_came": "pages/index.jsonl"})
    with landing.drafting(dataset, "n1") as draft:
        draft.path(file.path).write_text("a\n1\n")
        draft.path("pages/index.jsonl").write_text('{"page": 1}\n')
        landing.publish(draft, _manifest("n1", None, file))
    held = _held(landing, "n1")
    assert held["pages/index.jsonl"] == b'{"page": 1}\n'
    assert held[file.path] == b"a\n1\n"


def test_what_fails_half_way_leaves_nothing(landing: Landing, dataset: Dataset) -> None:
    with pytest.raises(ZeroDivisionError), landing.drafting(dataset, "n1") as draft:
        draft.path("parts/a.csv").write_text("half")
        raise ZeroDivisionError
    assert landing.find(ID, "n1") is None
    assert not landing.knows(ID, "n1")
    assert landing.former(ID).nights() == []


def test_of_many_that_land_one_batch_at_once_one_wins_whole(
    settings: Settings, dataset: Dataset
) -> None:
    def land(number: int) -> BatchManifest:
        place = settings.state_dir / (f"host-{number}" if settings.landing.url else "")
        landing = Landing(settings.model_copy(update={"state_dir": place}))
        content = b"a\n%d\n" % number
        with landing.drafting(dataset, "n1") as draft:
            draft.path("0001-a.csv").write_bytes(content)
            return landing.publish(draft, _manifest("n1", str(number), _file(content=content)))

    # One process has one draft of a batch; several hosts have one each.
    with ThreadPoolExecutor(4 if settings.landing.url else 1) as pool:
        found = list(pool.map(land, range(4)))
    assert len({manifest.watermark_to for manifest in found}) == 1
    won = found[0]
    held = _held(Landing(settings), "n1")
    assert set(held) == {"manifest.json", "0001-a.csv"}
    assert hashlib.sha256(held["0001-a.csv"]).hexdigest() == won.files[0].sha256
    assert [n.batch_id for n in Landing(settings).former(ID).nights()] == ["n1"]


def test_only_committed_batches_count(landing: Landing, dataset: Dataset) -> None:
    assert landing.former(ID).watermark() is None
    _land(landing, dataset, "n1", "2026-01-01 10:00:00+00")
    _land(landing, dataset, "n2", "2026-01-02 10:00:00+00", commit=False)
    assert landing.former(ID).watermark() == "2026-01-01 10:00:00+00"
    assert landing.former(ID).times([_file().identity]) == {
        _file().identity: datetime(2026, 1, 1, tzinfo=UTC)
    }
    assert not landing.is_committed(ID, "n2")
    landing.mark_committed(ID, "n2")
    landing.mark_committed(ID, "n2")
    assert landing.former(ID).watermark() == "2026-01-02 10:00:00+00"
    assert [m.batch_id for m in landing.committed(ID)] == ["n1", "n2"]
    at = landing.committed_at(ID, "n2")
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    first = landing.former(ID).first_landed_at()
    assert first is not None
    assert abs((datetime.now(UTC) - first).total_seconds()) < 60


def test_a_batch_is_discarded_unless_its_rows_are_served(
    landing: Landing, dataset: Dataset
) -> None:
    _land(landing, dataset, "n1", commit=False)
    assert landing.next_attempt(ID, "n1") == 1
    assert landing.next_attempt(ID, "n1") == 2
    assert landing.knows(ID, "n1")
    landing.discard(ID, "n1")
    landing.discard(ID, "never")
    assert (landing.find(ID, "n1"), landing.knows(ID, "n1")) == (None, False)
    assert landing.former(ID).nights() == []
    _land(landing, dataset, "n1")
    assert landing.next_attempt(ID, "n1") == 1
    with pytest.raises(UserError, match=r"batch n1 of parks\.trees is committed and can't be"):
        landing.discard(ID, "n1")
    with pytest.raises(UserError, match=r"`civiclake extract parks\.trees --batch-id n7` first"):
        landing.mark_committed(ID, "n7")
    with pytest.raises(UserError, match="is not allowed: use letters, digits, - and _"):
        landing.find(ID, "../n1")


def test_a_held_delivery_stays_to_be_looked_at_until_a_good_one_comes(
    landing: Landing, dataset: Dataset
) -> None:
    for content in ("first", "second"):  # held again: the newer one is kept
        with landing.drafting(dataset, "n1") as draft:
            draft.path("a.csv").write_text(content)
            landing.hold(draft, dataset, "n1")
    assert landing.knows(ID, "n1")
    assert landing.find(ID, "n1") is None
    assert landing.committed(ID) == []
    _land(landing, dataset, "n1", commit=False)
    landing.discard(ID, "n1")
    assert not landing.knows(ID, "n1")


def test_a_batch_that_somebody_broke_off_is_looked_at_again(
    stored: Settings, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is gone just after the store has taken the manifest, and then the mark."""
    landing = Landing(stored)
    _land(landing, dataset, "n0", "1")
    with monkeypatch.context() as gone:
        gone.setattr("civiclake.io.landing.index_shared.SharedIndex._rows", _raises)
        _land(landing, dataset, "n1", "2")
    assert landing.former(ID).watermark() == "2"
    with database.asking(stored) as connection:
        old = "UPDATE civiclake.landing_batches SET changing_since = changing_since - interval '2d'"
        connection.execute(old)
    assert landing.former(ID).watermark() == "2"
    with database.asking(stored) as connection:
        marked = "SELECT count(*) FROM civiclake.landing_batches WHERE changing_since IS NOT NULL"
        assert connection.execute(marked).fetchone() == (0,)


def _raises(*_: object) -> None:
    raise StateUnavailable("gone")


def test_a_landing_that_was_copied_or_whose_state_was_lost_is_listed_once(
    stored: Settings, dataset: Dataset, store: Store, tmp_path: Path, caplog: Any
) -> None:
    here = Landing(Settings(state_dir=tmp_path / "one-host"))
    for number in range(3):
        _land(here, dataset, f"n{number}", str(number), content=f"a\n{number}\n", commit=number < 2)
    root = tmp_path / "one-host" / "landing"
    folder = stored.landing.url.removeprefix(f"s3://{LANDING}/")
    for path in (root / "parks" / "trees").rglob("*"):  # as any client copies a folder
        if path.is_file():
            name = path.relative_to(root).as_posix()
            store.client.put_object(Bucket=LANDING, Key=f"{folder}/{name}", Body=path.read_bytes())
    store.client.put_object(Bucket=LANDING, Key=f"{folder}/parks/trees/", Body=b"")
    landing = Landing(stored)
    assert landing.former(ID).watermark() == "1"
    assert landing.former(ID).nights() == here.former(ID).nights()
    assert landing.committed(ID) == here.committed(ID)
    assert _held(landing, "n1") == _held(here, "n1")
    said = [r.message for r in caplog.records if "manifests were read" in r.message]
    assert said == ["parks.trees: the index of landing knew no batch; 3 manifests were read"]


def test_bytes_that_changed_in_the_store_are_refused(
    stored: Settings, dataset: Dataset, store: Store
) -> None:
    landing = Landing(stored)
    _land(landing, dataset, "n1")
    folder = stored.landing.url.removeprefix(f"s3://{LANDING}/")
    found = store.client.list_objects_v2(Bucket=LANDING, Prefix=f"{folder}/parks/trees/n1/of-")
    key = next(e["Key"] for e in found["Contents"] if e["Key"].endswith("0001-a.csv"))
    store.client.put_object(Bucket=LANDING, Key=key, Body=b"a\n2\n")
    said = r"0001-a\.csv is not what was landed: its SHA-256 is"
    with pytest.raises(CivicLakeError, match=said), landing.opened(ID, "n1"):
        pass


def test_two_installations_can_t_share_a_landing(stored: Settings, dataset: Dataset) -> None:
    _land(Landing(stored), dataset, "n1")
    with database.asking(stored) as connection:
        connection.execute("UPDATE civiclake.installation SET id = gen_random_uuid()")
    said = "is the landing of installation .*: two installations can't share one; give this one a"
    with pytest.raises(UserError, match=said):
        _land(Landing(stored), dataset, "n2")
    assert Landing(stored).find(ID, "n2") is None


def test_a_bucket_that_is_not_there_is_not_made(
    stored: Settings, dataset: Dataset, store: Store
) -> None:
    lost = stored.model_copy(
        update={"landing": stored.landing.model_copy(update={"url": "s3://mistyped/x"})}
    )
    with pytest.raises(
        UserError, match=r"the landing's object store .* has no bucket mistyped: make it"
    ):
        _land(Landing(lost), dataset, "n1")
    names = {found["Name"] for found in store.client.list_buckets()["Buckets"]}
    assert "mistyped" not in names


def test_a_store_that_is_away_is_worth_another_try(
    stored: Settings, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_ATTEMPTS", 1)
    endpoint = f"http://{objects.HOST}:{ports.free_port(0)}"
    away = stored.model_copy(
        update={"landing": stored.landing.model_copy(update={"endpoint": endpoint})}
    )
    with pytest.raises(StateUnavailable, match=r"does not answer \(EndpointConnectionError\)") as e:
        Landing(away).find(ID, "n1")
    assert e.value.exit_code == 75


def test_a_wrong_key_names_its_variables_and_is_not_told(
    stored: Settings, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIVICLAKE_LANDING_SECRET_KEY", "guessed-wrongly")
    with pytest.raises(UserError, match="correct CIVICLAKE_LANDING_ACCESS_KEY and") as caught:
        Landing(stored).find(ID, "n1")
    assert "guessed" not in str(caught.value)
    monkeypatch.delenv("CIVICLAKE_LANDING_SECRET_KEY")
    with pytest.raises(UserError, match="set CIVICLAKE_LANDING_SECRET_KEY"):
        Landing(stored).find(ID, "n1")


def test_an_address_that_is_none(stored: Settings) -> None:
    update = {"landing": LandingSettings(url=stored.landing.url, endpoint="not an address")}
    with pytest.raises(UserError, match=r"landing\.endpoint is 'not an address': allowed is an"):
        Landing(stored.model_copy(update=update)).find(ID, "n1")
