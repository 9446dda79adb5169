"""The content browser as a browser has it: Debian's Chromium, driven by its own driver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest
from chromium import complaints, contrasts, emulate, evaluated, logged, needs_chromium, press, running_chromium
from sandbox_caller import Caller, batch
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = needs_chromium

PICTURE: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
EVIL: Final = "</title></bdi><script>window.owned=1</script>'\"><img src=x onerror=window.owned=2>\u202e&amp;"
LONG: Final = "catalog/of/the/shop/" + "pictures" * 30
PROVENANCE: Final = json.dumps(
    {
        "ec_color": {"by": ["acme-tagger"], "confidence": 0.9, "values": ["6f0ee72e4636"]},
        "ec_brand": {"by": ["acme-tagger"], "confidence": None, "values": ["000000000000"]},
    }
)
PATHS: Final = (
    "/",
    "/?f.ec_color=Blue&f.ec_category=Boats&q=heron",
    "/?q=heron&aq=%40ec_price%3E",
    "/?q=nowhere",
    "/browse/item?id=product%3A%2F%2F1",
    "/browse/item?id=none",
    "/browse/dropped",
    "/browse/dropped?reason=there+is+no+field+of+that+name&key=hull",
    "/browse/streams",
    "/browse/logs",
    "/browse/fields",
    "/browse/mappings",
    "/browse/sources",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Return one browser for all tests of this file."""
    with running_chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def coveo() -> Iterator[Caller]:
    """A sandbox with a catalog of thirty kayaks, one of them enriched and one of evil words; no test changes it."""
    with Caller.running() as running:
        running.sandbox.create_field("told")
        running.sandbox.create_field("note", facet=True)
        kayaks = [kayak(number) for number in range(30)]
        kayaks[1] |= {"told": PROVENANCE, "ec_color": ["yellow"]}
        kayaks[2] |= {"ec_name": EVIL, "ec_brand": EVIL, "note": EVIL, "clickableuri": "javascript:alert(1)", EVIL: 1}
        kayaks[3] |= {
            "ec_name": LONG,
            "ec_brand": LONG,
            "ec_images": [LONG],
            "hull": LONG,
            "ec_description": "x" * 9_000,
        }
        kayaks[4] |= {"ec_images": ["data:image/png;base64,AAAA"]}
        running.load(batch(*kayaks, {"documentId": "none"}))
        running.update(addOrUpdate=[kayak(0), {"documentId": EVIL}, {"documentId": LONG}])
        running.open()
        rule = {"field": "note", "content": ["%[hull]", EVIL, LONG]}
        source = running.sandbox.connection["source_id"]
        rules = f"{running.organization_path}/sources/{source}/mappings/common/rules"
        running.post(rules, json=rule).raise_for_status()
        yield running


def kayak(number: int) -> dict[str, Any]:
    """Return a product."""
    return {
        "documentId": f"product://{number}",
        "objecttype": "Product",
        "ec_name": f"Heron {number:02}",
        "ec_brand": "Acme",
        "ec_color": ["Blue", "Red"] if number % 2 else ["Blue"],
        "ec_category": ["Boats", "Boats|Kayaks"],
        "ec_images": [PICTURE],
        "ec_price": 500.0 + number,
        "hull": "flat",
    }


@pytest.fixture
def opened(browser: Chrome, coveo: Caller) -> Chrome:
    """Return the browser with the first page, on a desktop and in light colours."""
    emulate(browser, width=1280, scheme="light")
    for kind in ("browser", "performance"):
        logged(browser, kind)
    browser.get(coveo.sandbox.url)
    return browser


def titles(browser: Chrome) -> list[str]:
    """Return the items in the list."""
    return [title.text for title in browser.find_elements(By.CSS_SELECTOR, ".card h3")]


def focused(browser: Chrome) -> str:
    """Return what has the focus: its name to a screen reader."""
    element = browser.switch_to.active_element
    return "" if element.tag_name == "body" else element.accessible_name


