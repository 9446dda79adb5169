"""The content browser over real sockets: what each page says, where it leads, and that looking changes nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_reader import Page, parameters_of
from sandbox_caller import Caller, batch, untimed

from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.browser.texts import python_text

PAGES = (
    "/",
    "/browse/item",
    "/browse/dropped",
    "/browse/streams",
    "/browse/logs",
    "/browse/fields",
    "/browse/mappings",
    "/browse/sources",
)
KAYAKS = (
    {"ec_name": "Heron", "ec_brand": "Acme", "ec_color": ["Red", "Blue"], "ec_category": ["Boats", "Boats|Kayaks"]},
    {"ec_name": "Gull", "ec_brand": "Acme", "ec_color": ["Blue"], "ec_category": ["Boats", "Boats|Kayaks"]},
    {"ec_name": "Duck", "ec_brand": "Pond", "ec_color": ["Green"], "ec_category": ["Boats", "Boats|Canoes"]},
    {"ec_name": "Vest", "ec_brand": "Pond", "ec_color": ["Red"], "ec_category": ["Clothes"]},
)


def item(number: int, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever an item says
    """Return an item."""
    return {"documentId": f"product://{number}", "objecttype": "Product", **said}


@pytest.fixture(scope="module")
def kayaks() -> Iterator[Caller]:
    """A sandbox with four products, which no test changes."""
    with Caller.running() as coveo:
        coveo.load(batch(*(item(number, **said) for number, said in enumerate(KAYAKS))))
        yield coveo


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """An empty sandbox."""
    with Caller.running() as running:
        yield running


def look(coveo: Caller, path: str = "/", **parameters: str) -> Page:
    """Open a page."""
    return Page(coveo.http.get(path, params=parameters or None))


def test_every_source_is_listed_with_what_it_holds(coveo: Caller) -> None:
    """The list shows each source with its items, drops, streams and fields of its organization; no key."""
    coveo.load(batch({"documentId": "product://1", "no_such_field": 1}, {"documentId": "product://2"}))
    coveo.open()
    number_of_fields = len(coveo.post(f"{coveo.organization_path}/indexes/fields/search", json={}).json()["items"])
    answer, there = coveo.http.get("/browse/sources"), coveo.sandbox.connection
    page = Page(answer)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.texts("th", scope="row") == [there["source_id"]]
    assert page.texts("td") == [there["organization_id"], "2", "1", "2", "1", str(number_of_fields)]
    assert there["api_key"] not in answer.text


def test_every_page_is_quiet_and_strict(kayaks: Caller) -> None:
    """No page has a script or style in it; its headers forbid them, and to keep, frame or name the page elsewhere."""
    for path in (*PAGES, "/browse/style.css", "/?source=nowhere", "/browse/item?id=product://0"):
        answer = kayaks.http.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "http: https: data:",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }
        kept = [answer.headers[name] for name in ("Cache-Control", "X-Content-Type-Options", "Referrer-Policy")]
        assert kept == ["no-store", "nosniff", "no-referrer"]
        page = Page(answer)
        assert not {"script", "style", "iframe", "object", "base"} & page.tags
        assert not [given for _, given in page.elements if "style" in given or any(n.startswith("on") for n in given)]
        assert kayaks.sandbox.connection["api_key"] not in answer.text
        assert kayaks.http.post(path).status_code == 405


def test_an_empty_sandbox_says_how_to_push(coveo: Caller) -> None:
    """Where there is no source yet, the page shows what a client is told, under the name it was called by; no key."""
    answer = coveo.http.get("/", headers={"Host": "localhost:8011"})
    there = coveo.sandbox.connection
    shown = dict(zip(Page(answer).texts("dt"), Page(answer).texts("dd"), strict=True))
    assert shown["COVEO_ORGANIZATION_ID"] == there["organization_id"]
    assert shown["COVEO_SOURCE_ID"] == there["source_id"]
    assert shown["COVEO_API_URL"] == shown["COVEO_PLATFORM_URL"] == "http://localhost:8011"
    assert there["api_key"] not in answer.text


def test_a_source_without_items_says_how_to_push_there(coveo: Caller) -> None:
    """A source whose only stream is open is empty: its page says why, and how to push there."""
    coveo.open()
    page = look(coveo)
    assert "A stream is open: what is in it is indexed when it is closed." in page.text
    assert "How to push" in page.texts("h2")


def test_a_host_of_nonsense_is_text() -> None:
    """Whatever `Host` a request names to a sandbox that other machines reach is shown as text."""
    with pytest.warns(RuntimeWarning, match="no protection"):
        sandbox = CoveoSandbox(host="0.0.0.0")  # noqa: S104 - on purpose
    with sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        for host in ('"><script>alert(1)</script>', "[", "a b", ":::", "", "sandbox.example:8011"):
            answer = http.get("/", headers={"Host": host})
            assert answer.status_code == 200
            assert "script" not in Page(answer).tags


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil", "", "[", "10.0.0.1"]
)
def test_a_page_of_the_web_that_leads_here_reads_nothing(kayaks: Caller, host: str) -> None:
    """Pages refuse a `Host` that somebody made a name of this machine; calls of the API do not."""
    for path in (*PAGES, "/browse/style.css"):
        answer = kayaks.http.get(path, headers={"Host": host})
        assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/plain; charset=utf-8")
        assert answer.text == "The pages of this sandbox are at localhost or 127.0.0.1 only.\n"
    container = kayaks.http.post(kayaks.files_path, headers={**kayaks.headers, "Host": host})
    assert container.status_code == 201


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8011", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8011"])
def test_this_machine_has_several_names(kayaks: Caller, host: str) -> None:
    """Pages answer to each usual name of this machine, with any port."""
    assert len(Page(kayaks.http.get("/", headers={"Host": host})).titles) == 4


def test_one_of_several_sources_is_chosen() -> None:
    """With several sources the first page asks for one; each link leads to its own; an unknown one is not found."""
    with Caller.running(restricted=False) as coveo:
        for organization, source in (("one", "red"), ("two", "red"), ("two", "blue")):
            push(coveo, organization, source, item(1, ec_name=f"{organization} {source}"))
        asked = look(coveo)
        assert asked.texts("h1") == ["Sources"]
        assert asked.texts("th", scope="row") == ["red", "blue", "red"]
        for row, name in enumerate(("one red", "two blue", "two red")):
            address = [given["href"] for given in asked.attributes("a") if given["href"].startswith("/?")][row]
            page = Page(coveo.http.get(address))
            assert page.titles == [name]
            assert page.links()["Change"] == "/browse/sources"
        assert look(coveo, organization="one").titles == ["one red"]
        assert look(coveo, source="red").texts("h1") == ["Sources"]
        assert look(coveo, organization="one", source="blue").status == 404


@pytest.mark.parametrize("path", ["/browse", "/browse/", "/browse/zzz", "/browse/zzz/<b>", "/browse/item/"])
def test_an_address_of_no_page_is_told_on_a_page(kayaks: Caller, path: str) -> None:
    """Below /browse, what is no page is answered with one that leads back; other wrong addresses get Coveo's JSON."""
    answer = kayaks.http.get(path)
    page = Page(answer)
    assert (page.status, page.texts("h1")) == (404, ["Not found"])
    assert "There is no such page in this sandbox." in page.text
    assert len(Page(kayaks.http.get(page.links()["All sources"])).texts("h1")) == 1
    assert kayaks.http.post(path).headers["Content-Type"] == "application/json"
    assert kayaks.http.get("/rest/nothing").json() == {"message": "Not Found"}


