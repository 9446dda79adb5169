"""The review page as a browser has it: Debian's Chromium, driven by its own driver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import attrs
import pytest
from chromium import complaints, contrasts, emulate, evaluated, logged, needs_chromium, press, running_chromium
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from coveo_enrich import EnrichedProduct
from coveo_enrich.classifiers import Failure
from coveo_enrich.enrichment import FieldChange, Observation, UnmappedValue, write_review
from coveo_enrich.enrichment.product import Conflict

pytestmark = needs_chromium

EVIL: Final = (
    "</script></style></title><script>window.owned=1</script>'\"><img src=x onerror=window.owned=2>\u202e\x00&amp;"
)
LONG: Final = "pictures/of/shop/" + "pictures" * 30 + ".jpg"
SEEN: Final = Observation("a.png", "amber", 0.876, "acme")
MOST_ON_A_PAGE: Final = 24


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Return one browser for all tests of this file."""
    with running_chromium() as driver:
        yield driver


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Callable[..., Chrome]:
    """Return a function that opens a page of some products, on a desktop and in light colours."""
    Image.new("RGB", (40, 20), "yellow").save(tmp_path / "a.png")

    def open_page(*products: EnrichedProduct, **options: Any) -> Chrome:  # noqa: ANN401 - of write_review
        path = write_review(tmp_path / "review.html", products, image_root=tmp_path, **options)
        emulate(browser, width=1280, scheme="light")
        logged(browser, "browser")
        logged(browser, "performance")
        browser.get(path.as_uri())
        return browser

    return open_page


def product(name: str, *, field: str = "ec_color", before: Any = None, sure: float | None = 0.9) -> EnrichedProduct:  # noqa: ANN401 - as FieldChange
    """Return a product with one change."""
    change = FieldChange(field, before, "Blue", sure, (SEEN,))
    return EnrichedProduct({"documentId": f"product://{name}", "ec_name": name}, (change,), images=("a.png",))


def one_of_each() -> tuple[EnrichedProduct, ...]:
    """Return a product of each kind, by whose names they are known."""
    against = (Conflict("ec_color", "Blue", (Observation("a.png", "teal", 0.8, "other"),)),)
    return (
        product("Sure"),
        product("Unsure", sure=0.35),
        product("Replaced", before="Red", sure=0.7),
        product("Unscored", field="material", sure=None),
        EnrichedProduct({"ec_name": "Contested"}, product("x").changes, conflicts=against, images=("a.png",)),
        EnrichedProduct({"ec_name": "Broken"}, failures=(Failure("transient", "its host is down", image="b.png"),)),
        EnrichedProduct({"ec_name": "Unmapped"}, unmapped=(UnmappedValue("material", SEEN),)),
        EnrichedProduct({"ec_name": "Full", "ec_color": "Red"}, kept=("ec_color",)),
        EnrichedProduct({"ec_name": "Café crème"}, images=("a.png",)),
    )


def names(browser: Chrome) -> list[str]:
    """Return the names of the products that are shown, in order."""
    script = """return [...document.querySelectorAll("h2")].filter((name) => name.checkVisibility()).map((name) =>
        name.textContent)"""
    return cast("list[str]", evaluated(browser, script))


def control(browser: Chrome, name: str) -> WebElement:
    """Return a control of the form."""
    return browser.find_element(By.NAME, name)


def choose_kind(browser: Chrome, kind: str) -> None:
    """Point at one of the kinds."""
    browser.find_element(By.CSS_SELECTOR, f"input[value='{kind}']").click()


def focused(browser: Chrome) -> str:
    """Return what has the focus, by name, else by text."""
    script = "const e = document.activeElement; return e === document.body ? '' : e.name || e.textContent"
    return cast("str", evaluated(browser, script))


def test_doubtful_products_come_first(opened: Callable[..., Chrome]) -> None:
    """What is contested comes first, then the least sure, and last what nothing happened to."""
    browser = opened(*one_of_each())
    assert names(browser) == [
        "Contested",
        "Unsure",
        "Unscored",
        "Broken",
        "Unmapped",
        "Replaced",
        "Sure",
        "Full",
        "Café crème",
    ]
    Select(control(browser, "order")).select_by_value("catalog")
    assert names(browser)[:3] == ["Sure", "Unsure", "Replaced"]
    assert complaints(browser) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("contested", ["Contested"]),
        ("changed", ["Replaced"]),
        ("filled", ["Contested", "Unsure", "Unscored", "Sure"]),
        ("unscored", ["Unscored"]),
        ("failed", ["Broken"]),
        ("unmapped", ["Unmapped"]),
        ("kept", ["Full"]),
        ("unchanged", ["Broken", "Unmapped", "Full", "Café crème"]),
    ],
)
def test_a_kind_shows_its_products(opened: Callable[..., Chrome], kind: str, expected: list[str]) -> None:
    """Each kind shows the products that are of it, as many as it says, and the status says how many."""
    browser = opened(*one_of_each())
    choose_kind(browser, kind)
    assert names(browser) == expected
    label = browser.find_element(By.CSS_SELECTOR, f"input[value='{kind}'] + span i").text
    assert label == str(len(expected))
    assert browser.find_element(By.CLASS_NAME, "status").text.split()[0] == str(len(expected))


