"""One round of the nightly work: every engine in turn, repeat by repeat, results compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import results, same, verdict
from bench.peer import Peer
from bench.product import Product
from bench.results import Cost
from bench.taps import generate, shape
from bench.work import Contender, ContenderFailed, Work
from civiclake.cli.console import say
from civiclake.engine.session import connect
from civiclake.settings import Settings

INITIAL, CHANGES, BIG = "initial", "changes", "big"


@dataclass(frozen=True)
class Sizes:
    """How much work it is."""

    rows: int
    changes: int
    big_rows: int
    runs: int
    middling: Sequence[int] = ()
    """Of first loads that are neither small nor large."""


@dataclass
class Round:
    """What is measured, who is measured, and what came of it."""

    settings: Settings
    """Of the installation whose engine reads all results."""
    data: Path
    sizes: Sizes
    product: Product
    peers: Sequence[Peer]
    former: Sequence[Product] = ()
    """Other versions, each with engines of its own."""
    failed: list[str] = field(default_factory=list)
    """Sentences on engines that could not do a work."""

    def costs(self) -> Iterator[Cost]:
        """Do all works; the median of each engine's repeats."""
        rows, changes = self.sizes.rows, self.sizes.changes
        for few in self.sizes.middling:
            yield from self._middling(few)
        first = Work(f"initial load of {rows:,} rows", INITIAL, "initial", shape.INITIAL, rows)
        yield from self._do(first, rows)
        plain = Work(
            f"the same {rows:,} rows cast and written, unchecked", "plain", "initial_plain",
            shape.INITIAL, rows,
        )  # fmt: skip
        yield from self._do(plain, rows)
        night = f"{changes:,} changes into {{:,}} rows"
        title = night.format(rows)
        yield from self._changes(Work(title, CHANGES, "changes", shape.CHANGES, changes, INITIAL))
        yield from verdict.costs(self.product, CHANGES, changes, self.sizes.runs)
        if self.sizes.big_rows > rows:
            self._make_big()
            title = night.format(self.sizes.big_rows)
            yield from self._changes(Work(title, "night", "changes", shape.BIG, changes, BIG))
        yield from self._floor(rows, changes)

    def _middling(self, rows: int) -> Iterator[Cost]:
        delivery = generate.first(rows)
        checked = Work(f"first load of {rows:,} rows", delivery, "initial", delivery, rows)
        yield from self._do(checked, rows)
        title = f"the same {rows:,} rows cast and written, unchecked"
        plain = Work(title, f"plain-{rows}", "initial_plain", delivery, rows)
        yield from self._do(plain, rows)

    def _changes(self, work: Work) -> list[Cost]:
        return self._do(work, generate.expected(self.data, work.delivery).rows_after)

    def _floor(self, rows: int, changes: int) -> Iterator[Cost]:
        """What no engine can go below."""
        parse = Work(f"gunzip and parse {rows:,} rows", "parse", "parse", shape.INITIAL, rows)
        yield from self._do(parse, None)
        title = f"read {changes:,} changes and write them as Parquet"
        yield from self._do(Work(title, "write", "write", shape.CHANGES, changes), None)

    def _do(self, work: Work, rows: int | None) -> list[Cost]:
        """One work by all who can do it, in turn; checked where ``rows`` says what must be."""
        contenders: list[Contender] = [self.product, *self.former, *self.peers]
        able = [c for c in contenders if work.kind in c.kinds and c.can_start(work)]
        costs: dict[str, list[Cost]] = defaultdict(list)
        for number in range(1, self.sizes.runs + 1):
            # Another one begins each time: nobody is always first after somebody else.
            turn = able[number % len(able) :] + able[: number % len(able)] if able else []
            for contender in turn:
                cost = self._once(contender, work, number)
                if cost is None:
                    able.remove(contender)
                    costs.pop(contender.name, None)
                else:
                    costs[contender.name].append(cost)
        if rows is not None:
            self._check(work, able, rows)
        return [results.median(found) for found in costs.values()]

    def _once(self, contender: Contender, work: Work, number: int) -> Cost | None:
        who = f"{work.title}: {contender.name}, run {number} of {self.sizes.runs}"
        say(who)
        try:
            cost = contender.run(work, number)
        except ContenderFailed as error:
            self.failed.append(f"{who} failed: {error}")
            say(self.failed[-1])
            return None
        say(
            f"  {cost.wall_seconds} s, CPU {cost.cpu_seconds} s, peak {cost.peak_mb} MB,"
            f" {cost.bytes_written / 1e6:.1f} MB written"
        )
        return cost

    def _check(self, work: Work, able: Sequence[Contender], rows: int) -> None:
        expected = None
        if work.kind == "changes":
            expected = generate.expected(self.data, work.delivery)
        spark = connect(self.settings)
        try:
            has_mart = work.kind != "initial_plain"
            found = {c.name: same.look(spark, c.outcome(work), with_mart=has_mart) for c in able}
        finally:
            spark.stop()
        same.compare(found, expected, rows)
        if found:
            say(f"{work.title}: {len(found)} results are equal ({', '.join(found)})")

    def _make_big(self) -> None:
        """The large table, once for the product and once plain, linked for every peer."""
        wanted = self.sizes.big_rows
        say(f"extending the table to {wanted:,} rows by shifted keys")
        served = self.product.extend(BIG, INITIAL, self.sizes.rows, wanted)
        plain = self.data.parent / "plain"
        spark = connect(self.settings)
        try:
            spark.sql(
                f"CREATE TABLE delta.`{plain}` USING DELTA"
                " TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')"
                f" AS SELECT {', '.join(shape.COLUMNS)} FROM delta.`{served}`"
            ).collect()
            for peer in self.peers:
                if not peer.has(INITIAL):
                    continue
                taps = peer.start_from(BIG, INITIAL, plain)
                if peer.wants_deletion_vectors:
                    spark.sql(
                        f"ALTER TABLE delta.`{taps}`"
                        " SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
                    ).collect()
        finally:
            spark.stop()