def tab_to(browser: Chrome, name: str) -> list[str]:
    """Go on with Tab to what has this name; returns what was on the way. Each must show that it has the focus."""
    outlined = """const e = document.activeElement;
        return [e, e.closest(".card") ?? e].some((one) => getComputedStyle(one).outlineStyle !== "none")"""
    passed = list[str]()
    while len(passed) < 100:
        press(browser, Keys.TAB)
        assert evaluated(browser, outlined), f"the focus on {focused(browser)} does not show"
        here = focused(browser)
        if here == name:
            return passed
        passed.append(here)
    raise AssertionError(f"{name} was not reached, but {passed}")


def test_the_keyboard_alone_finds_narrows_and_opens(opened: Chrome) -> None:
    """Tab and Enter lead past the navigation to a search, a filter and an item, and the focus is always seen."""
    assert tab_to(opened, "Skip to the content") == []
    press(opened, Keys.ENTER)
    assert tab_to(opened, "Keywords") == []
    press(opened, "heron", Keys.ENTER)
    WebDriverWait(opened, 30).until(lambda driver: "q=heron" in driver.current_url)
    passed = tab_to(opened, "Red 13 items")
    assert {"Keywords", "Expression", "Search", "How to write an expression", "Boats 28 items"} <= {*passed}
    press(opened, Keys.ENTER)
    WebDriverWait(opened, 30).until(lambda driver: "f.ec_color=Red" in driver.current_url)
    assert opened.find_element(By.ID, "found").text == "13 items"
    tab_to(opened, "Heron 05")
    press(opened, Keys.ENTER)
    WebDriverWait(opened, 30).until(lambda driver: driver.find_element(By.TAG_NAME, "h1").text == "Heron 05")
    assert opened.find_element(By.LINK_TEXT, "All items").is_displayed()


def test_a_filter_can_be_taken_back_by_key(opened: Chrome, coveo: Caller) -> None:
    """A chosen filter says so to a screen reader, and its own link takes it back."""
    opened.get(f"{coveo.sandbox.url}/?f.ec_color=Red")
    tab_to(opened, "Remove ec_color: Red")
    press(opened, Keys.ENTER)
    WebDriverWait(opened, 30).until(lambda driver: "f.ec_color" not in driver.current_url)
    assert opened.find_element(By.ID, "found").text == "1–24 of 30 items"  # noqa: RUF001 - as it is shown


def test_keys_go_on_where_a_filter_was_chosen(opened: Chrome) -> None:
    """After a value is chosen by key, Tab goes on at its facet, and one link leads past all facets to the results."""
    tab_to(opened, "Blue 29 items")
    press(opened, Keys.ENTER)
    WebDriverWait(opened, 30).until(lambda driver: "f.ec_color=Blue" in driver.current_url)
    assert tab_to(opened, "Red 14 items") == ["ec_color", "Blue 29 items"]
    opened.find_element(By.ID, "aq").click()
    assert tab_to(opened, "Skip to the results") == ["Search", "How to write an expression"]
    press(opened, Keys.ENTER)
    assert tab_to(opened, "Heron 00") == ["Clear all", "Remove ec_color: Blue"]


def test_a_phone_has_one_line_of_tabs(opened: Chrome, coveo: Caller) -> None:
    """At 320 pixels the tabs are one line, in which keys reach all; the current one is in sight."""
    emulate(opened, width=320, scheme="light")
    for path in ("/", "/browse/mappings"):
        opened.get(coveo.sandbox.url + path)
        tops = "return [...document.querySelectorAll('.tabs a')].map((tab) => tab.getBoundingClientRect().top)"
        assert len({*evaluated(opened, tops)}) == 1
        place = "const box = document.querySelector('.tabs [aria-current]').getBoundingClientRect();"
        assert evaluated(opened, f"{place} return box.left >= 0 && box.right <= innerWidth")


