"""What every refused delivery has in common."""

from __future__ import annotations

import traceback

import pytest
from source_city import (
    OWNER,
    OWNER_KEYS,
    READER_KEYS,
    READER_PASSWORD,
    SFTP_KEY,
    SFTP_PASSWORD,
    City,
)

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, CivicLakeError

SECRETS = (
    READER_PASSWORD,
    OWNER_KEYS.secret_key,
    READER_KEYS.secret_key,
    SFTP_PASSWORD,
    SFTP_KEY.private.splitlines()[3],
)


def refused(
    city: City,
    dataset: Dataset,
    kind: type[CivicLakeError],
    *words: str,
    batch_id: str = "bad",
    more_secrets: tuple[str, ...] = (),
) -> str:
    """Extract a batch that must fail: one sentence, nothing moved, nothing half landed."""
    watermark, known = (
        city.landing.former(dataset.id).watermark(),
        city.landing.committed(dataset.id),
    )
    before = city.landed()
    with pytest.raises(CivicLakeError) as caught:
        city.extract(dataset, batch_id)
    error, sentence = caught.value, str(caught.value)
    assert type(error) is kind, sentence
    for word in (f"{dataset.id}: ", f"ask Parks office ({OWNER})", *words):
        assert word in sentence, (word, sentence)
    assert "\n" not in sentence
    shown = "".join(traceback.format_exception(error))  # what a task's log shows
    assert not [s for s in (*SECRETS, *more_secrets) if s in shown]
    assert city.landing.former(dataset.id).watermark() == watermark
    assert city.landing.committed(dataset.id) == known
    held = {f"{batch_id}.held"} if isinstance(error, BatchHeld) else set()
    assert set(city.landed()) - set(before) <= held
    assert city.landing.find(dataset.id, batch_id) is None
    return sentence
