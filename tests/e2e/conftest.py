"""One installation for all end-to-end tests; the nights are run once, in their order."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_city import City, make_settings

from civiclake.local import objects
from civiclake.local.ports import free_ports
from demo import sources
from demo.city.truth import Truth


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """Sources, engines and Airflow, up."""
    # Not in pytest's folder, which every run closes to others: two servers run as other users.
    root = Path(tempfile.mkdtemp(prefix="civiclake-night-"))
    root.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        taken: set[int] = set()
        for name in sources.PORTS:
            (port,) = free_ports(1, taken=taken)
            # The object store takes the ports beside its own.
            taken.update(range(port, port + 1 + objects.INTERNAL_PORTS))
            patch.setenv(f"CIVICLAKE_DEMO__{name}_PORT", str(port))
        made = City(make_settings(root, taken))
        try:
            made.up()
            yield made
        finally:
            made.down()
        assert made.processes() == {}
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def first_night(city: City) -> Truth:
    """Night 1, run by the scheduler."""
    return city.run_night(1)


@pytest.fixture(scope="session")
def second_night(city: City, first_night: Truth) -> Truth:
    """Night 2, after night 1."""
    return city.run_night(2)