def test_looking_changes_nothing(coveo: Caller) -> None:
    """Pages about sources, items and pages that there are not make none, and those of one leave it as it is."""
    coveo.load(batch(item(1), {"documentId": "none"}))
    before = (coveo.http.get("/browse/sources").text, coveo.sandbox.items(), coveo.sandbox.dropped())
    for path in PAGES:
        for parameters in ({}, {"source": "other"}, {"organization": "other"}, {"id": "product://9", "page": "7"}):
            assert coveo.http.get(path, params=parameters).status_code in (200, 404)
    assert (coveo.http.get("/browse/sources").text, coveo.sandbox.items(), coveo.sandbox.dropped()) == before


def push(coveo: Caller, organization: str, source: str, *items: object) -> None:
    """Load a source of any organization."""
    stream = f"/push/v1/organizations/{organization}/sources/{source}/stream"
    opened = coveo.post(f"{stream}/open").raise_for_status().json()
    coveo.upload(opened, batch(*items)).raise_for_status()
    coveo.post(f"{stream}/{opened['streamId']}/close").raise_for_status()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["Heron", "Gull", "Duck", "Vest"]),
        ({"q": "gull"}, ["Gull"]),
        ({"q": "blue"}, ["Heron", "Gull"]),
        ({"aq": '@ec_brand=="pond"'}, ["Duck", "Vest"]),
        ({"q": "red", "aq": '@ec_brand=="Pond"'}, ["Vest"]),
        ({"q": "NOT red"}, ["Gull", "Duck"]),
        ({"f.ec_color": "Red"}, ["Heron", "Vest"]),
        ({"f.ec_color": "red", "q": "heron"}, ["Heron"]),
        ({"f.ec_category": "Boats|Kayaks"}, ["Heron", "Gull"]),
        ({"f.nothing": "x"}, []),
        ({"q": "nowhere"}, []),
    ],
)
def test_words_expressions_and_facets_narrow_the_list(
    kayaks: Caller, asked: dict[str, str], expected: list[str]
) -> None:
    """What is in the two boxes and what is chosen is found together, and the boxes keep what was asked."""
    page = look(kayaks, **asked)
    assert sorted(page.titles) == sorted(expected)
    assert page.texts("h2")[-1] == f"{len(expected)} item{'' if len(expected) == 1 else 's'}"
    boxes = {given.get("id"): given["value"] for given in page.attributes("input") if "id" in given}
    assert boxes == {"q": asked.get("q", ""), "aq": asked.get("aq", "")}


def test_values_of_a_field_widen_and_fields_narrow(kayaks: Caller) -> None:
    """Several values of one field find items with any of them, several fields those with one of each."""
    address = "/?f.ec_color=Green&f.ec_color=Red"
    assert sorted(Page(kayaks.http.get(address)).titles) == ["Duck", "Heron", "Vest"]
    assert sorted(Page(kayaks.http.get(f"{address}&f.ec_brand=Pond")).titles) == ["Duck", "Vest"]


