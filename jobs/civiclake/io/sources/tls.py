"""TLS to a database, as its contract demands it."""

from __future__ import annotations

import ssl
from pathlib import Path

from civiclake.contracts.model import Dataset, TlsMode
from civiclake.errors import UserError
from civiclake.io.landing.delivery import expand

_LIBPQ = {
    TlsMode.REQUIRED: "require",
    TlsMode.VERIFY_CA: "verify-ca",
    TlsMode.VERIFY_IDENTITY: "verify-full",
}


def tls_context(dataset: Dataset) -> ssl.SSLContext | None:
    """What Python's TLS must verify; None when the contract demands nothing.

    A context of our own: by its own words the driver would look at no name where no file of
    authorities is given.

    Raises:
        UserError: the authorities' file is missing, or holds no certificate.
    """
    demanded = dataset.source.tls
    if demanded is None:
        return None
    ca = authorities(dataset)
    try:
        context = ssl.create_default_context(cafile=ca)
    except (ssl.SSLError, OSError) as error:
        raise UserError(
            f"{dataset.path}: {ca}, the `tls.ca` of {dataset.id}, holds no certificate (PEM)"
            f" that can be read: {error}"
        ) from None
    context.check_hostname = demanded.mode is TlsMode.VERIFY_IDENTITY
    if demanded.mode is TlsMode.REQUIRED:
        context.verify_mode = ssl.CERT_NONE
    return context


def libpq_words(dataset: Dataset) -> dict[str, str]:
    """The same for PostgreSQL's library; empty when the contract demands nothing."""
    demanded = dataset.source.tls
    if demanded is None:
        return {}
    words = {"sslmode": _LIBPQ[demanded.mode]}
    if demanded.mode is not TlsMode.REQUIRED:
        words["sslrootcert"] = authorities(dataset) or "system"
    return words


def authorities(dataset: Dataset) -> str | None:
    """The file of the authorities that the contract believes; None: those of this machine.

    Raises:
        UserError: it is not there.
    """
    said = dataset.source.tls.ca if dataset.source.tls else None
    if said is None:
        return None
    path = expand(dataset, "tls.ca", said)
    if not Path(path).is_file():
        raise UserError(f"{dataset.path}: there is no file {path}, the `tls.ca` of {dataset.id}")
    return path


def reason(error: ssl.SSLError) -> str:
    """Why a server was not believed, in few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be believed: {error.verify_message.rstrip('.')}"
    return f"{error.reason or type(error).__name__}".replace("_", " ").lower()