def test_whatever_is_counted_is_found(opened: Callable[..., Chrome]) -> None:
    """Of a product with so many rows that some are left out, each kind, field and confidence still finds it."""
    strange = [UnmappedValue("brand", Observation("a.png", f"line {n}", 0.9, "acme")) for n in range(60)]
    strange[-1] = UnmappedValue("brand", Observation("a.png", "faint", 0.1, "acme"))
    many = EnrichedProduct(
        {"ec_name": "Many", "kept": "x"},
        tuple(FieldChange(f"f{n}", None, "v", 0.9, (SEEN,)) for n in range(35)),
        failures=(Failure("transient", "its host is down"),) * 40,
        unmapped=tuple(strange),
        kept=("kept",),
    )
    browser = opened(many, attrs.evolve(many, product={"ec_name": "None"}, changes=()))
    for chip in browser.find_elements(By.CLASS_NAME, "chip"):
        chip.click()
        assert browser.find_element(By.CLASS_NAME, "status").text.split()[0] == chip.text.split()[-1]
    choose_kind(browser, "")
    fields = Select(control(browser, "field"))
    for option in range(1, len(fields.options)):
        fields.select_by_index(option)
        assert "Many" in names(browser)
    fields.select_by_value("brand")
    choose_kind(browser, "unmapped")
    control(browser, "most").send_keys(Keys.HOME + Keys.ARROW_RIGHT * 2)
    assert names(browser) == ["Many", "None"]
    control(browser, "most").send_keys(Keys.ARROW_LEFT)
    assert names(browser) == []


def test_every_control_has_a_name(opened: Callable[..., Chrome]) -> None:
    """To a screen reader each control has a name: that of the words beside it."""
    browser = opened(*(product(f"n{number}") for number in range(60)), one_of_each()[4], most=50)
    controls = browser.find_elements(By.CSS_SELECTOR, "summary, input, select, button")
    assert [control.accessible_name for control in controls] == [
        "What was left out",
        "All 50",
        "Contested 1",
        "Filled 50",
        "Search",
        "Field",
        "Confidence ≤",
        "Order",
        "Clear",
        "Previous",
        "Next",
    ]


def test_filters_work_together_and_are_cleared(opened: Callable[..., Chrome]) -> None:
    """Field, confidence, kind and words narrow what is shown, by one row that has it all; one button undoes them."""
    browser = opened(*one_of_each())
    Select(control(browser, "field")).select_by_value("material")
    assert names(browser) == ["Unscored", "Unmapped"]
    Select(control(browser, "field")).select_by_value("ec_color")
    assert names(browser) == ["Contested", "Unsure", "Replaced", "Sure", "Full"]
    control(browser, "most").send_keys(Keys.ARROW_LEFT * 5)
    assert names(browser) == ["Unsure", "Replaced"]
    assert control(browser, "percent").text == "75%"
    choose_kind(browser, "filled")
    assert names(browser) == ["Unsure"]
    control(browser, "words").send_keys("nowhere")
    assert names(browser) == []
    assert browser.find_element(By.CLASS_NAME, "status").text == "No product matches."
    browser.find_element(By.CSS_SELECTOR, "[type=reset]").click()
    WebDriverWait(browser, 10).until(lambda driver: len(names(driver)) == 9)
    assert complaints(browser) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cafe CREME", ["Café crème"]),
        ("teal other", ["Contested"]),
        ("product://sure", ["Sure"]),
        ("host is down", ["Broken"]),
        ("b.png", ["Broken"]),
        (".*", []),
    ],
)
def test_words_are_searched_for_everywhere(opened: Callable[..., Chrome], words: str, expected: list[str]) -> None:
    """Names, ids, values, evidence, reasons and pictures are searched, without regard to case and accents."""
    browser = opened(*one_of_each())
    control(browser, "words").send_keys(words)
    assert names(browser) == expected


