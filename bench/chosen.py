"""What a person chose for an option that takes several names."""

from __future__ import annotations

from collections.abc import Collection

from civiclake.errors import UserError


def among(what: str, said: str, known: Collection[str]) -> list[str]:
    """Names by commas, each of which must be known.

    Args:
        what: one of them, for the error.
        said: the option's text.
        known: the names that are allowed.

    Raises:
        UserError: one is not known.
    """
    names = [name for name in said.split(",") if name]
    for name in names:
        if name not in known:
            raise UserError(f"{name!r} is no {what}; allowed are {', '.join(known)}")
    return names
