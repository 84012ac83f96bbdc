"""A plan in words: its headline, and what it found."""

from __future__ import annotations

from civiclake.pipeline.plans.answer import Answer
from civiclake.pipeline.plans.kinds import By, Solve
from civiclake.pipeline.plans.reach import Unit, shown

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def headline(answer: Answer) -> tuple[str, str]:
    """Two lines: what is built, and what it does."""
    asked, count = answer.asked, len(answer.chosen)
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    first = f"{asked.kind.title}: {number.lower()} new"
    before, after = answer.before, answer.after
    way = f"{asked.within} ({_way(answer)})"
    second = (
        f"{after.within:,.0f} of {after.people:,.0f} people ({after.share:.1%}) are within {way},"
        f" {before.within:,.0f} ({before.share:.1%}) before; {quality(answer)}"
    )
    return first, second


def _way(answer: Answer) -> str:
    asked = answer.asked
    if asked.within.unit is Unit.METRES:
        return "over the roads"
    return "on foot" if asked.by is By.FOOT else "by car"


def quality(answer: Answer) -> str:
    """How good the plan is, by what the solver proves."""
    model = {
        Solve.P_MEDIAN: "least sum of ways",
        Solve.MAXIMAL_COVERING: "most people within reach",
        Solve.SET_COVERING: "fewest sites for all that can be reached",
        Solve.P_CENTER: "least way for whoever has it worst",
    }[answer.asked.solve]
    proof = "proven" if answer.bound_gap == 0 else f"up to {answer.bound_gap:.1%} better may exist"
    return f"{model}, {proof}"


def way_shown(answer: Answer, way: float | None) -> str:
    """A way of a plan, in its unit; nothing where there is none."""
    return "" if way is None or way != way else shown(way, answer.asked.within.unit)


Table = tuple[list[str], list[list[object]]]


def compared(answer: Answer) -> Table:
    """Before and after, figure by figure."""
    asked, ways = answer.asked, (answer.before, answer.after)
    return ["", "before", "after"], [
        [f"people within {asked.within}", *(f"{w.within:,.0f} ({w.share:.1%})" for w in ways)],
        ["mean way", *(way_shown(answer, w.mean) for w in ways)],
        ["longest way", *(way_shown(answer, w.worst) for w in ways)],
        ["people without a way", *(f"{w.cut_off:,.0f}" for w in ways)],
    ]


def site_rows(answer: Answer) -> Table:
    """The new sites by number."""
    rows: list[list[object]] = [
        [
            number, site["id"], site["district"], f"{site['latitude']:.6f}",
            f"{site['longitude']:.6f}", round(site["people"]), round(site["gains"]),
            None if site["stop_m"] != site["stop_m"] else shown(site["stop_m"], Unit.METRES),
        ]
        for number, (_, site) in enumerate(answer.chosen.iterrows(), 1)
    ]  # fmt: skip
    return [
        "",
        "site",
        "district",
        "latitude",
        "longitude",
        "people served",
        "gain",
        "to a stop",
    ], rows


def who_gains(answer: Answer) -> Table:
    """Districts, those where most people gain first; and all whose ways change at all."""
    order = answer.districts.sort_values(["gains", "closer"], ascending=False, kind="stable")
    rows: list[list[object]] = [
        [
            code, row["name"], round(row["people"]), round(row["within_before"]),
            round(row["within_after"]), round(row["gains"]), round(row["closer"]),
            way_shown(answer, row["mean_before"]), way_shown(answer, row["mean_after"]),
        ]
        for code, row in order.iterrows()
    ]  # fmt: skip
    heads = ["district", "name", "people", "within before", "within after", "gain", "closer",
             "mean before", "mean after"]  # fmt: skip
    return heads, rows
