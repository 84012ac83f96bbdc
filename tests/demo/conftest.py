"""The sample city's systems on ports and in a folder of their own, once for all its tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from civiclake.settings import Settings
from demo import sources


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(state_dir=tmp_path_factory.mktemp("city") / "var")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("POSTGRES", "S3"):
            patch.setenv(f"CIVICLAKE_DEMO__{name}_PORT", "0")
        sources.start(settings)
    try:
        yield settings
    finally:
        assert len(sources.stop(settings)) == 2
        assert set(sources.status(settings).values()) == {None}