def test_links_choose_values_and_take_them_back(kayaks: Caller) -> None:
    """The link of a value adds it, then takes it back, and so does the one above the list."""
    page = look(kayaks, q="boats")
    assert page.facets == ["ec_category", "ec_brand", "ec_color", "objecttype"]
    red = Page(kayaks.http.get(page.link_to("Red 1 item")))
    assert red.titles == ["Heron"]
    chosen = [given["href"] for given in red.attributes("a") if given.get("aria-current") == "true"]
    assert parameters_of(chosen[0]).get("f.ec_color") is None
    both = Page(kayaks.http.get(red.link_to("Green 1 item")))
    assert sorted(both.titles) == ["Duck", "Heron"]
    left = Page(kayaks.http.get(both.link_to("Remove ec_color: Red")))
    assert left.titles == ["Duck"]
    assert parameters_of(left.link_to("Clear all")).keys() == {"organization", "source"}


def test_a_hierarchy_opens_level_by_level(kayaks: Caller) -> None:
    """The next level shows under a chosen value, and takes its place when it is chosen."""
    page = look(kayaks)
    assert not [text for text in page.links() if text.startswith("Kayaks")]
    boats = Page(kayaks.http.get(page.link_to("Boats 3 items")))
    kayaks_only = Page(kayaks.http.get(boats.link_to("Kayaks 2 items")))
    assert sorted(kayaks_only.titles) == ["Gull", "Heron"]
    assert "Remove ec_category: Boats › Kayaks ×" in kayaks_only.links()  # noqa: RUF001 - as it is shown
    assert sorted(Page(kayaks.http.get(kayaks_only.link_to("Canoes 1 item"))).titles) == ["Duck", "Gull", "Heron"]


def test_facets_count_as_the_search_api_does(kayaks: Caller) -> None:
    """For whatever is chosen and searched for, each value has the number that Coveo's own facets have."""
    for chosen in ({}, {"ec_color": "Red"}, {"ec_color": "Blue", "ec_brand": "Acme"}):
        facets = [
            {"field": name, "currentValues": [{"value": chosen[name], "state": "selected"}] if name in chosen else []}
            for name in ("ec_brand", "ec_color")
        ]
        for words in ("", "boats"):
            answer = kayaks.post("/rest/search/v2", json={"q": words, "facets": facets}).json()
            page = look(kayaks, q=words, **{f"f.{name}": value for name, value in chosen.items()})
            for value in (value for facet in answer["facets"] for value in facet["values"]):
                assert page.link_to(f"{value['value']} {value['numberOfResults']} item")
            assert page.texts("h2")[-1].split()[0] == str(answer["totalCount"])


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ("aq", "The expression cannot be read: a value is missing, at character 11."),
        ("q", "The keywords cannot be read"),
    ],
)
def test_a_wrong_query_is_a_message_beside_its_box(kayaks: Caller, box: str, problem: str) -> None:
    """A wrong query is told beside its box; both boxes and the filters keep, no item is shown, and a link drops it."""
    other = "q" if box == "aq" else "aq"
    page = look(kayaks, **{box: "@ec_price>", other: "acme", "f.ec_color": "Blue"})
    (message,) = page.texts("p", role="alert")
    assert message.startswith(problem)
    boxes = {given.get("id"): given for given in page.attributes("input") if "id" in given}
    assert boxes[box]["aria-invalid"] == "true"
    assert boxes[box]["aria-describedby"] == f"{box}-problem"
    assert [boxes[box]["value"], boxes[other]["value"]] == ["@ec_price>", "acme"]
    assert "aria-invalid" not in boxes[other]
    assert (page.status, page.titles, page.texts("h2")[-1]) == (200, [], "Not searched")
    red = parameters_of(page.link_to("Red 1 item"))
    assert (red[box], red[other]) == ("@ec_price>", "acme")
    assert "Leave it out: 2 items." in page.text
    assert sorted(Page(kayaks.http.get(page.links()["Leave it out"])).titles) == ["Gull", "Heron"]


@untimed
@given(
    st.sampled_from(PAGES),
    st.dictionaries(
        st.sampled_from(
            ["q", "aq", "page", "f.ec_color", "f.", "more", "all", "id", "reason", "key", "result", "stream"]
        ),
        st.text(max_size=30) | st.sampled_from(["@", '@a=="', "((", "NOT", "$qre(", "0", "-1", "9" * 40, "\x00", "|"]),
    ),
)
def test_no_address_breaks_a_page(kayaks: Caller, path: str, parameters: dict[str, str]) -> None:
    """Whatever stands in an address is answered with a page."""
    answer = kayaks.http.get(
        path, params={name: value.encode("utf-8", "replace") for name, value in parameters.items()}
    )
    assert answer.status_code in (200, 404)
    assert Page(answer).texts("h1") != []


def test_a_long_list_has_pages(coveo: Caller) -> None:
    """Each page holds 24 items, all together hold every item once, and a page beyond the last is the last."""
    coveo.load(batch(*(item(number, ec_name=f"n{number:02}") for number in range(60))))
    page, found = look(coveo, q="NOT x"), list[list[str]]()
    while True:
        found.append(page.titles)
        if "Next" not in page.links():
            break
        page = Page(coveo.http.get(page.links()["Next"]))
    assert [len(titles) for titles in found] == [24, 24, 12]
    assert sorted(title for titles in found for title in titles) == [f"n{number:02}" for number in range(60)]
    assert page.texts("h2")[-1] == "49–60 of 60 items"  # noqa: RUF001 - as it is shown
    assert look(coveo, page="999").titles == found[-1]
    assert parameters_of(page.links()["Previous"])["q"] == "NOT x"


