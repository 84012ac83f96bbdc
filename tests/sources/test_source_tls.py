"""TLS to real database servers, as the contract demands it: verified before any login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from source_city import COLUMNS, READER_PASSWORD, City, MariaPlace
from source_refusals import refused

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError, UserError
from civiclake.local import system_user
from demo import mariadb


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path


def _pair(folder: Path, name: str, by: Pair | None, *hosts: str) -> Pair:
    """A certificate of an authority (no hosts), or of a server, signed by that one."""
    own, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = subject, own
    if by:
        issuer = x509.load_pem_x509_certificate(by.certificate.read_bytes()).subject
        signer = serialization.load_pem_private_key(by.key.read_bytes(), None)  # type: ignore[assignment]
    names = [x509.IPAddress(ip_address(h)) if h[0].isdigit() else x509.DNSName(h) for h in hosts]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    )
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    signed = made.sign(signer, hashes.SHA256())
    pair.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pair.key.write_bytes(own.private_bytes(serialization.Encoding.PEM, form, plain))
    return pair


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return _pair(tmp_path_factory.mktemp("authority"), "authority", None)


@pytest.fixture(scope="module")
def files(maria_place: MariaPlace, authority: Pair) -> Pair:
    """Where the server looks for its certificate; whoever writes there, lets it look again."""
    folder = maria_place.folder / "tls"
    folder.mkdir(mode=0o755)
    return _pair(folder, "server", authority, "127.0.0.1")


def _put_on(server: mariadb.Server, files: Pair, by: Pair, *hosts: str) -> None:
    _pair(files.certificate.parent, "server", by, *hosts)
    _give(files)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("FLUSH SSL")


def _give(files: Pair) -> None:
    user = system_user.ensure(mariadb.SYSTEM_USER, "MariaDB")
    if user:
        system_user.give(user, files.certificate, files.key)


@pytest.fixture(autouse=True)
def login(maria: mariadb.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PARKS_DB_HOST": maria.host, "PARKS_DB_PORT": str(maria.port),
        "PARKS_DB_USER": "parks_reader", "PARKS_DB_PASSWORD": READER_PASSWORD,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def _table(city: City, mode: str, ca: Path | None = None) -> Dataset:
    tls = {"mode": mode, **({"ca": str(ca)} if ca else {})}
    return city.table(kind="mysql", tls=tls, load="snapshot", columns=COLUMNS)


def test_a_server_without_tls_gets_no_login(city: City, authority: Pair) -> None:
    dataset = _table(city, "verify_identity", authority.certificate)
    words = ("not spoken to over TLS", "doesn't support it", "no login was sent", "`tls` in parks")
    refused(city, dataset, SourceError, *words)


def test_postgresql_without_tls_gets_no_login(
    city: City, db: psycopg.Connection[Any], authority: Pair
) -> None:
    for mode, ca in (("required", None), ("verify_ca", authority.certificate)):
        tls = {"mode": mode, **({"ca": str(ca)} if ca else {})}
        words = ("not spoken to over TLS", "does not support SSL", "no login was sent")
        refused(city, city.table(tls=tls), SourceError, *words)


@pytest.fixture(scope="module")
def encrypted(maria: mariadb.Server, maria_place: MariaPlace, files: Pair) -> mariadb.Server:
    """The same server, started anew with a certificate."""
    with maria.connect("parks") as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE TABLE trees AS SELECT 't1' AS tree_id, 'oak' AS species, 2 AS height"
        )
        cursor.execute(f"GRANT SELECT ON parks.* TO parks_reader@'{mariadb.HOST}' REQUIRE SSL")
    _give(files)
    assert mariadb.stop(maria_place.run_dir)
    cipher = {"ssl_cert": str(files.certificate), "ssl_key": str(files.key)}
    return maria_place.start(**cipher)


def test_what_is_demanded_is_verified(
    city: City, encrypted: mariadb.Server, files: Pair, authority: Pair, tmp_path: Path
) -> None:
    ca, other = authority.certificate, _pair(tmp_path, "other", None)
    _put_on(encrypted, files, authority, "127.0.0.1")
    for number, (mode, file) in enumerate(
        [("required", None), ("verify_ca", ca), ("verify_identity", ca)]
    ):
        assert city.extract(_table(city, mode, file), f"n{number}").rows == 1
    said = ("not spoken to over TLS", "not to be believed", "no login was sent")
    for mode in ("verify_ca", "verify_identity"):  # by whom we do not know
        words = (*said, "unable to get local issuer certificate")
        refused(city, _table(city, mode, other.certificate), SourceError, *words)
    refused(city, _table(city, "verify_identity"), SourceError, *said)  # by nobody of this machine
    _put_on(encrypted, files, authority, "db.parks.example")
    assert city.extract(_table(city, "verify_ca", ca), "n8").rows == 1
    refused(city, _table(city, "verify_identity", ca), SourceError, *said, "IP address mismatch")


def test_a_file_of_authorities_that_is_none(city: City, tmp_path: Path) -> None:
    there, missing = tmp_path / "ca.pem", tmp_path / "none.pem"
    there.write_text("no certificate")
    with pytest.raises(UserError, match=r"ca\.pem, the `tls\.ca` of parks\.trees, holds no cert"):
        city.extract(_table(city, "verify_ca", there), "n1")
    with pytest.raises(UserError, match=r"parks/trees\.yaml: there is no file .*none\.pem"):
        city.extract(_table(city, "verify_ca", missing), "n1")
