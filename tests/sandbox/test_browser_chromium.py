"""The content browser as a browser has it: Debian's Chromium, driven by its own driver."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import pytest
from sandbox_caller import Caller, batch
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM: Final = shutil.which("chromium")
DRIVER: Final = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and not os.environ.get("CI"), reason="chromium and chromedriver are not installed"
)

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

CONTRASTS: Final = """
const channels = (color) => color.match(/[\\d.]+/g).map(Number);
const light = (color) => {
  const [r, g, b] = channels(color).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if ((channels(color)[3] ?? 1) === 1) return color;
  }
  return "rgb(255, 255, 255)";
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  const pair = [getComputedStyle(element).color, ground(element)].map(light).sort((a, b) => b - a);
  found.push([(pair[0] + 0.05) / (pair[1] + 0.05), walker.currentNode.data.trim()]);
}
return found;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Return one browser for all tests of this file."""
    assert CHROMIUM, "it is Debian's package chromium"
    assert DRIVER, "it is Debian's package chromium-driver"
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with Chrome(options=options, service=ChromeService(DRIVER)) as driver:
        driver.set_page_load_timeout(60)
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
        kayaks[3] |= {"ec_name": LONG, "ec_brand": LONG, "ec_images": [LONG], "hull": LONG}
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


def emulate(browser: Chrome, *, width: int, scheme: str) -> None:
    """Make the browser one of another device."""
    driver: Any = browser
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})


def evaluated(browser: Chrome, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the page says
    """Return what a script says in the page."""
    driver: Any = browser
    return driver.execute_script(script, *arguments)


def logged(browser: Chrome, kind: str) -> Sequence[dict[str, Any]]:
    """Return what was logged since the last time."""
    driver: Any = browser
    return cast("Sequence[dict[str, Any]]", driver.get_log(kind))


def complaints(browser: Chrome) -> list[str]:
    """Return what the console holds."""
    return [str(entry["message"]) for entry in logged(browser, "browser")]


def titles(browser: Chrome) -> list[str]:
    """Return the items in the list."""
    return [title.text for title in browser.find_elements(By.CSS_SELECTOR, ".card h3")]


def focused(browser: Chrome) -> str:
    """Return what has the focus: its name to a screen reader."""
    element = browser.switch_to.active_element
    return "" if element.tag_name == "body" else element.accessible_name


def press(browser: Chrome, *keys: str) -> None:
    """Press keys, wherever the focus is."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def tab_to(browser: Chrome, name: str) -> list[str]:
    """Go on with Tab to what has this name; returns what was on the way. Each must show that it has the focus."""
    outlined = """const e = document.activeElement;
        return [e, e.closest(".card") ?? e].some((one) => getComputedStyle(one).outlineStyle !== "none")"""
    passed = list[str]()
    while len(passed) < 100:
        press(browser, Keys.TAB)
        assert evaluated(browser, outlined), f"the focus on {focused(browser)} does not show"
        if focused(browser) == name:
            return passed
        passed.append(focused(browser))
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
    """What is chosen says so to a screen reader, and its own link takes it back."""
    opened.get(f"{coveo.sandbox.url}/?f.ec_color=Red")
    tab_to(opened, "Remove ec_color: Red")
    press(opened, Keys.ENTER)
    WebDriverWait(opened, 30).until(lambda driver: "f.ec_color" not in driver.current_url)
    assert opened.find_element(By.ID, "found").text == "1–24 of 30 items"  # noqa: RUF001 - as it is shown


def test_a_screen_reader_gets_names_landmarks_and_headings(opened: Chrome, coveo: Caller) -> None:
    """On every page each control has a name, no heading skips a level, and header and main are there once."""
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
    """No page has to be moved sideways, whatever its words; only tables do, inside a frame that keys reach."""
    emulate(opened, width=width, scheme="light")
    beyond = """return [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility()
        && !e.closest(".scroll table, pre, .hidden, .skip") && e.getBoundingClientRect().right > innerWidth + 1)
        .map((e) => e.outerHTML.slice(0, 90))"""
    for path in PATHS:
        opened.get(coveo.sandbox.url + path)
        assert evaluated(opened, "return document.documentElement.scrollWidth") <= width
        assert evaluated(opened, beyond) == []
        frames = opened.find_elements(By.CSS_SELECTOR, ".scroll")
        assert all(frame.get_attribute("tabindex") == "0" for frame in frames)


def test_filters_are_open_where_there_is_room(opened: Chrome) -> None:
    """On a desktop the filters show; on a phone a line opens them."""
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
        found = cast("list[tuple[float, str]]", evaluated(opened, CONTRASTS))
        assert len(found) > 10
        assert [(round(contrast, 2), words) for contrast, words in found if contrast < 4.5] == []


def test_dark_is_dark(opened: Chrome) -> None:
    """The page follows the colours that the reader prefers."""
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert evaluated(opened, ground) == "rgb(245, 246, 248)"
    emulate(opened, width=1280, scheme="dark")
    assert evaluated(opened, ground) == "rgb(16, 19, 24)"


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
    """Broken picture data, and what is no address, leave a note of the same size; others are seen."""
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
    assert badges == ["Changed by a person; before that: acme-tagger", "Enriched: acme-tagger, 90% sure"]