def test_pictures_are_asked_for_only_where_a_browser_may(coveo: Caller) -> None:
    """Addresses of the web and picture data are shown, in a list or a text; paths and other schemes are not."""
    data = "data:image/png;base64,iVBORw0KGgo="
    coveo.load(
        batch(
            item(1, ec_name="web", ec_thumbnails="https://shop.example/1.jpg;https://shop.example/2.jpg"),
            item(2, ec_name="data", ec_images=[data]),
            item(3, ec_name="path", ec_images=["images/3.jpg"]),
            item(4, ec_name="script", ec_images=["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"]),
            item(5, ec_name="none"),
        )
    )
    page = look(coveo)
    pictures = {given["alt"]: given for given in page.attributes("img")}
    assert {name: given["src"] for name, given in pictures.items()} == {
        "web": "https://shop.example/1.jpg",
        "data": data,
    }
    assert all(given["loading"] == "lazy" and given["referrerpolicy"] == "no-referrer" for given in pictures.values())
    labels = [given["aria-label"] for given in page.attributes("span") if given.get("role") == "img"]
    assert labels == ["No picture here: images/3.jpg", "No picture here: javascript:alert(1)", "No picture"]
    gallery = Page(coveo.http.get(page.links()["web"]))
    assert [given["alt"] for given in gallery.attributes("img")] == ["web, picture 1", "web, picture 2"]


def test_an_item_shows_all_that_was_kept_and_what_was_not(coveo: Caller) -> None:
    """Every field with its values, types and dates, what was sent in vain and why, and what Coveo fills itself."""
    coveo.sandbox.create_field("sold", type="DATE")
    coveo.sandbox.create_field("stock", type="LONG", key_value=True)
    said = item(
        1, ec_name="Heron", ec_price=540.0, ec_color="Red;Blue", sold="2024-10-04T12:00:00Z", stock={"paris": 3}
    )
    coveo.load(batch({**said, "Hull": ["flat", 2], "ec_rating": "good", "clickableuri": "https://shop.example/1"}))
    page = Page(coveo.http.get(look(coveo).links()["Heron"]))
    heads = page.texts("th", scope="row")
    shown = dict(zip(heads, page.texts("tr")[1:][: len(heads)], strict=False))
    assert shown["ec_priceDOUBLE"] == "ec_priceDOUBLE 540"
    assert shown["ec_colorSTRING"] == "ec_colorSTRING Red Blue"
    assert shown["soldDATE"] == "soldDATE 2024-10-04 12:00:00 UTC"
    assert shown["stockLONG"] == "stockLONG paris: 3"
    assert {"Hull", "ec_rating"} <= set(heads)
    rows = page.texts("tr")
    assert 'Hull ["flat", 2] there is no field of that name' in rows
    assert "ec_rating good a number is needed, not a text" in rows
    assert page.links()["Open its page"] == "https://shop.example/1"
    assert "sysuri" in page.texts("dt")


def test_an_item_that_was_rejected_has_a_page_too(coveo: Caller) -> None:
    """The page of an item that was dropped whole says why; an id never heard of has none."""
    coveo.load(batch({"documentId": "no uri", "ec_name": "Heron"}))
    page = look(coveo, "/browse/item", id="no uri")
    assert (page.status, "This item is not in the index." in page.text) == (200, True)
    assert page.texts("th", scope="row") == ["the whole item"]
    assert look(coveo, "/browse/item", id="product://9").status == 404


def test_items_that_searches_do_not_find_can_be_seen(coveo: Caller) -> None:
    """The page says that variants are left out of the results, and shows all items when asked to."""
    coveo.load(batch(item(1, ec_name="Heron"), {**item(2, ec_name="Heron, red"), "objecttype": "Variant"}))
    page = look(coveo)
    assert page.titles == ["Heron"]
    whole = Page(coveo.http.get(page.links()["Show all that is in the index"]))
    assert sorted(whole.titles) == ["Heron", "Heron, red"]
    variant = Page(coveo.http.get(whole.links()["Heron, red"]))
    assert "Searches do not find it: by its objecttype it is no product of the source's catalog." in variant.text
    assert Page(coveo.http.get(whole.links()["Show only what searches find"])).titles == ["Heron"]


def test_a_change_that_is_not_found_yet_is_marked() -> None:
    """With an index delay the list shows what searches find, and the page of an item what is to come."""
    with Caller.running(index_delay_seconds=30) as coveo:
        coveo.load(batch(item(1, ec_name="Heron")))
        assert look(coveo).titles == []
        page = look(coveo, "/browse/item", id="product://1")
        assert "Searches do not find it so yet" in page.text
        coveo.sandbox.advance(minutes=1)
        assert look(coveo).titles == ["Heron"]
        assert "Searches do not find it so yet" not in look(coveo, "/browse/item", id="product://1").text


def test_what_was_dropped_is_grouped_by_reason(coveo: Caller) -> None:
    """Reasons of drops come with their number, the largest first, and lead to pages of pieces and items."""
    coveo.load(
        batch(*(item(number, hull="flat") for number in range(60)), item(99, ec_price="cheap"), {"ec_name": "x"})
    )
    page = look(coveo, "/browse/dropped")
    rows = [row.rsplit(" ", 2) for row in page.texts("tr")[1:]]
    assert [(row[-2], row[-1]) for row in rows] == [("hull", "60"), ("ec_price", "1"), ("files", "1")]
    pieces = Page(coveo.http.get(page.links()["there is no field of that name"]))
    assert pieces.texts("h1") == ["hull: there is no field of that name"]
    assert len(pieces.texts("th", scope="row")) == 50
    rest = Page(coveo.http.get(pieces.links()["Next"]))
    assert len(rest.texts("th", scope="row")) == 10
    assert Page(coveo.http.get(rest.links()["product://59"])).texts("h1") == ["product://59"]


