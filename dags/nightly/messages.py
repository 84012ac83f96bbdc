"""One alert as a message, and Airflow's notifiers that take it away."""

from __future__ import annotations

import html
import os
import smtplib
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowException

KINDS = ("smtp", "apprise")
"""Types of Airflow connections that alerts can go by."""
_TITLE_LENGTH = 120


class NotSent(Exception):
    """An alert is still here.

    Args:
        message: why, in one sentence.
        is_down: nothing can be sent by that connection now.
    """

    def __init__(self, message: str, *, is_down: bool) -> None:
        super().__init__(message)
        self.is_down = is_down


def send(connection: str, line: Mapping[str, Any], to: Sequence[str], key: str) -> None:
    """Send one alert.

    The notifiers are asked to `notify`, not called: a call would render what a source system wrote
    into the alert as a template.

    Args:
        connection: id of an Airflow connection.
        line: the alert.
        to: mail addresses.
        key: by which a mail program finds that two are one.

    Raises:
        NotSent: it was not.
    """
    kind = _kind(connection)
    try:
        if kind == "smtp":
            _mail(connection, line, to, key)
        else:
            _apprise(connection, line)
    except NotSent:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        refused = ", ".join(str(address) for address in error.recipients)
        raise NotSent(f"{connection}: the server refuses {refused}", is_down=False) from error
    except (OSError, ValueError, AirflowException, smtplib.SMTPException) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise NotSent(
            f"{connection} does not take alerts now: {said[:300]}", is_down=True
        ) from error


def title(line: Mapping[str, Any]) -> str:
    """The alert in one line; a mail's subject has no second one."""
    return f"CivicLake: {' '.join(str(line['alert']).split())}"[:_TITLE_LENGTH]


def parts(line: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an alert says, by heads."""
    owner, contact = line.get("owner") or "", line.get("contact") or ""
    owners = ", ".join(line["owners"]) if isinstance(line.get("owners"), list) else ""
    found = [
        ("What happened", line["alert"]),
        ("What to do", line.get("do") or "Look at the page Tonight in Airflow."),
        ("Dataset", line.get("dataset") or line.get("department") or ""),
        ("Owner", owners or (f"{owner} ({contact})" if contact else owner) or "the operators"),
        ("When", line.get("at") or ""),
    ]
    return [(head, str(said)) for head, said in found if said]


def _kind(connection: str) -> str:
    from airflow.sdk import Connection

    try:
        kind = str(Connection.get(connection).conn_type)
    except Exception as error:
        raise NotSent(
            f"there is no Airflow connection {connection!r} ({type(error).__name__}): make it under"
            " Admin > Connections",
            is_down=True,
        ) from error
    if kind not in KINDS:
        raise NotSent(
            f"Airflow connection {connection!r} is of type {kind!r}; alerts go by"
            f" {' or '.join(map(repr, KINDS))}",
            is_down=True,
        )
    return kind


def _mail(connection: str, line: Mapping[str, Any], to: Sequence[str], key: str) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    if not to:
        raise NotSent(
            f"{connection}: {line.get('owner') or 'the owner'} has no mail address in its contract"
            " and `[alerts] operators` names none",
            is_down=False,
        )
    rows = "".join(
        f"<p><b>{html.escape(head)}:</b> {html.escape(said)}</p>" for head, said in parts(line)
    )
    SmtpNotifier(
        smtp_conn_id=connection,
        from_email=os.environ.get("CIVICLAKE_ALERTS__SENDER") or None,
        to=list(to),
        subject=title(line),
        html_content=rows,
        custom_headers={"Message-ID": f"<{key}@civiclake>"},
    ).notify({})


def _apprise(connection: str, line: Mapping[str, Any]) -> None:
    """Airflow's own notifier passes over what Apprise answers: false, when nobody was told."""
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook

    hook = AppriseHook(connection)
    services = apprise.Apprise()
    hook.set_config_from_conn(hook.get_connection(connection), services)
    body = "\n".join(f"{head}: {said}" for head, said in parts(line))
    if not services.notify(body=body, title=title(line), notify_type=apprise.NotifyType.FAILURE):
        raise NotSent(f"{connection}: not all of its services took the alert", is_down=True)