def test_a_long_list_has_pages(opened: Callable[..., Chrome]) -> None:
    """So many products at a time are shown; the next page begins at its top, and a filter at the first page."""
    browser = opened(*(product(f"n{number:02}") for number in range(MOST_ON_A_PAGE * 2 + 1)))
    back, forward = browser.find_elements(By.CSS_SELECTOR, "nav button")
    assert names(browser) == [f"n{number:02}" for number in range(MOST_ON_A_PAGE)]
    assert not back.is_enabled()
    forward.click()
    assert names(browser)[0] == f"n{MOST_ON_A_PAGE}"
    assert focused(browser) == f"{MOST_ON_A_PAGE * 2 + 1} products, page 2 of 3"
    assert evaluated(browser, "return document.querySelector('.status').getBoundingClientRect().top >= 0")
    forward.click()
    assert names(browser) == [f"n{MOST_ON_A_PAGE * 2}"]
    assert not forward.is_enabled()
    control(browser, "words").send_keys("n0")
    assert len(names(browser)) == 10
    assert not back.is_displayed()


def test_the_keyboard_reaches_everything_in_order_and_leaves(opened: Callable[..., Chrome]) -> None:
    """Tab goes through summary, kinds, search, field, confidence, order, clear and pages, each seen, and out again."""
    browser = opened(*(product(f"n{number}") for number in range(60)), most=50)
    outlined = """const e = document.activeElement;
        return getComputedStyle(e.type === "radio" ? e.nextElementSibling : e).outlineStyle !== "none" """
    order: list[str] = []
    press(browser, Keys.TAB)
    while where := focused(browser):
        order.append(where)
        assert evaluated(browser, outlined), f"the focus on {where} does not show"
        assert len(order) < 20, "the focus is trapped"
        press(browser, Keys.TAB)
    assert order == ["What was left out", "kind", "words", "field", "most", "order", "Clear", "Next"]


def test_keys_do_what_the_mouse_does(opened: Callable[..., Chrome]) -> None:
    """Arrows choose a kind, Enter does not send the form away, and no key does anything outside a control."""
    browser = opened(*one_of_each())
    address = browser.current_url
    press(browser, "/", "s", "?")
    assert focused(browser) == ""
    press(browser, Keys.TAB, Keys.ARROW_RIGHT)
    assert names(browser) == ["Contested"]
    press(browser, Keys.TAB, "a", "/", "b", Keys.ENTER)
    assert focused(browser) == "words"
    assert control(browser, "words").get_attribute("value") == "a/b"
    assert browser.current_url == address


def test_a_page_of_no_product_offers_nothing_to_filter(opened: Callable[..., Chrome]) -> None:
    """Where there is no product there are no controls, and nothing breaks."""
    browser = opened()
    assert browser.find_element(By.TAG_NAME, "body").text.splitlines() == [
        "Catalog enrichment",
        "This run gave no product.",
    ]
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [360, 320, 768])
def test_a_phone_needs_no_scrolling_sideways(opened: Callable[..., Chrome], width: int) -> None:
    """On a narrow screen nothing is wider than it, neither long names nor addresses, and texts are not tiny."""
    observation = Observation(LONG, LONG, 0.5, LONG)
    change = FieldChange("ec_color", LONG, (LONG, LONG), 0.5, (observation,))
    long = EnrichedProduct(
        {"documentId": LONG, "ec_name": LONG},
        (change,),
        failures=(Failure("permanent", LONG, image=LONG),),
        images=(LONG, "a.png", "b.png", "c.png", "d.png"),
    )
    browser = opened(long, *one_of_each(), title=LONG, most=8)
    emulate(browser, width=width, scheme="light")
    browser.find_element(By.TAG_NAME, "summary").click()
    assert evaluated(browser, "return document.documentElement.scrollWidth") <= width
    beyond = """return [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility()
        && !e.matches("legend") && e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 90))"""
    assert evaluated(browser, beyond) == []
    large_enough = """return [...document.querySelectorAll("input:not([type=radio]), select, button, .chip")]
        .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 24).length"""
    assert evaluated(browser, large_enough) == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_product_of_many_rows_takes_the_whole_width(opened: Callable[..., Chrome], width: int) -> None:
    """Its rows stand in columns where there is room, so it is no tower beside a hole; nothing is beyond the screen."""
    changes = tuple(FieldChange(f"f{number}", None, "v", 0.1, (SEEN,)) for number in range(40))
    browser = opened(EnrichedProduct({"ec_name": "Many"}, changes), *one_of_each())
    emulate(browser, width=width, scheme="light")
    script = """const wide = (e) => e.getBoundingClientRect().width;
        const first = document.querySelector("article");
        const columns = new Set([...first.querySelectorAll(".row")].map((e) => e.getBoundingClientRect().left)).size;
        return [wide(first) / wide(document.querySelector("main")), columns, document.documentElement.scrollWidth]"""
    Select(control(browser, "order")).select_by_value("catalog")
    share, columns, scrolled = cast("list[float]", evaluated(browser, script))
    assert share == 1
    assert (columns > 1) == (width > 500)
    assert scrolled <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(opened: Callable[..., Chrome], scheme: str) -> None:
    """WCAG AA: each text has a contrast of 4.5 to 1 to what is behind it, in light and dark colours."""
    browser = opened(*one_of_each(), *(product(str(number)) for number in range(30)), most=30)
    emulate(browser, width=1280, scheme=scheme)
    browser.find_element(By.TAG_NAME, "summary").click()
    found = contrasts(browser)
    assert len(found) > 100
    assert [(round(contrast, 2), words) for contrast, words in found if contrast < 4.5] == []