def test_empty_values_are_no_losses(coveo: Caller) -> None:
    """What had no value is not counted as dropped, and stands apart, at the end, on the page and at its item."""
    empty = [item(number, ec_color="", ec_images=[]) for number in range(3)]
    coveo.load(batch(*empty, item(9, ec_name="Heron", keel="long")))
    page = look(coveo, "/browse/dropped")
    assert "Dropped 1" in page.links()
    assert page.texts("h2") == ["Lost", "Empty values"]
    reasons = [(row.split()[-2], row.split()[-1]) for row in page.texts("tr") if row[-1].isdigit()]
    assert reasons == [("keel", "1"), ("ec_color", "3"), ("ec_images", "3")]
    rows = look(coveo, "/browse/item", id="product://0").texts("tr")
    assert 'ec_color "" the value is empty nothing is lost' in rows
    assert "ec_images [] the value is empty nothing is lost" in rows
    lost = look(coveo, "/browse/item", id="product://9").texts("tr")
    assert "keel long there is no field of that name" in lost
    assert len(coveo.sandbox.dropped()) == 7


def test_a_source_of_which_all_was_dropped_says_so(coveo: Caller) -> None:
    """Where no item came through, the first page leads to the reasons."""
    coveo.load(batch({"documentId": "none"}))
    page = look(coveo)
    assert "No item of this source is in the index." in page.text
    assert Page(coveo.http.get(page.links()["why it was dropped"])).texts("h1") == ["Dropped"]


def test_streams_show_their_chunks(coveo: Caller) -> None:
    """Streams come newest first with chunks, bytes and items; the page of one lists each chunk."""
    first, second = batch(item(1), item(2)), batch(item(3))
    coveo.load(first, second)
    opened = coveo.open()
    page = look(coveo, "/browse/streams")
    rows = page.texts("tr")[1:]
    assert rows[0] == f"{opened['streamId']} Open 1 0 B 0"
    assert rows[1].split(" ", 1)[1] == f"Closed 2 {len(first + second)} B 3"
    chunks = Page(coveo.http.get(page.link_to(rows[1].split()[0]))).texts("tr")[1:]
    assert [chunk.split()[2:] for chunk in chunks] == [[str(len(first)), "B", "2"], [str(len(second)), "B", "1"]]
    waiting = Page(coveo.http.get(page.link_to(opened["streamId"])))
    assert "nothing uploaded not taken up" in waiting.texts("tr")[1]


def test_logs_are_narrowed_by_result_and_item(coveo: Caller) -> None:
    """Log entries come newest first; a result and an item narrow them, and each item leads to its page."""
    coveo.update(addOrUpdate=[item(number) for number in range(60)])
    coveo.update(addOrUpdate=[item(1), {"documentId": "none"}])
    page = look(coveo, "/browse/logs")
    assert len(page.texts("tr")) == 51
    warnings = Page(coveo.http.get(page.links()["Warning"]))
    (row,) = warnings.texts("tr")[1:]
    assert "STREAMING_EXTENSION UPDATE nonethe documentId is not a URI" in row
    of_item = look(coveo, "/browse/logs", id="product://1")
    orders = [int(row.rsplit(" ", 1)[1]) for row in of_item.texts("tr")[1:]]
    assert len(orders) == 2
    assert orders[0] > orders[1]
    assert Page(coveo.http.get(of_item.links()["product://1"])).texts("h1") == ["product://1"]
    assert len(Page(coveo.http.get(page.links()["Next"])).texts("tr")) == 15


def test_fields_show_which_items_lack_them(coveo: Caller) -> None:
    """Each field shows its type and options, and in how many items of the source it has a value."""
    coveo.sandbox.create_field("hull", facet=True, merge_with_lexicon=True)
    coveo.sandbox.create_field("seats", type="LONG")
    coveo.load(batch(item(1, ec_name="Heron", hull="flat"), item(2, ec_name="Gull")))
    page = look(coveo, "/browse/fields")
    rows = page.texts("tr")
    assert "hull 11 without STRING Facet Free text search" in rows
    assert "seats None LONG Sortable" in rows
    assert "ec_name All STRING Free text search" in rows
    values = Page(coveo.http.get(page.links()["hull"]))
    assert values.link_to("flat 1 item")


def test_mapping_rules_show_what_fills_a_field(coveo: Caller) -> None:
    """Common rules and those of a type show their entries; a rule whose field is gone is marked as idle."""
    rules = f"{coveo.organization_path}/sources/{coveo.sandbox.connection['source_id']}/mappings"
    coveo.load(batch(item(1)))
    assert "The source has no mapping rules" in look(coveo, "/browse/mappings").text
    coveo.sandbox.create_field("hull")
    for field in ("ec_color", "hull"):
        rule = {"field": field, "content": ["%[hue]", "none"]}
        coveo.post(f"{rules}/common/rules", json=rule).raise_for_status()
    coveo.http.delete(f"{coveo.organization_path}/indexes/fields/hull", headers=coveo.headers).raise_for_status()
    rows = look(coveo, "/browse/mappings").texts("tr")
    assert rows[1:] == ["ec_color %[hue]none", "hull There is no such field: the rule does nothing %[hue]none"]


