"""One answer of a REST endpoint; a bearer's token stands in CIVICLAKE_NEW_TOKEN."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import FileFormat
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.formats.json_path import find
from civiclake.io.formats.json_values import DECODER, as_record
from civiclake.io.formats.table import from_records
from civiclake.io.reading.inspect import Unreadable
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.files import described
from civiclake.io.samples.records import no_records, path_to_records, without_envelope
from civiclake.io.samples.rest_paging import guess_paging, is_paging
from civiclake.io.sources.rest.client import shown

# The nightly client has such bounds too, but its patience and its sentences belong to a contract
# with an owner; here a person waits, and there is neither yet.
MAX_BYTES = 64 << 20
SECONDS = 60.0
_READ_SECONDS = 20.0
_SAID = 200
TOKEN = "CIVICLAKE_NEW_TOKEN"  # noqa: S105
_SECRETS = frozenset({
    "key", "apikey", "appkey", "token", "secret", "password", "passwd", "pwd", "auth",
    "authorization", "signature", "sig",
})  # fmt: skip


@dataclass(frozen=True)
class _Answer:
    value: Any
    linked: bool
    """Whether its ``Link`` header names a next page."""


def take(source: str, department: str, asked: Asked) -> Sample:
    """The records of one answer; how to go on to the next page is guessed from it.

    Raises:
        UserError: the address is incomplete, or holds what it should not.
        SourceUnavailable: the server does not answer.
        SourceError: it answers with something else than a list of records.
    """
    url = _address(source)
    parameters = dict(url.params.items())
    token = _token()
    answer = _Asking(url, token).answer()
    records, path = _records(answer.value, shown(url))
    paging, note = guess_paging(answer.value, len(records), answer.linked, parameters)
    seen = without_envelope(records[: asked.rows])
    header, found = _table(seen, shown(url))
    fixed = {name: value for name, value in parameters.items() if not is_paging(name)}
    omits = any(len(record) < len(header) for record in seen)
    rest = (
        ({"paging": paging} if paging else {})
        | ({"auth": "bearer"} if token else {})
        | ({"parameters": fixed} if fixed else {})
        | ({"omits_nulls": True} if omits else {})
    )
    taken = f"the list `{path}`" if path else "the list that the answer is"
    return Sample(
        header=header,
        rows=found,
        server={
            "server": "source",
            "type": "api",
            "location": f"${{{department.upper()}_API_URL}}{_raw_path(url)}",
        },
        loading={"load": "snapshot"}
        | ({"connection": f"{department}_api"} if token else {})
        | ({"records": path} if path else {})
        | ({"rest": rest} if rest else {}),
        origin=shown(url),
        physical_type="endpoint",
        notes=(f"the records are taken from {taken}", note),
        complete=not paging and len(found) == len(records),
    )


def _token() -> str:
    found = os.environ.get(TOKEN, "")
    if not found.isascii() or not found.isprintable():
        raise UserError(f"{TOKEN}: allowed are printable characters of ASCII")
    return found


def _raw_path(url: httpx.URL) -> str:
    """The path as it is sent, with its escapes."""
    return url.raw_path.decode("ascii").partition("?")[0]


def _address(source: str) -> httpx.URL:
    allowed = "allowed is an address such as https://host/path"
    try:
        url = httpx.URL(source)
    except httpx.InvalidURL:
        raise UserError(f"the address can't be read; {allowed}") from None
    if url.userinfo:
        raise UserError(
            f"a login in an address ends in the shell's history: put a token into {TOKEN}"
        )
    if not url.host:
        raise UserError(f"{shown(url)} names no endpoint; {allowed}")
    for name in url.params:
        if _is_secret(name):
            raise UserError(
                f"the parameter {name} looks like a credential, which would end in the shell's"
                f" history and in the contract: put a token into {TOKEN}"
            )
    return url.copy_with(fragment=None)


def _is_secret(name: str) -> bool:
    """Whether a parameter's name speaks of a credential; a page's token is none."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return not is_paging(name) and not _SECRETS.isdisjoint(re.split(r"[^a-z0-9]+|_", words))


