"""The page that an operator opens first, in a real browser, inside the running Airflow UI."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from brief_looks import look
from browser import ENTER, TAB, Browser, chromium
from e2e_city import City

from civiclake.local import airflow
from civiclake.pipeline.brief.write import put
from demo.city.truth import Truth

FRAME = "iframe[title=Tonight]"
VISITS = "details[id='health.visits']"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that knows nobody's login yet."""
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        found.size(1500, 1000)
        yield found


@pytest.fixture(scope="module")
def operator(city: City, second_night: Truth, browser: Browser) -> Browser:
    """An operator who logged in through the form and clicked on Tonight."""
    url = airflow.url(city.settings)
    browser.open(f"{url}/tonight/")
    browser.type("input[name=username]", airflow.USER)
    browser.type("input[name=password]", airflow.password(city.settings))
    browser.click("button[type=submit]")
    browser.wait(lambda: browser.url == f"{url}/tonight/", "the page after the login")
    browser.open(url)
    browser.click("a[href$='/plugin/tonight']")
    browser.look_into(FRAME)
    browser.element("h1")
    return browser


def cells(browser: Browser, dataset: str) -> list[str]:
    """What a dataset's row reads, cell by cell."""
    script = (
        "return [...document.querySelectorAll(`details[id='${arguments[0]}'] > summary > span`)]"
        ".map(cell => cell.innerText)"
    )
    return list(browser.run(script, dataset))


def number(cell: str) -> int:
    """A cell's number, below its label."""
    return int(cell.split()[-1].replace(",", ""))


def test_every_department_and_dataset_shows_with_its_numbers(
    city: City, operator: Browser, second_night: Truth, tmp_path: Path
) -> None:
    departments = operator.text(".departments")
    assert all(name.replace("_", " ") in departments for name in city.departments)
    for dataset in second_night.datasets:
        wanted = city.numbers(dataset, second_night.night)
        state, name, age, read, merged, aside, verdict, run, _ = cells(operator, dataset)
        assert dataset.partition(".")[2].replace("_", " ") in name
        assert state.split()[-1] in ("aside", "delivered")
        assert "ago, in time" in age
        served = wanted["inserted"] + wanted["updated"] + wanted["unchanged"]
        found = [number(cell) for cell in (read, merged, aside)]
        assert found == [wanted["read"], served, wanted["quarantined"]], dataset
        assert "passed" in verdict
        assert "log" in run
    assert operator.screenshot(tmp_path / "tonight.png").stat().st_size > 20_000
    assert operator.complaints() == []


def test_a_click_shows_why_rows_were_set_aside(
    city: City, operator: Browser, second_night: Truth
) -> None:
    hidden = f'return document.querySelector("{VISITS} .details").checkVisibility()'
    assert operator.run(hidden) is False
    operator.click(f"{VISITS} > summary > .state")
    told = operator.text(f"{VISITS} .details")
    reasons = city.numbers("health.visits", second_night.night)["reasons"]
    assert len(reasons) > 5
    lines = [line.split() for line in told.splitlines()]
    for name, rows in reasons.items():
        assert any(x[0] == name and x[-1] == str(rows) for x in lines if len(x) > 1), (name, told)


def test_it_can_be_worked_by_keyboard(operator: Browser) -> None:
    operator.run("document.querySelector(\"details[id='transport.stops'] > summary\").focus()")
    operator.press(ENTER)
    assert operator.run("return document.getElementById('transport.stops').open") is True
    operator.press(TAB)
    assert operator.run("return document.activeElement.closest('details').id") == "transport.stops"
    assert operator.run("return document.activeElement.tagName") == "A"


def test_it_can_be_read_on_a_phone(operator: Browser) -> None:
    operator.look_into(None)
    operator.open(operator.url.partition("/plugin")[0] + "/tonight/")
    operator.size(500, 900)
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert operator.run(wide) <= 0
    assert "Set aside" in operator.text(f"{VISITS} > summary")
    operator.size(1500, 1000)


def test_links_lead_to_the_data_docs_and_to_the_log(operator: Browser) -> None:
    root = operator.url.partition("/tonight")[0]
    operator.open(f"{root}/plugin/tonight")
    operator.look_into(FRAME)
    operator.click(f"{VISITS} > summary a[href^='docs/']")
    assert "Expectation" in operator.text("body")
    operator.look_into(None)
    operator.open(f"{root}/plugin/tonight")
    operator.look_into(FRAME)
    operator.click(f"{VISITS} > summary a[target=_top]")
    operator.look_into(None)
    operator.wait(lambda: "/tasks/visits.load" in operator.url, "the task's page")
    assert operator.url.startswith(f"{root}/dags/health/runs/")
    operator.wait(
        lambda: "civiclake load health.visits" in operator.text("body"), "the log in the UI"
    )


def test_the_brief_is_read_from_disk_and_behind_the_login(city: City, operator: Browser) -> None:
    brief = importlib.import_module("tests.unit.pipeline.brief_sample").brief()
    index = put(city.settings.brief_dir, brief)[0]
    charts = sum(part.chart is not None for part in brief.sheets[0].parts)
    operator.look_into(None)
    root = f"{airflow.url(city.settings)}/tonight/brief"
    for address in (index.with_name("transit.html").as_uri(), f"{root}/transit.html"):
        look(operator, address, charts)
    look(operator, f"{root}/index.html", 0)
    operator.click("a[href='department-health.html']")
    operator.wait(lambda: operator.url.endswith("/department-health.html"), "the department")
    assert "code:sex" in operator.text("main")
    look(operator, operator.url, 0)


def test_who_is_not_logged_in_is_led_to_the_login(city: City, operator: Browser) -> None:
    operator.call("DELETE", "/cookie")
    operator.open(f"{airflow.url(city.settings)}/tonight/")
    operator.element("input[name=password]")
    assert "/auth/login" in operator.url
    assert "visits" not in operator.text("body")