def test_a_phone_shows_reasons_without_moving_a_table(opened: Chrome, coveo: Caller) -> None:
    """At 320 pixels logs, drops and what an item lost are cards as wide as the screen, the reason first."""
    emulate(opened, width=320, scheme="light")
    reasons = {
        "/browse/logs": ".reason",
        "/browse/dropped": "th",
        "/browse/item?id=product%3A%2F%2F3": "td.first",
    }
    for path, reason in reasons.items():
        opened.get(coveo.sandbox.url + path)
        frames = "return [...document.querySelectorAll('.scroll:has(.stacked)')]"
        assert evaluated(opened, f"{frames}.length") > 0
        assert evaluated(opened, f"{frames}.every((frame) => frame.scrollWidth <= frame.clientWidth)")
        cell = opened.find_element(By.CSS_SELECTOR, f".stacked tbody {reason}")
        above = """const top = arguments[0].getBoundingClientRect().top;
            return [...arguments[0].closest("tr").querySelectorAll("td:not(.first)")]
                .every((other) => other.getBoundingClientRect().top > top)"""
        assert evaluated(opened, above, cell)


def test_long_names_and_values_take_little_room(opened: Chrome, coveo: Caller) -> None:
    """At 320 pixels a name has three lines at most, a value of a facet two, and a long value is folded."""
    emulate(opened, width=320, scheme="light")
    height = "return arguments[0].getBoundingClientRect().height"
    lines = """const style = getComputedStyle(arguments[0]);
        return arguments[0].getBoundingClientRect().height / parseFloat(style.lineHeight)"""
    opened.get(f"{coveo.sandbox.url}/browse/item?id=product%3A%2F%2F3")
    assert round(evaluated(opened, lines, opened.find_element(By.TAG_NAME, "h1"))) == 3
    folded = opened.find_element(By.CSS_SELECTOR, ".long")
    assert evaluated(opened, height, folded) < 400
    folded.find_element(By.TAG_NAME, "summary").click()
    assert evaluated(opened, height, folded) > 2_000
    opened.get(f"{coveo.sandbox.url}/?f.ec_brand={LONG}")
    opened.find_element(By.CSS_SELECTOR, ".all > summary").click()
    value = opened.find_element(By.CSS_SELECTOR, "#facet-ec_brand [aria-current] .text")
    assert round(evaluated(opened, lines, value)) == 2


def test_a_screen_reader_gets_names_landmarks_and_headings(opened: Chrome, coveo: Caller) -> None:
    """On each page each control has a name, no heading skips a level, and header and main are there once."""
    skips = """let level = 0;
        return [...document.querySelectorAll("h1, h2, h3, h4")].filter((heading) => {
            const skipped = +heading.tagName[1] > level + 1;
            level = +heading.tagName[1];
            return skipped; }).map((heading) => heading.textContent)"""
    seen = """return [...document.querySelectorAll("a, button, summary, input, [tabindex='0']")]
        .filter((control) => control.checkVisibility())"""
    for path in PATHS:
        opened.get(coveo.sandbox.url + path)
        controls = cast("list[WebElement]", evaluated(opened, seen))
        assert len(controls) > 3
        assert [one.get_attribute("outerHTML") for one in controls if not one.accessible_name.strip()] == []
        pictures = opened.find_elements(By.CSS_SELECTOR, "img, [role=img]")
        assert all(one.accessible_name for one in pictures)
        assert evaluated(opened, skips) == []
        assert [len(opened.find_elements(By.TAG_NAME, tag)) for tag in ("h1", "main", "header")] == [1, 1, 1]
        ids = cast("list[str]", evaluated(opened, "return [...document.querySelectorAll('[id]')].map((e) => e.id)"))
        assert len(ids) == len({*ids})
        current = opened.find_elements(By.CSS_SELECTOR, ".tabs [aria-current=page]")
        assert len(current) == (0 if path == "/browse/sources" else 1)