EVIL = "</title></bdi><script>alert(1)</script>'\"><img src=x onerror=alert(1)>{{ 7*7 }}\u202e&amp;"


def test_whatever_a_catalog_says_is_text() -> None:
    """Names, ids, keys, values, reasons and logs of HTML are shown as they are written, on every page."""
    with Caller.running(restricted=False) as coveo:
        coveo.sandbox.create_field("hull", facet=True)
        said = {"ec_name": EVIL, "ec_brand": EVIL, "ec_color": [EVIL], "ec_category": [f"{EVIL}|{EVIL}"], EVIL: EVIL}
        evil = {"documentId": "x://'\"><script>alert(1)</script>", **said, "ec_images": [EVIL, f"https://x/{EVIL}"]}
        organization, source = "<script>alert(1)<b>", "'\"><img src=x onerror=alert(1)>&amp;{{ 7*7 }}"
        push(coveo, organization, source, evil, {"documentId": EVIL})
        pages = [look(coveo, path) for path in PAGES]
        pages += [Page(coveo.http.get(address)) for address in pages[0].links().values() if address.startswith("/")]
        pages += [Page(coveo.http.get(address)) for address in pages[2].links().values() if address.startswith("/")]
        shown = " ".join(page.text for page in pages)
        assert not any({"script", "b"} & page.tags for page in pages)
        assert {given["src"] for page in pages for given in page.attributes("img")} <= {f"https://x/{EVIL}"}
        assert not any(name.startswith("on") for page in pages for _, given in page.elements for name in given)
        for text in (" ".join(EVIL.split()), organization, source):
            assert text in shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//shop.example",
        "ftp://x/y",
        "https:x",
        "https://a b",
    ],
)
def test_only_addresses_of_the_web_become_links(coveo: Caller, address: str) -> None:
    """An address that is not of the web is text, in its own field and wherever else."""
    coveo.load(batch(item(1, ec_name="Heron", clickableuri=address, ec_description=address, ec_images=[address])))
    page = look(coveo, "/browse/item", id="product://1")
    assert address in page.text
    assert all(given["href"].startswith(("/", "#")) for given in page.attributes("a"))


def test_a_value_that_no_address_can_hold_has_no_link(coveo: Caller) -> None:
    """A value with half a character, or a long one, has no link, and it is said why; it is counted and shown."""
    coveo.sandbox.create_field("hull", facet=True)
    text = "flat" * 1_000
    coveo.load(
        json.dumps({"addOrUpdate": [item(1, hull=text), item(2, hull="half \ud800"), item(3, hull="flat")]}).encode()
    )
    answer = coveo.http.get("/")
    page = Page(answer)
    assert page.link_to("flat 1 item")
    shown = page.texts("span", **{"class": "choice"})
    assert sorted(shown) == [
        f"{text[:200]}… too long to filter by 1 item",
        "half \\ud800 no filter: it has half a character 1 item",
    ]
    assert len(answer.content) < 20_000


def test_half_a_character_breaks_no_page(coveo: Caller) -> None:
    """JSON can hold halves of surrogate pairs, which no page can be written with; all are shown as JSON says them."""
    broken = {**item(1, ec_name="Heron \ud800", ec_color=["Red \udfff"]), "hull\ud800": "x"}
    coveo.load(json.dumps({"addOrUpdate": [broken]}).encode())
    page = look(coveo)
    assert page.titles == ["Heron \\ud800"]
    for address in page.links().values():
        assert coveo.http.get(address).status_code == 200
    shown = look(coveo, "/browse/item", id="product://1")
    assert shown.texts("h1") == ["Heron \\ud800"]
    assert {"ec_colorSTRING", "hull\\ud800"} <= set(shown.texts("th", scope="row"))
    assert "Red \\udfff" in shown.texts("li")
    assert "hull\\ud800" in look(coveo, "/browse/dropped").texts("code")


def test_a_missing_template_engine_names_the_extra() -> None:
    """Without Jinja2 the start of a sandbox says what to install."""
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from coveo_enrich.sandbox import CoveoSandbox\n"
        "CoveoSandbox().start()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1
    assert "pip install 'coveo-enrich[sandbox]'" in done.stderr.splitlines()[-1]


def test_pages_are_no_calls_of_an_organization() -> None:
    """Pages use up no budget of calls, meet no fault, and are not among the requests."""
    with CoveoSandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        sandbox.limit_calls(per_day=1)
        sandbox.fail("search", 503, times=None)
        assert [http.get(path).status_code for path in ("/", "/", *PAGES[2:])] == [200] * 8
        assert [http.get("/browse/style.css").status_code, http.get("/browse/nowhere").status_code] == [200, 404]
        assert sandbox.requests() == []
        assert [http.post("/").status_code, http.get("/rest").status_code] == [405, 404]
        assert [request.path for request in sandbox.requests()] == ["/", "/rest"]


def test_the_best_comes_first(coveo: Caller) -> None:
    """An item with the word in its title stands before one that only describes it so."""
    described = item(1, ec_name="Cup", ec_description="With a heron on it")
    coveo.load(batch(described, item(2, ec_name="Heron")))
    assert look(coveo, q="heron").titles == ["Heron", "Cup"]
    assert look(coveo).titles == ["Cup", "Heron"]


def test_a_value_in_other_letters_is_taken_back_by_its_link(kayaks: Caller) -> None:
    """A value written into the address in other letters counts as that of the list."""
    page = look(kayaks, **{"f.ec_color": "rED"})
    assert sorted(page.titles) == ["Heron", "Vest"]
    assert "f.ec_color" not in parameters_of(page.link_to("Red 2 items"))


