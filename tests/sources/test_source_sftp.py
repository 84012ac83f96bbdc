"""Files on a real SFTP server: what a batch takes, what it leaves alone, what it refuses."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import psutil
import pytest
from source_city import HOST_KEY, SFTP_KEY, SFTP_PASSWORD, City, Drops
from source_refusals import refused

from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.extract import extract
from civiclake.io.reading import csv_records
from civiclake.io.reading.inspect import Inspection
from civiclake.io.sources import sftp
from civiclake.local import ports
from demo import sshd

# paramiko's own thread, which asks for blocks ahead, ends with a broken connection, and pytest may
# hear of it one test later.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

HEADER = "tree_id,species,height\n"
GOOD = HEADER + "t1,oak,12.5\nt2,elm,8\n"


@pytest.fixture
def folder(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The login's folder, and the login by key; both empty again after the test."""
    monkeypatch.setenv("PARKS_SFTP_HOST", sshd.HOST)
    monkeypatch.setenv("PARKS_SFTP_PORT", str(drops.port))
    monkeypatch.setenv("PARKS_SFTP_USER", drops.user)
    monkeypatch.setenv("PARKS_SFTP_HOST_KEY", HOST_KEY.public)
    monkeypatch.setenv("PARKS_SFTP_PRIVATE_KEY", SFTP_KEY.private)
    monkeypatch.delenv("PARKS_SFTP_PASSWORD", raising=False)
    yield drops.folder
    for path in sorted(drops.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _drop(folder: Path, name: str, content: str | bytes, *, age_s: float = 7200) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def _names(manifest: object) -> list[str]:
    return [f.origin.rpartition("/")[2] for f in manifest.files]  # type: ignore[attr-defined]


# -- what is taken -----------------------------------------------------------------------


def test_the_bytes_come_as_they_are_oldest_first(city: City, folder: Path, drops: Drops) -> None:
    packed = gzip.compress((HEADER + "t3,ash,1\n").encode())
    _drop(folder, "day/b.csv", GOOD, age_s=9000)
    _drop(folder, "day/a.csv.gz", packed, age_s=8000)
    _drop(folder, "day/c.txt", "else")
    _drop(folder, "other/d.csv", "else")
    manifest = city.extract(city.sftp("~/day/*.csv*"), "n1")
    assert _names(manifest) == ["b.csv", "a.csv.gz"]
    assert [f.rows for f in manifest.files] == [2, 1]
    where = f"sftp://{sshd.HOST}:{drops.port}{folder}/day/b.csv"
    assert manifest.files[0].origin == where
    landed = city.landing.batch_dir(manifest.dataset, "n1")
    assert (landed / manifest.files[0].path).read_text() == GOOD
    assert (landed / manifest.files[1].path).read_bytes() == packed


def test_folders_may_be_patterns_and_paths_absolute(city: City, folder: Path) -> None:
    _drop(folder, "2016-01-01/a.csv", GOOD)
    _drop(folder, "2016-01-02/a.csv", HEADER + "t3,ash,1\n")
    _drop(folder, "2016-01-02/deeper/a.csv", GOOD)
    assert city.extract(city.sftp("~/2016-*/a.csv"), "n1").rows == 3
    assert city.extract(city.sftp(f"{folder}/2016-*/a.csv".lstrip("/")), "n2").rows == 3


def test_a_large_file_comes_whole(city: City, folder: Path) -> None:
    text = HEADER + "".join(f"t{n},oak,{n % 90}\n" for n in range(400_000))
    _drop(folder, "a.csv", text)
    (file,) = city.extract(city.sftp(), "n1").files
    assert (file.rows, file.size_bytes) == (400_000, len(text))


def test_a_replaced_file_is_a_new_version_and_both_stay_traceable(city: City, folder: Path) -> None:
    dataset = city.sftp(limits={"allow_empty": True})
    _drop(folder, "a.csv", GOOD, age_s=9000)
    first = city.commit(dataset, "n1")
    assert city.extract(dataset, "n2").rows == 0
    replaced = GOOD.replace("oak", "fir")  # of the same length
    _drop(folder, "a.csv", replaced, age_s=8000)
    second = city.commit(dataset, "n3")
    assert city.extract(dataset, "n4").rows == 0
    old, new = first.files[0], second.files[0]
    assert old.origin == new.origin
    assert old.version != new.version
    assert old.sha256 != new.sha256
    for batch, file, content in (("n1", old, GOOD), ("n3", new, replaced)):
        landed = city.landing.batch_dir(dataset.id, batch) / file.path
        assert landed.read_text() == content


def test_a_snapshot_is_the_newest_file(city: City, folder: Path) -> None:
    _drop(folder, "old.csv", GOOD, age_s=9000)
    _drop(folder, "new.csv", HEADER + "t7,ash,1\n", age_s=8000)
    manifest = city.extract(city.sftp(load="snapshot"), "n1")
    assert _names(manifest) == ["new.csv"]


def test_a_login_by_password(city: City, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARKS_SFTP_PRIVATE_KEY")
    monkeypatch.setenv("PARKS_SFTP_PASSWORD", SFTP_PASSWORD)
    _drop(folder, "a.csv", GOOD)
    assert city.extract(city.sftp(), "n1").rows == 2


def test_the_host_key_may_be_a_fingerprint(
    city: City, folder: Path, monkeypatch: pytest.MonkeyPatch, drops: Drops
) -> None:
    shown = refused_host_key(city, folder, monkeypatch)
    monkeypatch.setenv("PARKS_SFTP_HOST_KEY", f"{'SHA256:' + 'A' * 43}, {shown}")
    assert city.extract(city.sftp(), "n1").rows == 2


def refused_host_key(city: City, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The fingerprint that the server shows instead of the one that is wanted."""
    _drop(folder, "a.csv", GOOD)
    monkeypatch.setenv("PARKS_SFTP_HOST_KEY", SFTP_KEY.public)
    words = ("shows the host key SHA256:", "(ssh-ed25519)", "PARKS_SFTP_HOST_KEY", "nothing was")
    said = refused(city, city.sftp(), SourceError, *words)
    return said.partition("host key ")[2].partition(" ")[0]


# -- what is left alone ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["new.csv.part", "new.csv.filepart", ".new.csv"])
def test_a_file_with_the_name_of_an_unfinished_one_is_left_alone(
    city: City, folder: Path, name: str
) -> None:
    _drop(folder, "a.csv", GOOD)
    _drop(folder, name, HEADER)
    assert _names(city.extract(city.sftp("~/*"), "n1")) == ["a.csv"]


@pytest.mark.parametrize("clock_s", [0, 1800, -1800])
def test_a_file_that_grows_is_left_whatever_the_server_s_clock_says(
    city: City, folder: Path, monkeypatch: pytest.MonkeyPatch, clock_s: int
) -> None:
    _drop(folder, "a.csv", GOOD)
    growing = _drop(folder, "b.csv", HEADER + "t3,a", age_s=clock_s)

    def meanwhile(seconds: float) -> None:
        growing.write_text(HEADER + "t3,ash,1\nt4,")

    monkeypatch.setattr(sftp.time, "sleep", meanwhile)
    manifest = city.extract(city.sftp(), "n1", settle_seconds=2)
    assert (_names(manifest), manifest.left) == (["a.csv"], ("b.csv",))


def test_a_file_that_changes_while_it_is_read_is_left(
    city: City, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _drop(folder, "a.csv", GOOD, age_s=9000)
    slow = _drop(folder, "b.csv", GOOD, age_s=8000)
    whole = csv_records.render

    def meanwhile(binary: Any, target: Path, form: csv_records.Form) -> Inspection:
        found = whole(binary, target, form)
        if slow.stat().st_mtime < time.time() - 5000 and len(list(city.landed())):
            _drop(folder, "b.csv", GOOD + "t8,fir,1\n", age_s=0)
        return found

    monkeypatch.setattr(csv_records, "render", meanwhile)
    manifest = city.extract(city.sftp(), "n1")
    assert manifest.left == ("b.csv",)
    assert [f.rows for f in manifest.files] == [2]


# -- what is refused ---------------------------------------------------------------------


def test_a_file_that_disappears_between_listing_and_reading(city: City, folder: Path) -> None:
    gone = _drop(folder, "a.csv", GOOD)
    (delivery,), _ = sftp.find(city.sftp(), settle_seconds=0)
    gone.unlink()
    with (
        pytest.raises(SourceUnavailable, match=r"a\.csv is not on .* \(any more\)"),
        delivery.open(),
    ):
        pass
    # The next try finds what is there then.
    refused(city, city.sftp(), SourceError, "nothing is delivered")


def test_a_link_is_never_followed(city: City, folder: Path) -> None:
    _drop(folder, "else/a.csv", GOOD)
    (folder / "a.csv").symlink_to(folder / "else" / "a.csv")
    refused(city, city.sftp(), SourceError, "a.csv is a link or no plain file")


def test_a_link_that_takes_a_file_s_place(city: City, folder: Path) -> None:
    path = _drop(folder, "a.csv", GOOD)
    (delivery,), _ = sftp.find(city.sftp(), settle_seconds=0)
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(SourceError, match="is a link or no plain file"), delivery.open():
        pass


def test_nothing_delivered_and_no_such_folder(city: City, folder: Path) -> None:
    refused(city, city.sftp(), SourceError, "nothing is delivered", "/~/*.csv")
    dataset = city.sftp("~/nowhere/*.csv")
    refused(city, dataset, SourceUnavailable, "~/nowhere/*.csv is not on the SFTP server at")


def test_a_file_that_may_not_be_read(city: City, folder: Path) -> None:
    _drop(folder, "a.csv", GOOD).chmod(0o600)
    refused(city, city.sftp(), SourceError, "denies access to", "a.csv")


def test_an_empty_file(city: City, folder: Path) -> None:
    _drop(folder, "a.csv", "")
    refused(city, city.sftp(), SourceError, "a.csv can't be read: it is empty: 0 bytes")


def test_a_truncated_gzip_is_the_file_s_fault_not_the_connection_s(
    city: City, folder: Path
) -> None:
    _drop(folder, "a.csv.gz", gzip.compress(GOOD.encode())[:-12])
    refused(city, city.sftp("~/a.csv.gz"), SourceError, "can't be read: it is cut off before its")


def test_a_server_that_is_down(
    city: City, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = ports.free_port(0)
    monkeypatch.setenv("PARKS_SFTP_PORT", str(port))
    words = (f"SFTP server at {sshd.HOST}:{port} does not answer", "ConnectionRefusedError")
    refused(city, city.sftp(), SourceUnavailable, *words)
    assert caplog.text.count("trying again") == 2


def test_a_server_that_is_none(city: City, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something listens, says nothing that SSH would, and hangs up."""
    with socket.create_server((sshd.HOST, 0)) as listening:
        monkeypatch.setenv("PARKS_SFTP_PORT", str(listening.getsockname()[1]))
        listening.settimeout(10)

        def hang_up() -> None:
            for _ in range(3):
                line, _ = listening.accept()
                line.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                line.close()

        answering = threading.Thread(target=hang_up)
        answering.start()
        refused(city, city.sftp(), SourceUnavailable, "does not answer")
        answering.join()


def test_a_connection_that_breaks_in_the_middle(city: City, folder: Path, drops: Drops) -> None:
    _drop(folder, "a.csv", HEADER + "t1,oak,1\n" * 1_000_000)
    (delivery,), _ = sftp.find(city.sftp(), settle_seconds=0)
    running = sshd.status(drops.run_dir)
    assert running
    with pytest.raises(SourceUnavailable, match="broke off"), delivery.open() as file:
        assert file.read(100)
        for child in psutil.Process(running.pid).children(recursive=True):
            child.send_signal(signal.SIGKILL)
        while file.read(1 << 20):
            pass
    # The same delivery again makes a connection of its own.
    with delivery.open() as file:
        assert file.read(7) == b"tree_id"


def test_a_wrong_password(city: City, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARKS_SFTP_PRIVATE_KEY")
    monkeypatch.setenv("PARKS_SFTP_PASSWORD", "guessed-by-mistake")
    words = ("refuses the login of", "PARKS_SFTP_USER and PARKS_SFTP_PASSWORD")
    refused(city, city.sftp(), SourceError, *words, more_secrets=("guessed-by-mistake",))


def test_a_wrong_key_and_a_wrong_user(
    city: City, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKS_SFTP_PRIVATE_KEY", sshd.Key("another").private)
    words = ("refuses the login of", "PARKS_SFTP_USER and PARKS_SFTP_PRIVATE_KEY")
    refused(city, city.sftp(), SourceError, *words)
    monkeypatch.setenv("PARKS_SFTP_PRIVATE_KEY", SFTP_KEY.private)
    monkeypatch.setenv("PARKS_SFTP_USER", "nobody-here")
    refused(city, city.sftp(), SourceError, "refuses the login of 'nobody-here'")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HOST_KEY", "", r"PARKS_SFTP_HOST_KEY is not set: parks\.trees needs it"),
        ("HOST_KEY", "12:34", r"PARKS_SFTP_HOST_KEY holds '12:34': .* \(SHA256:"),
        ("PRIVATE_KEY", "none", "PARKS_SFTP_PRIVATE_KEY is no private key"),
        ("USER", "", "PARKS_SFTP_USER is not set"),
        ("HOST", "a@b", r"location 'sftp://a@b:[0-9]+/~/\*\.csv' of parks\.trees is not allowed"),
    ],
)
def test_what_a_person_must_set(
    city: City, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"PARKS_SFTP_{name}", value)
    with pytest.raises(UserError, match=sentence):
        extract(city.settings, city.sftp(), "n1")


def test_nothing_but_files_can_be_had(folder: Path, drops: Drops) -> None:
    """The sample city's server runs no command and takes no file."""
    line = paramiko.Transport((sshd.HOST, drops.port))
    try:
        line.start_client(timeout=10)
        line.auth_password(drops.user, SFTP_PASSWORD)
        files = paramiko.SFTPClient.from_transport(line)
        assert files is not None
        with pytest.raises(PermissionError):
            files.open("new.csv", "w")
        channel = line.open_session()
        channel.exec_command("echo pwned")
        channel.settimeout(10)
        assert b"pwned" not in channel.recv(100)
    finally:
        line.close()