def test_a_mistake_is_told_to_a_screen_reader(opened: Chrome, coveo: Caller) -> None:
    """A wrong expression is an alert, and belongs to its box."""
    opened.get(f"{coveo.sandbox.url}/?aq=%40ec_price%3E")
    box = opened.find_element(By.ID, "aq")
    alert = opened.find_element(By.ID, box.get_attribute("aria-describedby") or "")
    assert alert.aria_role == "alert"
    assert alert.text == "The expression cannot be read: a value is missing, at character 11."


@pytest.mark.parametrize("width", [1280, 360, 320])
def test_nothing_is_wider_than_the_screen(opened: Chrome, coveo: Caller, width: int) -> None:
    """No page has to be moved sideways, whatever its words; only tables and tabs do, in a frame that keys reach."""
    emulate(opened, width=width, scheme="light")
    beyond = """return [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility()
        && !e.closest(".scroll table, pre, .hidden, .skip, .tabs ul")
        && e.getBoundingClientRect().right > innerWidth + 1)
        .map((e) => e.outerHTML.slice(0, 90))"""
    for path in PATHS:
        opened.get(coveo.sandbox.url + path)
        assert evaluated(opened, "return document.documentElement.scrollWidth") <= width
        assert evaluated(opened, beyond) == []
        frames = opened.find_elements(By.CSS_SELECTOR, ".scroll")
        assert all(frame.get_attribute("tabindex") == "0" for frame in frames)


def test_filters_are_open_where_there_is_room(opened: Chrome) -> None:
    """Filters show on a desktop; on a phone a line opens them."""
    filters = opened.find_element(By.CSS_SELECTOR, ".facet h3")
    seen = "return arguments[0].checkVisibility()"
    assert evaluated(opened, seen, filters)
    emulate(opened, width=360, scheme="light")
    assert not evaluated(opened, seen, filters)
    opened.find_element(By.CSS_SELECTOR, ".all > summary").click()
    assert evaluated(opened, seen, filters)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(opened: Chrome, coveo: Caller, scheme: str) -> None:
    """WCAG AA: each text has a contrast of 4.5 to 1 to what is behind it, on every page, in light and dark colours."""
    emulate(opened, width=1280, scheme=scheme)
    for path in PATHS:
        opened.get(coveo.sandbox.url + path)
        for summary in opened.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
            evaluated(opened, "arguments[0].parentElement.open = true", summary)
        found = contrasts(opened)
        assert len(found) > 10
        assert [(round(contrast, 2), words) for contrast, words in found if contrast < 4.5] == []