def test_items_that_were_rejected_whole_are_listed(coveo: Caller) -> None:
    """Items that were rejected whole have their list, which names each item that has an id."""
    coveo.load(batch({"documentId": "none"}, {"ec_name": "x"}))
    page = look(coveo, "/browse/dropped")
    for reason, expected in (("the documentId is not a URI", "none"), ("the item has no", "no item that can be told")):
        listed = Page(coveo.http.get(page.link_to(reason)))
        assert listed.texts("th", scope="row") == [expected]


def test_a_facet_shows_more_of_its_values_when_asked(coveo: Caller) -> None:
    """A facet shows eight values, and a link leads to up to a hundred."""
    coveo.load(batch(*(item(number, ec_brand=f"brand {number:02}") for number in range(12))))
    page = look(coveo)
    assert len([text for text in page.links() if text.startswith("brand")]) == 8
    more = Page(coveo.http.get(page.links()["More values of ec_brand"]))
    assert len([text for text in more.links() if text.startswith("brand")]) == 12
    assert "More values of ec_brand" not in more.links()
    assert "8 of 12 More values of ec_brand" in page.texts("p")


def test_facets_that_divide_well_come_first(coveo: Caller) -> None:
    """Facets of values that no two items share come last, and before them those of very many values."""
    for name in ("article", "batch"):
        coveo.sandbox.create_field(name, facet=True)
    kinds = [{"article": f"a{number}", "batch": f"b{number // 2}"} for number in range(204)]
    coveo.load(batch(*(item(number, ec_brand=f"brand {number % 10}", **kind) for number, kind in enumerate(kinds))))
    assert look(coveo).facets == ["ec_brand", "objecttype", "batch", "article"]
    assert look(coveo, more="article").facets == ["ec_brand", "objecttype", "batch", "article"]
    assert "8 of 204 More values of article" in look(coveo).texts("p")


def test_the_title_of_the_tab_says_what_is_shown(kayaks: Caller) -> None:
    """What is searched for and chosen stands in the title, in short; without anything the page's name alone."""
    asked = {"q": "boats", "aq": "@ec_color", "f.ec_category": "Boats|Kayaks"}
    (title,) = look(kayaks, **asked).texts("title")
    assert title == "boats, @ec_color, ec_category: Boats › Kayaks - Items - Coveo sandbox"  # noqa: RUF001 - as shown
    assert look(kayaks).texts("title") == ["Items - Coveo sandbox"]
    assert len(look(kayaks, q="x" * 5_000).texts("title")[0]) < 200


def test_an_item_without_a_name_is_called_by_its_id(coveo: Caller) -> None:
    """An item without a name has its id as title, letter by letter, in the list and on its page."""
    coveo.load(batch({"documentId": "product://noname"}))
    assert look(coveo).titles == ["product://noname"]
    assert look(coveo, "/browse/item", id="product://noname").texts("h1") == ["product://noname"]


def test_links_of_filters_lead_back_to_them(kayaks: Caller) -> None:
    """A value leads to its facet on the next page, and what takes a filter away to the results, which are there."""
    page = look(kayaks, **{"f.ec_color": "Red"})
    ids = {given["id"] for _, given in page.elements if "id" in given}
    targets = {page.link_to(text).partition("#")[2] for text in ("Red", "Blue", "Green")}
    assert targets == {"facet-ec_color"}
    assert {page.link_to(text).partition("#")[2] for text in ("Remove", "Clear", "Skip to the re")} == {"results"}
    assert {"facet-ec_color", "results"} <= ids


def test_a_facet_of_very_many_values_says_so(coveo: Caller) -> None:
    """A facet of more than a hundred values says how many there are; one that shows all says nothing."""
    coveo.sandbox.create_field("hull", facet=True, multi_value=True)
    hulls = [f"hull {number}" for number in range(1_500)]
    coveo.load(batch(item(1, hull=hulls, ec_brand="Acme"), item(2, hull=hulls[-1:])))
    page = look(coveo, more="hull")
    links = [text for text in page.links() if text.startswith("hull ")]
    assert (len(links), links[0]) == (100, "hull 1499 2 items")
    assert "The 100 most frequent of 1,500" in page.texts("p")
    assert "most frequent" not in look(coveo, more="ec_brand").text


def test_twenty_facets_are_counted_and_whatever_is_chosen(coveo: Caller) -> None:
    """A page counts no more than twenty fields, but those that are asked for are among them."""
    names = [f"hull_{number:02}" for number in range(30)]
    for name in names:
        coveo.sandbox.create_field(name, facet=True)
    coveo.load(batch(item(1, **dict.fromkeys(names, "flat"))))
    page = look(coveo)
    assert len(page.facets) == 19  # the standard ec_category has room, and no item has one
    assert names[29] not in page.facets
    assert names[29] in look(coveo, **{f"f.{names[29]}": "flat"}).facets
    assert names[29] in look(coveo, more=names[29]).facets


def test_a_list_ends_where_searches_end(coveo: Caller) -> None:
    """A list ends with its two hundredth page, which says that there is more."""
    coveo.load(batch(*(item(number) for number in range(200 * 24 + 1))))
    page = look(coveo, page="200")
    assert "No search shows more than 4,800 items" in page.text
    assert "Next" not in page.links()
    assert look(coveo, page="201").titles == page.titles
    assert "No search shows more" not in look(coveo).text


