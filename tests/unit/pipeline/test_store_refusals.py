"""What becomes of a load whose store failed while Spark worked."""

from __future__ import annotations

import pytest

from civiclake.errors import CivicLakeError, StateUnavailable, UserError
from civiclake.io.lake import objects
from civiclake.pipeline import writing
from civiclake.settings import Settings, load_settings

# As Spark 4.2.0 with Hadoop 3.5 said them, of a store that answered so.
BUSY = (
    "(org.apache.hadoop.fs.s3a.AWSServiceThrottledException) listObjects() on s3a://city/lake/z/"
    "_delta_log: software.amazon.awssdk.services.s3.model.S3Exception: m (Service: S3, Status Code:"
    " 503, Request ID: null) (SDK Attempt Count: 3):SlowDown"
)
FORBIDDEN = (
    "(java.nio.file.AccessDeniedException) s3a://city/lake/x: getFileStatus on s3a://city/lake/x:"
    " software.amazon.awssdk.services.s3.model.S3Exception: Forbidden (Service: S3, Status Code:"
    " 403, Request ID: null):null"
)
OTHER = "[DELTA_CONCURRENT_APPEND] Path s3a://city/lake/x: files were added"


@pytest.fixture
def there() -> Settings:
    return load_settings().model_copy(update={"lake_uri": "s3a://city/lake"})


def _greeted(monkeypatch: pytest.MonkeyPatch, by: CivicLakeError | None) -> None:
    def greet(settings: Settings) -> None:
        if by:
            raise by

    monkeypatch.setattr(objects, "greet", greet)


@pytest.mark.parametrize("words", [BUSY, FORBIDDEN])
def test_what_the_store_says_itself_is_told(
    there: Settings, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Spark is told no cause of a refused HEAD: 403 is a wrong key, a wrong clock or a policy."""
    refusal = UserError("the store does not know the access key")
    _greeted(monkeypatch, refusal)
    assert writing._of_the_store(there, words) is refusal


def test_a_store_that_is_well_again_is_worth_another_try(
    there: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _greeted(monkeypatch, None)
    found = writing._of_the_store(there, BUSY)
    assert isinstance(found, StateUnavailable)
    assert found.exit_code == 75
    assert "503" in str(found)


def test_other_failures_are_nobody_elses(there: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _greeted(monkeypatch, None)
    assert writing._of_the_store(there, FORBIDDEN) is None  # may list, but not read: no use to wait
    _greeted(monkeypatch, UserError("not asked"))
    assert writing._of_the_store(there, OTHER) is None
    assert writing._of_the_store(load_settings(), BUSY) is None