@dataclass(frozen=True)
class _Asking:
    """One request, within bounds of time and size."""

    url: httpx.URL
    token: str

    def answer(self) -> _Answer:
        headers = {"Accept": "application/json", "User-Agent": "civiclake"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        timeout = httpx.Timeout(_READ_SECONDS, connect=4.0)
        # A redirect is not followed: it may lead to somebody else, who would learn the token.
        try:
            with (
                httpx.Client(headers=headers, timeout=timeout, follow_redirects=False) as client,
                client.stream("GET", self.url) as response,
            ):
                body = self._read(response)
        except httpx.RequestError as error:
            raise SourceUnavailable(
                f"{shown(self.url)} does not answer ({type(error).__name__})"
            ) from None
        self._check_status(response, body)
        return _Answer(self._value(body), "next" in response.links)

    def _read(self, response: httpx.Response) -> bytes:
        began, held, size = time.monotonic(), [], 0
        for chunk in response.iter_bytes():
            held.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise SourceError(
                    f"{shown(self.url)} answers with over {MAX_BYTES >> 20} MiB: ask for a smaller"
                    " page, such as with ?per_page=100"
                )
            if time.monotonic() - began > SECONDS:
                raise SourceUnavailable(
                    f"{shown(self.url)} does not answer (it took over {SECONDS:.0f} s)"
                )
        return b"".join(held)

    def _check_status(self, response: httpx.Response, body: bytes) -> None:
        status, where = response.status_code, shown(self.url)
        if status == httpx.codes.OK:
            return
        if response.is_redirect:
            target = self.url.join(response.headers.get("location", ""))
            raise SourceError(
                f"{where} redirects to {self._scrubbed(shown(target))} ({status}): ask for that"
                " address"
            )
        if status in (401, 403):
            said = "is right" if self.token else "is set"
            raise SourceError(f"{where} refuses the login ({status}): look whether {TOKEN} {said}")
        words = " ".join(body[: 4 * _SAID].decode("utf-8", "replace").split())
        said = self._scrubbed(words)[:_SAID] or "no reason given"
        if status in (408, 429) or status >= 500:
            raise SourceUnavailable(f"{where} does not answer (status {status}: {said})")
        raise SourceError(f"{where} answers with status {status} ({said})")

    def _value(self, body: bytes) -> Any:
        where = shown(self.url)
        if body.lstrip()[:1] == b"<":
            raise SourceError(f"{where} answers with a page for people (HTML) or XML, not JSON")
        try:
            return DECODER.decode(body.decode("utf-8-sig"))
        except (UnicodeError, Unreadable, ValueError, RecursionError) as error:
            said = self._scrubbed(str(error))[:_SAID]
            raise SourceError(f"{where} answers no JSON ({said})") from None

    def _scrubbed(self, text: str) -> str:
        """The text without the token, should a server repeat it."""
        return text.replace(self.token, "***") if self.token else text


def _records(value: Any, where: str) -> tuple[list[dict[str, Any]], str | None]:
    """The records, and the path in the answer to their list."""
    path = None if isinstance(value, list) else path_to_records(value)
    if path is None and not isinstance(value, list):
        raise SourceError(f"{where} {no_records(value)}")
    found = find(value, path)
    if not found:
        raise SourceError(
            f"{where} answers with no record, so nothing tells its columns: look at it when it"
            " holds some"
        )
    try:
        return [as_record(item, f"record {n}") for n, item in enumerate(found, start=1)], path
    except Unreadable as error:
        raise SourceError(f"{where} holds no list of records: {error}") from None


def _table(
    records: list[Mapping[str, Any]], where: str
) -> tuple[tuple[str, ...], tuple[tuple[str | None, ...], ...]]:
    """The records as rows of text, all as wide as the header."""
    table = from_records(iter(records), described(FileFormat.JSON))
    try:
        rows = list(table.rows)
    except Unreadable as error:
        raise SourceError(f"{where} can't be read: {error}") from None
    width = len(table.header)
    return tuple(table.header), tuple((*row, *[None] * (width - len(row))) for row in rows)