def test_what_is_large_is_shown_in_part(coveo: Caller) -> None:
    """Of many values the first hundred are shown, of a long text its start, of large picture data a note."""
    coveo.sandbox.create_field("tags", multi_value=True)
    picture = f"data:image/png;base64,{'A' * 200_000}"
    tags = [f"tag {number}" for number in range(120)]
    coveo.load(batch(item(1, ec_name="Heron", tags=tags, ec_description="x" * 6_000, ec_images=[picture])))
    answer = coveo.http.get("/browse/item", params={"id": "product://1"})
    listed = Page(answer).texts("li")
    assert {"tag 99", "and 20 more"} <= set(listed)
    assert "tag 100" not in listed
    assert Page(answer).texts("details", **{"class": "long"}) == [
        f"{'x' * 200}…{'x' * 5_000}…",
        f"base64,{'A' * 193}…base64,{'A' * 4_993}…",
    ]
    assert Page(answer).texts("summary")[0] == f"{'x' * 200}…"
    assert Page(answer).attributes("img") == []
    assert len(answer.content) < 100_000


def test_many_fields_and_sources_have_pages() -> None:
    """A page has up to two hundred fields or fifty sources; the rest are on the next."""
    with Caller.running(restricted=False) as coveo:
        for number in range(200):
            coveo.sandbox.create_field(f"hull_{number:03}")
        coveo.load(batch(item(1)))
        page = look(coveo, "/browse/fields")
        rest = Page(coveo.http.get(page.links()["Next"]))
        assert len(page.texts("th", scope="row")) == 200
        assert "ec_name" in rest.texts("th", scope="row")
        for number in range(50):
            push(coveo, "other", f"source {number}", item(1))
        listed = look(coveo)
        last = Page(coveo.http.get(listed.links()["Next"]))
        assert [len(one.texts("th", scope="row")) for one in (listed, last)] == [50, 1]


def test_a_page_beyond_the_last_is_the_last() -> None:
    """A page beyond the last is the last one of any list; it says which it is, and leads back."""
    with Caller.running(restricted=False) as coveo:
        coveo.sandbox.create_field("hull", facet=True)
        for number in range(200):
            coveo.sandbox.create_field(f"hull_{number:03}")
        stream_id = str([coveo.open() for _ in range(21)][-1]["streamId"])
        for _ in range(20):
            coveo.chunk(stream_id)
        coveo.update(addOrUpdate=[item(number, **{f"k{number}": 1, "lost": 1}) for number in range(60)])
        for number in range(50):
            push(coveo, "other", f"source {number}", item(1))
        own = {"organization": "sandbox", "source": "sandbox-catalog"}
        reason = {"reason": "there is no field of that name", "key": "lost"}
        lists: tuple[tuple[str, dict[str, str]], ...] = (
            ("/", own),
            ("/browse/dropped", own),
            ("/browse/dropped", {**own, **reason}),
            ("/browse/streams", own),
            ("/browse/streams", {**own, "stream": stream_id}),
            ("/browse/logs", own),
            ("/browse/fields", own),
            ("/browse/sources", {}),
        )
        for path, asked in lists:
            page = look(coveo, path, **asked)
            while "Next" in page.links():
                page = Page(coveo.http.get(page.links()["Next"]))
            for beyond_all in ("99", "9999999", "9" * 5_000, "000009"):
                beyond = look(coveo, path, **{**asked, "page": beyond_all})
                assert (beyond.text, beyond.links()) == (page.text, page.links())
            assert "Previous" in page.links()


def test_a_list_of_sources_keeps_what_it_is_narrowed_to() -> None:
    """The next page of sources is of the same organization."""
    with Caller.running(restricted=False) as coveo:
        for number in range(51):
            push(coveo, "one", f"source {number:02}", item(1))
        push(coveo, "two", "red", item(1))
        page = look(coveo, organization="one")
        rest = Page(coveo.http.get(page.links()["Next"]))
        assert rest.texts("th", scope="row") == ["source 50"]
        assert Page(coveo.http.get(rest.links()["Previous"])).texts("th", scope="row")[-1] == "source 49"
        assert look(coveo, "/browse/sources", organization="three").status == 404


def test_a_stream_that_there_is_not_is_not_found(kayaks: Caller) -> None:
    """A stream that there is not answers with a page that says so."""
    page = look(kayaks, "/browse/streams", stream="nothing")
    assert (page.status, "There is no such stream in this source." in page.text) == (404, True)


def test_the_program_that_pushes_is_one_whatever_a_source_is_called() -> None:
    """What the page shows can be run: names are texts of Python, with quotation marks in them, too."""
    names = ('"); import os; os.abort(); ("', "back\\slash", "it's", "<kajak>\U0001f6f6")
    for name in names:
        with Caller.running(restricted=False) as coveo:
            there = coveo.sandbox.connection
            coveo.post(f"/push/v1/organizations/{there['organization_id']}/sources/{quote(name, safe='')}/stream/open")
            (program,) = look(coveo).raw_texts("pre")
        calls = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)]
        (source,) = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "CoveoSource")
        given = {one.arg: ast.literal_eval(one.value) for one in source.keywords}
        assert given["source_id"] == name


@given(st.text())
def test_any_text_can_stand_in_a_program(text: str) -> None:
    """Any text in a program that a page shows stays on one line, with no character that is not seen."""
    written = python_text(text)
    assert ast.literal_eval(written) == text
    assert written.isprintable()