def test_dark_is_dark_and_paper_is_white(opened: Callable[..., Chrome]) -> None:
    """The page follows the colours that the reader prefers on a screen, and never prints a dark ground."""
    browser = opened(*one_of_each())
    ground = "return getComputedStyle(document.querySelector('article')).backgroundColor"
    assert evaluated(browser, ground) == "rgb(255, 255, 255)"
    emulate(browser, width=1280, scheme="dark")
    assert evaluated(browser, ground) == "rgb(28, 31, 35)"
    emulate(browser, width=1280, scheme="dark", media="print")
    assert evaluated(browser, ground) == "rgb(255, 255, 255)"


def test_the_chosen_kind_shows_in_forced_colors(opened: Callable[..., Chrome]) -> None:
    """Where the system takes the page's colours away, as for high contrast, the chosen kind still stands out."""
    browser: Any = opened(*one_of_each())
    features = [{"name": "forced-colors", "value": "active"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
    browser.refresh()
    script = "return [...document.querySelectorAll('.chip span')].map((e) => getComputedStyle(e).color)"
    chosen, *others = evaluated(browser, script)
    assert chosen not in others


def test_all_that_matches_is_printed(opened: Callable[..., Chrome]) -> None:
    """On paper stand the products of all pages that match the filter, without the controls."""
    browser = opened(*(product(f"n{number}") for number in range(40)), *one_of_each())
    choose_kind(browser, "filled")
    emulate(browser, width=1280, scheme="light", media="print")
    assert len(names(browser)) == 44
    assert not browser.find_element(By.TAG_NAME, "form").is_displayed()


def test_nothing_is_asked_of_anybody(opened: Callable[..., Chrome]) -> None:
    """While it is opened and used, the browser asks for the file and for what is inside, and complains of nothing."""
    browser = opened(*one_of_each(), EnrichedProduct({"clickableuri": "https://shop.example/1"}, images=("b.png",)))
    choose_kind(browser, "filled")
    control(browser, "words").send_keys("x")
    messages = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert asked[0] == browser.current_url
    assert {url.partition(":")[0] for url in asked[1:]} == {"data"}
    assert complaints(browser) == []
    assert evaluated(browser, "return [...document.images].every((one) => one.complete && one.naturalWidth > 0)")


def test_hostile_texts_are_texts(opened: Callable[..., Chrome]) -> None:
    """Whatever stands in a catalog is shown and searched as text: nothing of it runs, and filters by it work."""
    observation = Observation(EVIL, EVIL, 0.5, EVIL)
    evil = EnrichedProduct(
        {"documentId": EVIL, "ec_name": EVIL, EVIL: EVIL},
        (FieldChange(EVIL, EVIL, EVIL, 0.5, (observation,)),),
        failures=(Failure("permanent", EVIL, image=EVIL, classifier=EVIL),),
        unmapped=(UnmappedValue("ec_color", observation),),
        kept=(EVIL,),
        images=(EVIL, "a.png"),
    )
    browser = opened(evil, product("Sure"), title=EVIL)
    assert names(browser)[0].startswith("</script></style></title><script>window.owned=1</script>'\"><img")
    Select(control(browser, "field")).select_by_index(1)
    assert len(names(browser)) == 1
    control(browser, "words").send_keys("</script><img src=x onerror=window.owned=3>".replace("<img", "'\"><img"))
    assert len(evaluated(browser, "return [...document.scripts]")) == 1
    assert len(evaluated(browser, "return [...document.images]")) == 2
    assert evaluated(browser, "return window.owned === undefined")
    assert complaints(browser) == []


def test_the_policy_stops_what_escaping_would_have_missed(opened: Callable[..., Chrome]) -> None:
    """An element that came in nevertheless neither runs, nor styles, nor asks for anything."""
    browser = opened(product("Sure"))
    evaluated(
        browser,
        """window.stopped = [];
        document.addEventListener("securitypolicyviolation", (event) => window.stopped.push(event.effectiveDirective));
        document.body.insertAdjacentHTML("beforeend",
            '<img src="https://shop.example/x.png" onerror="window.owned = 1"><p style="color: red">x</p>');
        const script = document.createElement("script");
        script.textContent = "window.owned = 2";
        document.body.append(script);""",
    )
    expected = {"img-src", "script-src-attr", "script-src-elem", "style-src-attr"}
    WebDriverWait(browser, 10).until(lambda driver: set(evaluated(driver, "return window.stopped")) >= expected)
    assert evaluated(browser, "return window.owned === undefined")
