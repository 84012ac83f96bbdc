"""The departments' object store: transport, geography and environment."""

from __future__ import annotations

import io
from dataclasses import dataclass

from civiclake.local import objects, process
from demo.city import clock, gtfs
from demo.city.deliveries import Deliveries
from demo.city.model import Model
from demo.encode import Format, encode
from demo.systems.site import Site

_FIRST_PORT = 54340


@dataclass(frozen=True)
class Bucket:
    """A department's bucket and what it publishes there."""

    name: str
    connection: str
    """As its contracts name it."""
    datasets: dict[str, Format]


BUCKETS = (
    Bucket(objects.BUCKET, "transport_s3", {}),
    Bucket(
        "geography",
        "geography_s3",
        {
            "geography.divisions": Format(),
            "geography.roads": Format(),
            "geography.road_segments": Format(),
            "geography.parcels": Format("zip", member="parcels.csv"),
        },
    ),
    Bucket("environment", "environment_s3", {"environment.readings": Format()}),
)


class Store:
    """One store with a bucket for each of three departments."""

    name = "object store"

    def start(self, site: Site) -> str:
        """Start it, unless it runs."""
        objects.start(
            site.data("seaweedfs"),
            site.run_dir,
            port=_port(site),
            internal=_internal(site),
            owner=_owner(site),
            readers={bucket.name: _reader(site, bucket) for bucket in BUCKETS},
        )
        return f"{objects.HOST}:{_port(site)}"

    def stop(self, site: Site) -> bool:
        """Stop it; whether it was running."""
        return objects.stop(site.run_dir, _internal(site))

    def running(self, site: Site) -> process.Running | None:
        """Its process."""
        return process.status(objects.NAME, site.run_dir)

    def environment(self, site: Site) -> dict[str, str]:
        """Address and keys of each bucket."""
        found = {}
        for bucket in BUCKETS:
            prefix, login = bucket.connection.upper(), _reader(site, bucket)
            found[f"{prefix}_ENDPOINT"] = f"http://{objects.HOST}:{_port(site)}"
            found[f"{prefix}_ACCESS_KEY"] = login.access_key
            found[f"{prefix}_SECRET_KEY"] = login.secret_key
        return found

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Put what a night publishes; a file that is published again is a new version."""
        client = objects.client(_port(site), _owner(site))
        # The same timetable every night: published again, it is a delivery.
        client.put_object(Bucket=objects.BUCKET, Key=gtfs.KEY, Body=gtfs.feed(model.city))
        for bucket in BUCKETS:
            for dataset, form in bucket.datasets.items():
                for key, content in _published(model, dataset, form, night):
                    client.put_object(Bucket=bucket.name, Key=key, Body=content)


def _published(
    model: Model, dataset: str, form: Format, night: int
) -> list[tuple[str, io.BytesIO]]:
    """Keys and contents of the objects that a night brings."""
    series, name = model.series[dataset], dataset.partition(".")[2]
    columns = series.shape.columns
    if not isinstance(series, Deliveries):
        content = io.BytesIO()
        encode(form, columns, series.rows(night), content)
        content.seek(0)
        return [(f"{name}/{clock.midnight(night):%Y-%m-%d}.{form.ending}", content)]
    found = []
    for file in series.files(night):
        content = io.BytesIO()
        encode(form, columns, series.file_rows(file), content)
        content.seek(0)
        found.append((f"{name}/{file.name}.{form.ending}", content))
    return found


def _port(site: Site) -> int:
    return site.port("s3", _FIRST_PORT)


def _internal(site: Site) -> list[int]:
    # Beside the store's own port, wherever that is.
    first = _port(site) + 1
    return [site.port(f"s3_internal_{n}", first + n) for n in range(objects.INTERNAL_PORTS)]


def _owner(site: Site) -> objects.Login:
    return objects.Login("store-owner", site.secret("s3_owner"))


def _reader(site: Site, bucket: Bucket) -> objects.Login:
    return objects.Login(f"{bucket.name}-reader", site.secret(f"{bucket.connection}_reader"))
