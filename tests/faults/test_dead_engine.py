"""The jobs' engine ends or stands still in the midst of a load: the load says so, and goes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from night_of_six import Six
from pyspark.sql import SparkSession

from civiclake.engine import connect_server
from civiclake.engine.service import Service
from civiclake.errors import EXIT_RETRYABLE
from civiclake.settings import Settings

WITHIN_S = 60
AFTER_A_SIGNAL_S = 10


@pytest.fixture(scope="module")
def six(settings: Settings) -> Six:
    made = Six(settings)
    made.deliver()
    assert made.start(0).wait(300) == 0
    return made


@pytest.fixture
def service(settings: Settings) -> Service:
    """The engine, up and answering, whatever a test before did to it."""
    found = connect_server.service(settings)
    end = time.monotonic() + 120
    while not found.ready():
        assert time.monotonic() < end, "nobody started the engine again"
        time.sleep(0.2)
    return found


def _working(six: Six) -> subprocess.Popen[bytes]:
    """A load that is in the midst of its work."""
    six.deliver()
    child = six.start(0)
    staging = six.settings.state_dir / "lake" / "staging"
    end = time.monotonic() + 120
    while not any(p.is_file() for p in staging.rglob("*")):
        assert child.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return child


def _ends(child: subprocess.Popen[bytes], within_s: float) -> tuple[int, float]:
    begun = time.monotonic()
    code = child.wait(within_s + 30)
    return code, time.monotonic() - begun


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_load_without_its_engine_may_be_tried_again(
    spark: SparkSession, six: Six, service: Service, fault: signal.Signals
) -> None:
    child = _working(six)
    record = service.running()
    assert record is not None
    os.kill(record.pid, fault)
    code, seconds = _ends(child, WITHIN_S)
    print(f"{fault.name}: exit code {code} after {seconds:.1f} s")
    if fault is signal.SIGSTOP:
        os.kill(record.pid, signal.SIGCONT)
    assert code == EXIT_RETRYABLE
    assert seconds < WITHIN_S
    _loads_again(six, service, record.pid, fault)


def _loads_again(six: Six, service: Service, pid: int, fault: signal.Signals) -> None:
    end = time.monotonic() + 120
    started: Callable[[], bool] = lambda: (  # noqa: E731 - one condition, asked again
        (record := service.running()) is not None
        and (record.pid != pid or fault is signal.SIGSTOP)
        and service.ready()
    )
    while not started():
        assert time.monotonic() < end, "nobody started the engine again"
        time.sleep(0.2)
    assert six.start(0).wait(300) == 0


def test_a_signal_ends_a_load_whose_engine_stands_still(
    spark: SparkSession, six: Six, service: Service
) -> None:
    child = _working(six)
    record = service.running()
    assert record is not None
    os.kill(record.pid, signal.SIGSTOP)
    child.send_signal(signal.SIGTERM)
    code, seconds = _ends(child, AFTER_A_SIGNAL_S)
    os.kill(record.pid, signal.SIGCONT)
    print(f"SIGTERM: exit code {code} after {seconds:.1f} s")
    assert code in (-signal.SIGTERM, 128 + signal.SIGTERM)
    assert seconds < AFTER_A_SIGNAL_S
