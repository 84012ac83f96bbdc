"""Objects of a real bucket: what a batch takes, and what it refuses."""

from __future__ import annotations

import gzip
import io
import socket
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from source_city import OWNER, READER_KEYS, City, Store
from source_refusals import refused

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, SourceError, SourceUnavailable
from civiclake.io.sources import s3
from civiclake.local import objects, ports

HEADER = "tree_id,species,height\n"
GOOD = HEADER + "t1,oak,12.5\nt2,elm,8\n"
PLACE = f"s3://{objects.BUCKET}/trees"


@pytest.fixture
def bucket(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PARKS_S3_ENDPOINT", f"http://{objects.HOST}:{store.port}")
    monkeypatch.setenv("PARKS_S3_ACCESS_KEY", READER_KEYS.access_key)
    monkeypatch.setenv("PARKS_S3_SECRET_KEY", READER_KEYS.secret_key)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    yield store.client
    while found := store.client.list_objects_v2(Bucket=objects.BUCKET).get("Contents"):
        keys = [{"Key": entry["Key"]} for entry in found]
        store.client.delete_objects(Bucket=objects.BUCKET, Delete={"Objects": keys})


def _put(client: Any, key: str, content: str | bytes) -> None:
    body = content.encode() if isinstance(content, str) else content
    client.put_object(Bucket=objects.BUCKET, Key=key, Body=body)


def _zip(members: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_objects_that_match_come_as_they_are(city: City, bucket: Any) -> None:
    _put(bucket, "trees/a.csv", GOOD)
    _put(bucket, "trees/b.csv", HEADER + "t3,ash,1\n")
    _put(bucket, "trees/c.txt", "else")
    _put(bucket, "bushes/d.csv", "else")
    manifest = city.extract(city.bucket(f"{PLACE}/*.csv"), "n1")
    assert [f.origin for f in manifest.files] == [f"{PLACE}/a.csv", f"{PLACE}/b.csv"]
    assert manifest.rows == 3
    folder = city.landing.batch_dir(manifest.dataset, "n1")
    assert (folder / manifest.files[0].path).read_text() == GOOD
    assert READER_KEYS.secret_key not in manifest.model_dump_json()


def test_each_version_of_an_object_is_taken_once(city: City, bucket: Any) -> None:
    dataset = city.bucket(f"{PLACE}/*.csv", limits={"allow_empty": True})
    _put(bucket, "trees/a.csv", GOOD)
    city.commit(dataset, "n1")
    assert city.extract(dataset, "n2").rows == 0
    _put(bucket, "trees/a.csv", GOOD.replace("oak", "fir"))
    _put(bucket, "trees/b.csv", HEADER + "t9,fir,2\n")
    again = city.commit(dataset, "n3")
    assert sorted(f.origin for f in again.files) == [f"{PLACE}/a.csv", f"{PLACE}/b.csv"]
    assert city.extract(dataset, "n4").rows == 0


def test_a_member_of_a_zip_is_a_snapshot(city: City, bucket: Any) -> None:
    _put(bucket, "trees/all.zip", _zip({"trees.txt": GOOD, "bushes.txt": "else"}))
    dataset = city.bucket(f"{PLACE}/all.zip", load="snapshot", member="trees.txt")
    assert city.commit(dataset, "n1").rows == 2
    # The night after it is the same version still, which is no delivery.
    again = city.extract(dataset, "n2")
    assert (again.rows, again.files) == (0, ())
    assert "all.zip is not renewed since" in str(again.unrenewed)


def test_a_bucket_of_many_objects_is_listed_to_its_end(city: City, bucket: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: _put(bucket, f"trees/{n:04d}.txt", "x"), range(1005)))
    _put(bucket, "trees/zz.csv", GOOD)
    assert city.extract(city.bucket(f"{PLACE}/*.csv"), "n1").rows == 2


# -- what is refused ---------------------------------------------------------------------


def test_a_store_that_is_down(
    city: City, bucket: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _put(bucket, "trees/a.csv", GOOD)
    dataset = city.bucket(f"{PLACE}/*.csv")
    city.commit(dataset, "n1")
    endpoint = f"http://{objects.HOST}:{ports.free_port(0)}"
    monkeypatch.setenv("PARKS_S3_ENDPOINT", endpoint)
    refused(city, dataset, SourceUnavailable, objects.BUCKET, endpoint, "does not answer")
    assert READER_KEYS.secret_key not in caplog.text


def test_a_wrong_secret_key(city: City, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKS_S3_SECRET_KEY", "guessed-by-mistake")
    words = ("refuses the secret key", f"bucket {objects.BUCKET}", "PARKS_S3_SECRET_KEY")
    dataset = city.bucket(f"{PLACE}/*.csv")
    refused(city, dataset, SourceError, *words, more_secrets=("guessed-by-mistake",))


def test_a_wrong_access_key(city: City, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKS_S3_ACCESS_KEY", "nobody")
    dataset = city.bucket(f"{PLACE}/*.csv")
    refused(city, dataset, SourceError, "does not know the access key", "PARKS_S3_ACCESS_KEY")


def test_a_bucket_that_is_not_ours(city: City, bucket: Any) -> None:
    bucket.create_bucket(Bucket="other")
    dataset = city.bucket("s3://other/*.csv")
    refused(city, dataset, SourceError, "denies access for bucket other")


def test_a_missing_object(city: City, bucket: Any) -> None:
    dataset = city.bucket(f"{PLACE}/all.csv", load="snapshot")
    refused(city, dataset, SourceError, "nothing is delivered", f"{PLACE}/all.csv")


BROKEN = {
    "empty": ("a.csv", b"", "it is empty: 0 bytes"),
    "truncated gzip": ("a.csv.gz", gzip.compress(GOOD.encode())[:-12], "cut off before its end"),
    "truncated zip": ("a.zip", _zip({"t.txt": GOOD})[:-30], "no whole zip file"),
    "missing member": ("a.zip", _zip({"u.txt": GOOD, "v": "-"}), "it holds no t.txt"),
    "wrong encoding": ("a.csv", (HEADER + "t1,Kastanië,1\n").encode("latin-1"), "in line 2"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_object_that_can_not_be_read(city: City, bucket: Any, what: str) -> None:
    name, content, reason = BROKEN[what]
    _put(bucket, f"trees/{name}", content)
    own = {"member": "t.txt"} if name.endswith(".zip") else {}
    dataset = city.bucket(f"{PLACE}/{name}", **own)
    refused(city, dataset, SourceError, f"{name} can't be read", reason)


def test_an_object_of_another_shape_is_held(city: City, bucket: Any) -> None:
    _put(bucket, "trees/a.csv", "tree_id,species\nt1,oak\n")
    refused(city, city.bucket(f"{PLACE}/a.csv"), BatchHeld, "a.csv lacks the column height")


def test_region_and_token_are_those_of_the_contract_and_the_connection(
    city: City, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(bucket, "trees/a.csv", GOOD)
    dataset = city.bucket(f"{PLACE}/*.csv", s3={"region": "${PARKS_REGION}"})
    monkeypatch.setenv("PARKS_S3_REGION", "eu-north-1")
    monkeypatch.setenv("PARKS_REGION", "eu-central-1")
    sent: list[str] = []

    def noted(dataset: Dataset) -> Any:
        client = made(dataset)
        client.meta.events.register("before-send.s3", lambda request, **_: sent.append(
            f"{request.headers['Authorization']} {request.headers.get('X-Amz-Security-Token')}"
        ))  # fmt: skip
        return client

    made = s3._client
    monkeypatch.setattr(s3, "_client", noted)
    assert city.extract(dataset, "n1").rows == 2
    assert all("/eu-central-1/s3/aws4_request" in said for said in sent)
    assert all("x-amz-security-token" not in said for said in sent)
    sent.clear()
    monkeypatch.setenv("PARKS_S3_SESSION_TOKEN", "for-an-hour")
    words = ("does not know the access key", "and PARKS_S3_SESSION_TOKEN")
    refused(city, city.bucket(f"{PLACE}/*.csv"), SourceError, *words, more_secrets=("for-an-hour",))
    assert "/eu-north-1/s3/aws4_request" in sent[0]
    assert "x-amz-security-token" in sent[0]


def test_buckets_may_have_names_of_their_own(
    city: City, bucket: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **named: Any) -> Any:
        """As a city's own name service knows its buckets."""
        asked.append(host)
        return resolve(objects.HOST if str(host).endswith("localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setenv("PARKS_S3_ENDPOINT", f"http://localhost:{store.port}")
    _put(bucket, "trees/a.csv", GOOD)
    dataset = city.bucket(f"{PLACE}/*.csv", s3={"addressing": "virtual"})
    assert city.extract(dataset, "n1").rows == 2
    assert f"{objects.BUCKET}.localhost" in asked


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"Code": "ExpiredToken"}, ("token has expired", "SECRET_KEY and PARKS_S3_SESSION_TOKEN")),
        ({"Code": "InvalidToken"}, ("does not know the session token", "renew PARKS_S3_ACCESS")),
        (
            {"Code": "AuthorizationHeaderMalformed", "Region": "eu-west-1"},
            ("not in the region us-east-1 but in eu-west-1", "`s3.region` in parks/trees.yaml"),
        ),
        ({"Code": "PermanentRedirect"}, ("not in the region us-east-1: set", "PARKS_S3_REGION")),
    ],
)
def test_what_aws_says_of_tokens_and_regions(
    city: City, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PARKS_S3_SESSION_TOKEN", "for-an-hour")
    error = ClientError({"Error": answer}, "ListObjectsV2")  # type: ignore[arg-type]
    sentence = str(s3._refusal(city.bucket(f"{PLACE}/*.csv"), "trees", error))
    for word in (*words, f"ask Parks office ({OWNER})"):
        assert word in sentence, sentence
