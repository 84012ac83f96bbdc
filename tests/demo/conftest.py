"""The sample city's systems on ports and in a folder of their own, once for all its tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from civiclake.settings import Settings
from demo import sources


@pytest.fixture(scope="session")
def systems() -> Iterator[Settings]:
    # Not in pytest's folder, which every run closes to others: servers run as other users.
    root = Path(tempfile.mkdtemp(prefix="civiclake-city-"))
    root.chmod(0o755)
    settings = Settings(state_dir=root / "var")
    with pytest.MonkeyPatch.context() as patch:
        for name in sources.PORTS:
            patch.setenv(f"CIVICLAKE_DEMO__{name}_PORT", "0")
        sources.start(settings)
    try:
        yield settings
    finally:
        assert len(sources.stop(settings)) == len(sources.status(settings))
        assert set(sources.status(settings).values()) == {None}
        shutil.rmtree(root)
