"""Chance that can be asked again: any record can be made alone, and always the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from math import gcd
from typing import TypeVar

_T = TypeVar("_T")


def numbers(*seed: object) -> int:
    """192 bits that depend on nothing but the seed."""
    text = ":".join(map(str, seed)).encode()
    return int.from_bytes(blake2b(text, digest_size=24).digest(), "big")


class Draw:
    """A purse of chance, spent draw by draw.

    Args:
        seed: what the draws depend on.
    """

    __slots__ = ("_left",)

    def __init__(self, *seed: object) -> None:
        self._left = numbers(*seed)

    def below(self, limit: int) -> int:
        """A number from 0 up to, not including, the limit."""
        self._left, found = divmod(self._left, limit)
        return found

    def between(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return low + self.below(high - low + 1)

    def one_of(self, choices: Sequence[_T]) -> _T:
        """One of the choices, each as likely as the next."""
        return choices[self.below(len(choices))]

    def happens(self, percent: int) -> bool:
        """Whether something comes true that does so in so many of a hundred cases."""
        return self.below(100) < percent


def shuffled(seed: int, word: str, index: int, size: int) -> int:
    """Another place for each place below ``size``: no two places share one."""
    start, step = _stride(seed, word, size)
    return (start + index * step) % size


@cache
def _stride(seed: int, word: str, size: int) -> tuple[int, int]:
    """Where to start and how far to go: a step without common factor meets every place."""
    left, start = divmod(numbers(seed, word), size)
    step = 1 + left % size
    while gcd(step, size) != 1:
        step += 1
    return start, step