def test_dark_is_dark(opened: Chrome) -> None:
    """The page follows the colours that the reader prefers."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert evaluated(opened, ground) == "rgb(245, 246, 248)"
    emulate(opened, width=1280, scheme="dark")
    assert evaluated(opened, ground) == "rgb(16, 19, 24)"


def test_on_paper_it_is_light_and_whole(opened: Chrome, coveo: Caller) -> None:
    """Printed pages are light whatever colours the reader prefers, their tables fit the sheet, and no page is empty."""
    emulate(opened, width=700, scheme="dark", media="print")
    hidden = """return [...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth + 1
        || getComputedStyle(e).overflowX !== "visible").map((e) => e.outerHTML.slice(0, 90))"""
    for path in PATHS:
        opened.get(coveo.sandbox.url + path)
        assert evaluated(opened, "return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert evaluated(opened, "return document.documentElement.scrollWidth") <= 700
        assert evaluated(opened, hidden) == []
        found = contrasts(opened)
        assert len(found) > 2
        assert [words for contrast, words in found if contrast < 4.5] == []


def test_hostile_words_are_words(opened: Chrome, coveo: Caller) -> None:
    """Whatever stands in a catalog is shown as text on every page: nothing of it runs, and nothing becomes a link."""
    opened.get(f"{coveo.sandbox.url}/?q=owned")
    assert titles(opened)[0].startswith("</title></bdi><script>window.owned=1</script>'\"><img src=x")
    opened.get(f"{coveo.sandbox.url}/browse/item?id=product%3A%2F%2F2")
    assert "javascript:alert(1)" in opened.find_element(By.TAG_NAME, "main").text
    for path in (*PATHS, "/browse/item?id=product%3A%2F%2F2", "/?q=owned&f.note=x", "/?more=note"):
        opened.get(coveo.sandbox.url + path)
        assert evaluated(opened, "return document.scripts.length") == 0
        assert evaluated(opened, "return window.owned === undefined")
        schemes = "return [...new Set([...document.links].map((link) => link.protocol))]"
        assert evaluated(opened, schemes) == ["http:"]


def test_nothing_is_asked_of_anybody_else(opened: Chrome, coveo: Caller) -> None:
    """On every page the browser asks for the page and its style, and the console stays empty."""
    for path in PATHS:
        opened.get(coveo.sandbox.url + path)
    messages = [json.loads(entry["message"])["message"] for entry in logged(opened, "performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert len(asked) > len(PATHS)
    assert [url for url in asked if not url.startswith((f"{coveo.sandbox.url}/", "data:"))] == []
    unknown = "none"  # its page says that the item is not in the index; it is no error
    assert [line for line in complaints(opened) if f"id={unknown}" not in line] == []


def test_a_picture_that_does_not_come_leaves_a_note(opened: Chrome, coveo: Caller) -> None:
    """Broken picture data, and what is no address, leave a note of a picture's size; other pictures are seen."""
    opened.get(f"{coveo.sandbox.url}/?aq=%40ec_price%3C%3D504")
    heights = (
        "return [...document.querySelectorAll('.picture')].map((e) => Math.round(e.getBoundingClientRect().height))"
    )
    assert len(evaluated(opened, heights)) == 5
    assert len({*evaluated(opened, heights)}) == 1
    broken = next(one for one in opened.find_elements(By.TAG_NAME, "img") if one.get_attribute("alt") == "Heron 04")
    note = "return getComputedStyle(arguments[0], '::after').content"
    assert evaluated(opened, note, broken) == '"The picture did not come"'
    assert evaluated(opened, "return arguments[0].naturalWidth", broken) == 0
    seen = next(one for one in opened.find_elements(By.TAG_NAME, "img") if one.get_attribute("alt") == "Heron 00")
    assert evaluated(opened, "return arguments[0].naturalWidth", seen) == 1


def test_the_policy_stops_what_escaping_would_have_missed(opened: Chrome) -> None:
    """An element that came in nevertheless neither runs, nor styles, nor sends anything away."""
    evaluated(
        opened,
        """window.stopped = [];
        document.addEventListener("securitypolicyviolation", (event) => window.stopped.push(event.effectiveDirective));
        document.body.insertAdjacentHTML("beforeend",
            '<img src="data:," onerror="window.owned = 1"><p style="color: red">x</p>' +
            '<form action="https://shop.example/" id="away"></form><iframe src="https://shop.example/"></iframe>');
        const script = document.createElement("script");
        script.textContent = "window.owned = 2";
        document.body.append(script);
        document.getElementById("away").submit();""",
    )
    expected = {"script-src-attr", "script-src-elem", "style-src-attr", "form-action", "frame-src"}
    WebDriverWait(opened, 10).until(lambda driver: set(evaluated(driver, "return window.stopped")) >= expected)
    assert evaluated(opened, "return window.owned === undefined")


def test_what_is_enriched_can_be_heard(opened: Chrome, coveo: Caller) -> None:
    """The mark of an enriched value says in words who saw it and how sure."""
    opened.get(f"{coveo.sandbox.url}/?aq=%40told")
    (mark,) = opened.find_elements(By.CSS_SELECTOR, ".card .spark")
    assert mark.text == "enriched: acme-tagger, 90% sure"
    opened.get(f"{coveo.sandbox.url}/browse/item?id=product%3A%2F%2F1")
    badges = [badge.text for badge in opened.find_elements(By.CSS_SELECTOR, "tr .badge")]
    assert badges == ["Differs from what was written: acme-tagger", "Enriched: acme-tagger, 90% sure"]
