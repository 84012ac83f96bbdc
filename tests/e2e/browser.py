"""A headless Chromium, driven by its own driver over the W3C WebDriver protocol."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from civiclake.local import ports

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""Key of an element's id, as the protocol has it."""

ENTER, TAB = "\ue007", "\ue004"
"""Keys, as the protocol names them."""

_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",  # it is run by root where the tests are, and opens our own pages alone
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-proxy-server",
]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile; ends with the block."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, found in programs.items() if found is None]
    assert not missing, f"{', '.join(missing)} not found: apt-get install chromium chromium-driver"
    port = ports.free_port(0)
    driver = subprocess.Popen(
        [str(programs["chromedriver"]), f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False
        ) as client:
            browser = _open(client, str(programs["chromium"]), profile)
            try:
                yield browser
            finally:
                browser.call("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(10)


def _open(client: httpx.Client, program: str, profile: Path) -> Browser:
    options = {"binary": program, "args": [*_ARGUMENTS, f"--user-data-dir={profile}"]}
    wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    body = {"capabilities": {"alwaysMatch": {"browserName": "chrome", **wanted}}}
    deadline = time.monotonic() + 30
    while True:
        try:
            answer = client.post("/session", json=body)
            break
        except httpx.ConnectError:
            assert time.monotonic() < deadline, "chromedriver does not answer"
            time.sleep(0.1)
    value = answer.json()["value"]
    assert answer.is_success, value
    return Browser(client, str(value["sessionId"]))


@dataclass(frozen=True)
class Browser:
    """One window."""

    client: httpx.Client
    session: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One command; what the driver answers."""
        answer = self.client.request(
            method,
            f"/session/{self.session}{path}",
            json=body if body is not None or method != "POST" else {},
        )
        value = answer.json()["value"]
        assert answer.is_success, f"{method} {path}: {value['error']}: {value['message']}"
        return value

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("POST", "/url", {"url": url})

    @property
    def url(self) -> str:
        """The address of the whole window."""
        return str(self.call("GET", "/url"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a function's body in the page that is looked at."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def element(self, selector: str, *, timeout_s: float = 60) -> str:
        """Id of the first element that a CSS selector finds, once there is one."""
        found: list[Any] = []

        def look() -> bool:
            body = {"using": "css selector", "value": selector}
            found[:] = self.call("POST", "/elements", body)
            return bool(found)

        self.wait(look, selector, timeout_s)
        return str(found[0][_ELEMENT])

    def click(self, selector: str) -> None:
        """Click where a person would."""
        self.call("POST", f"/element/{self.element(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.call("POST", f"/element/{self.element(selector)}/value", {"text": text})

    def press(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        strokes = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": strokes}
        self.call("POST", "/actions", {"actions": [keyboard]})

    def text(self, selector: str) -> str:
        """What a person reads there."""
        return str(self.call("GET", f"/element/{self.element(selector)}/text"))

    def look_into(self, selector: str | None) -> None:
        """Go on inside a frame, or in the whole window again."""
        frame = None if selector is None else {_ELEMENT: self.element(selector)}
        self.call("POST", "/frame", {"id": frame})

    def size(self, width: int, height: int) -> None:
        """Resize the window."""
        self.call("POST", "/window/rect", {"width": width, "height": height})

    def screenshot(self, path: Path) -> Path:
        """Save what is seen as a PNG file."""
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))
        return path

    def complaints(self) -> list[str]:
        """Errors on the console since it was asked last, such as what a policy refused."""
        told = self.call("POST", "/se/log", {"type": "browser"})
        return [line["message"] for line in told if line["level"] == "SEVERE"]

    def wait(self, met: Callable[[], object], what: str, timeout_s: float = 60) -> None:
        """Wait for something to come true."""
        deadline = time.monotonic() + timeout_s
        while not met():
            assert time.monotonic() < deadline, f"{what} did not come within {timeout_s:.0f} s"
            time.sleep(0.2)
