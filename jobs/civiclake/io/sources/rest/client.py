"""One client of one API: login, pace, patience, and limits to what an answer may do."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from civiclake.contracts.model import Dataset
from civiclake.contracts.rest import Auth, End
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.formats.json_values import DECODER
from civiclake.io.landing.delivery import ask, credential, expand
from civiclake.io.reading.inspect import Unreadable

MAX_PAGE_BYTES = 64 << 20
"""Unpacked; a larger page fills the memory."""
PAGE_SECONDS = 120.0
"""For one page from first byte to last, however slowly it drips."""
READ_SECONDS = 30.0
BACKOFF_SECONDS = 0.5
_ATTEMPTS = 5
_PATIENCE_SECONDS = 60.0
"""A server that asks for more is asked again by the next try of the task."""
_REDIRECTS = 3
_SAID = 200
"""Characters of a server's own words that a sentence may hold."""


class _Again(SourceUnavailable):
    """Worth another attempt at the same page."""

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Gone(SourceError):
    """The server does not (or no longer) know what it is asked for."""


@dataclass(frozen=True)
class Answer:
    """A page as it came."""

    body: bytes
    value: Any
    """The body, read as JSON; None where there is none."""
    shown: str
    """Its address without parameters: they may hold what nobody should read."""
    next_link: str | None
    linked: bool = False
    """Whether it has a ``Link`` header at all, on the last page too."""


