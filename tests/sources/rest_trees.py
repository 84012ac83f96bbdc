"""Ten trees behind a REST API, and what a walk through its pages has kept of them."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest
from source_city import Api, City

from civiclake.io.sources.rest import client

IDS = [f"t{n:02}" for n in range(1, 11)]


def tree(name: str, hour: int = 10, **more: Any) -> dict[str, Any]:
    moment = f"2026-01-01T{hour:02}:00:00Z"
    return {"tree_id": name, "species": "oak", "height": 12.5, "updated_at": moment, **more}


@pytest.fixture(autouse=True)
def trees(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Ten trees, and a server without faults."""
    monkeypatch.setenv("PARKS_API_URL", api.address)
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.01)
    found = [tree(name) for name in IDS]
    api.put(found)
    api.plan()
    return found


def pages(city: City, batch_id: str = "n1") -> list[dict[str, Any]]:
    """The pages' index, after each page was held against it."""
    folder = city.landing.batch_dir("parks.trees", batch_id) / "pages"
    _, *lines = (folder / "index.jsonl").read_text().splitlines()
    pages = [json.loads(line) for line in lines]
    for page in pages:
        body = gzip.decompress((folder / page["file"]).read_bytes())
        assert (len(body), hashlib.sha256(body).hexdigest()) == (page["size_bytes"], page["sha256"])
    return pages
