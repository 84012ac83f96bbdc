"""What is linked, as plain data: the fields that say who, and how two profiles are compared.

A profile is one set of identifying values as some record holds them; equal records share
one. Conditions and rules are SQL of the backend, over the two profiles ``l`` and ``r``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Derived = dict[str, str | None]
"""Comparable values of a profile by name, such as ``given`` or ``birth``."""

VERIFIED = "verified"
"""Derived value that every subject has: the identifier, where its check digit is right."""


@dataclass(frozen=True)
class Level:
    """One degree of agreement."""

    condition: str
    m: float
    """How often true pairs agree to this degree, until training has said better."""
    u: float
    """How often pairs of different ones do."""


@dataclass(frozen=True)
class Comparison:
    """The degrees of agreement of one piece of evidence, best first, and what is no evidence."""

    name: str
    missing: str
    """Condition under which the two can't be compared."""
    levels: tuple[Level, ...]
    """The last one's condition is ``ELSE``."""
    fixed: bool = False
    """Whether ``u`` is known: a sample of pairs can't tell how seldom unique values agree."""


@dataclass(frozen=True)
class Subject:
    """A kind of thing that departments keep records of."""

    name: str
    fields: tuple[str, ...]
    """The identifying values of a profile, as the records hold them."""
    derive: Callable[[Mapping[str, str | None]], Derived]
    """Makes comparable values of them; the names are :attr:`derived`."""
    derived: tuple[str, ...]
    names: tuple[str, ...]
    """Derived values that profiles with one verified identifier share at least one of; where
    all differ, one of the two goes by somebody else's identifier."""
    attributes: Callable[[Mapping[str, Any]], dict[str, str | None]]
    """What may be known of a profile beyond this layer, made of its derived values."""
    comparisons: tuple[Comparison, ...]
    blocking: tuple[tuple[str, ...], ...]
    """Expressions whose equality makes two profiles worth comparing; ``{}`` is the side."""
    certain: tuple[tuple[str, ...], ...]
    """The same for rules under which two profiles are as good as surely one."""
    training: tuple[tuple[str, ...], ...]
    """Blocks in which Expectation Maximisation finds the degrees of the other values."""