class Client:
    """Asks for pages; close it after use."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._rest = dataset.source.rest
        self._secrets: list[str] = []
        self.location = httpx.URL(expand(dataset, "location", dataset.source.location))
        if self.location.userinfo or self.location.query or not self.location.host:
            raise UserError(
                f"{dataset.path}: the location of {dataset.id} is not allowed: write an address "
                "such as https://host/path; parameters go to rest.parameters, credentials to "
                "the environment"
            )
        self._http = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": "civiclake", **self._login()},
            timeout=httpx.Timeout(READ_SECONDS, connect=4.0),
            follow_redirects=False,
        )
        self._last = 0.0

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def scrubbed(self, text: str) -> str:
        """The text without our credentials, should a server repeat them."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def get(self, url: httpx.URL, parameters: Mapping[str, str]) -> Answer:
        """Fetch one page.

        Raises:
            SourceUnavailable: the server does not answer, or only with errors of its own.
            SourceError: it refuses, or what it answers is no page.
        """
        tries = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(_ATTEMPTS) | stop_after_delay(_PATIENCE_SECONDS),
            wait=_wait,
            reraise=True,
        )
        return tries(self._attempt, url, parameters)

    def _attempt(self, url: httpx.URL, parameters: Mapping[str, str]) -> Answer:
        for _ in range(_REDIRECTS + 1):
            self._pace()
            try:
                with self._http.stream("GET", url, params=parameters or None) as response:
                    if response.is_redirect:
                        url, parameters = self.same_place(response.headers["location"], url), {}
                        continue
                    body = self._read(response)
            except httpx.RequestError as error:
                raise _Again(self._does_not_answer(type(error).__name__)) from None
            self._check_status(response, body)
            return self._answer(response, body)
        raise SourceError(f"{self._named(url)} redirects in a circle: {ask(self._dataset)}")

    def _read(self, response: httpx.Response) -> bytes:
        began, held, size = time.monotonic(), [], 0
        for chunk in response.iter_bytes():
            held.append(chunk)
            size += len(chunk)
            if size > MAX_PAGE_BYTES:
                raise SourceError(
                    f"{self._named(response.url)} answers with a page of over "
                    f"{MAX_PAGE_BYTES >> 20} MiB: ask for smaller ones with rest.paging.size in "
                    f"{self._dataset.path}, or {ask(self._dataset)}"
                )
            if time.monotonic() - began > PAGE_SECONDS:
                raise _Again(self._does_not_answer(f"a page took over {PAGE_SECONDS:.0f} s"))
        return b"".join(held)

    def _check_status(self, response: httpx.Response, body: bytes) -> None:
        status, where = response.status_code, self._named(response.url)
        if status in (httpx.codes.OK, httpx.codes.NO_CONTENT):
            return
        if status in (408, 429) or status >= 500:
            after = _retry_after(response.headers.get("retry-after"))
            if after is not None and after > _PATIENCE_SECONDS:
                raise SourceUnavailable(
                    f"{where} asks to come back in {after:.0f} s ({status}): "
                    f"{ask(self._dataset)} if it stays so"
                )
            raise _Again(self._does_not_answer(f"status {status}"), after)
        if status in (401, 403):
            names = " and ".join(self._variables()) or "rest.auth in the contract"
            raise SourceError(
                f"{where} refuses the login ({status}): check {names}, or "
                f"{ask(self._dataset)} for new ones"
            )
        said = f"{where} answers with status {status} ({self._words(body)}): "
        kind = Gone if status in (400, 404, 410, 422) else SourceError
        raise kind(f"{said}{ask(self._dataset)}, or correct {self._dataset.path}")

    def _answer(self, response: httpx.Response, body: bytes) -> Answer:
        where = self._named(response.url)
        link = response.links.get("next", {}).get("url")
        following = str(self.same_place(link, response.url)) if link else None
        if self._is_bodiless(response, body):
            return Answer(b"", None, shown(response.url), following, bool(response.links))
        try:
            value = DECODER.decode(body.decode("utf-8-sig"))
        except json.JSONDecodeError as error:
            if body.lstrip()[:1] == b"<":
                kind = "with a page for people (HTML)"
                raise SourceError(
                    f"{where} answers {kind}, not JSON: {ask(self._dataset)}"
                ) from None
            if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
                raise _Again(self._does_not_answer("a page is cut off before its end")) from None
            raise SourceError(f"{where} answers no JSON ({error}): {ask(self._dataset)}") from None
        except (UnicodeError, Unreadable, ValueError, RecursionError) as error:
            said = self.scrubbed(str(error))[:_SAID]
            raise SourceError(f"{where} answers no JSON ({said}): {ask(self._dataset)}") from None
        return Answer(body, value, shown(response.url), following, bool(response.links))

    def _is_bodiless(self, response: httpx.Response, body: bytes) -> bool:
        """204 says that there is nothing; 200 with nothing may be a fault, and is asked again."""
        if response.status_code == httpx.codes.NO_CONTENT:
            return True
        if body.strip():
            return False
        if self._rest.paging.end is End.EMPTY_BODY:
            return True
        raise _Again(
            self._does_not_answer(
                f"status {response.status_code} without a body; if that is how it says that there"
                f" is nothing, say `end: empty_body` at rest.paging in {self._dataset.path}"
            )
        )

    def same_place(self, link: str, base: httpx.URL) -> httpx.URL:
        """Where a link leads; never to another host, which would learn our credentials.

        Raises:
            SourceError: it leads to another host.
        """
        found = base.join(link)
        if _origin(found) != _origin(self.location):
            raise SourceError(
                f"{self._named(base)} sends us to another place ({found.scheme}://{found.host}:"
                f"{found.port or 'default port'}), which would learn our credentials: "
                f"{ask(self._dataset)}, or correct `location` in {self._dataset.path}"
            )
        return found

    def _login(self) -> dict[str, str]:
        if self._rest.auth is Auth.NONE:
            return {}
        values = [credential(self._dataset, part) for part in _PARTS[self._rest.auth]]
        if any(not value.isprintable() for value in values):
            raise UserError(f"{', '.join(self._variables())}: allowed are printable characters")
        if self._rest.auth is Auth.BASIC:
            packed = base64.b64encode(":".join(values).encode()).decode()
            self._secrets = [values[1], packed]
            return {"Authorization": f"Basic {packed}"}
        self._secrets = values
        if self._rest.auth is Auth.BEARER:
            return {"Authorization": f"Bearer {values[0]}"}
        return {self._rest.api_key_header: values[0]}

    def _variables(self) -> list[str]:
        connection = (self._dataset.source.connection or "").upper()
        return [f"{connection}_{part}" for part in _PARTS.get(self._rest.auth, ())]

    def _pace(self) -> None:
        """No more requests than the department allows."""
        wait = self._last + 1 / self._rest.requests_per_second - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._last = time.monotonic()

    def _words(self, body: bytes) -> str:
        text = " ".join(body[: 4 * _SAID].decode("utf-8", "replace").split())
        return self.scrubbed(text)[:_SAID] or "no reason given"

    def _named(self, url: httpx.URL) -> str:
        return f"{self._dataset.id}: {shown(url)}"

    def _does_not_answer(self, why: str) -> str:
        return (
            f"{self._named(self.location)} does not answer ({why}): if it stays so, "
            f"{ask(self._dataset)} whether it is up"
        )


_PARTS = {Auth.BEARER: ("TOKEN",), Auth.BASIC: ("USER", "PASSWORD"), Auth.API_KEY: ("API_KEY",)}


def shown(url: httpx.URL) -> str:
    """An address without its parameters."""
    return f"{url.scheme}://{url.netloc.decode()}{url.path}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return (url.scheme, url.host, url.port)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.after_s is not None:
        return error.after_s
    return wait_random_exponential(multiplier=BACKOFF_SECONDS, max=8)(state)


def _retry_after(value: str | None) -> float | None:
    """Seconds, given as such or as a date (RFC 9110), which is GMT whatever zone it names or not.

    Returns:
        None for what is neither: the pace is then our own.
    """
    said = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    try:
        moment = email.utils.parsedate_to_datetime(said)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
