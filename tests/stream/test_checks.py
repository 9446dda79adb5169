"""What Coveo does in silence to an item, found before it is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.stream.checks import Flaw, ItemChecks, UnfitItem, is_uri

ID = "product://1"


def _flaws(**fields: object) -> list[Flaw]:
    return ItemChecks({"Prices"}).check({"documentId": ID, **fields})


def _refused(**fields: object) -> UnfitItem:
    with pytest.raises(UnfitItem) as caught:
        _flaws(**fields)
    return caught.value


def _found(**fields: object) -> list[tuple[str, str | None]]:
    return [(flaw.code, flaw.field) for flaw in _flaws(**fields)]


def test_a_good_product_has_no_flaw() -> None:
    """What Coveo's own samples look like passes without a word."""
    product: dict[str, object] = {
        "objecttype": "Product",
        "permanentid": "kayak-1",
        "ec_product_id": "kayak-1",
        "ec_item_group_id": "kayaks",
        "ec_name": "Kayak; with paddle #1",
        "ec_category": ["Sports", "Sports|Kayaks", "Sports|Kayaks|Sea kayaks"],
        "ec_price": 749.0,
        "ec_in_stock": True,
        "ec_images": ["https://shop.example/1.jpg"],
        "clickableUri": "https://shop.example/1#top",
        "sizes": [1, 2.5, None, "one"],
        "nothing": None,
        "empty": [],
        "data": "the text of the page",
        "fileExtension": ".html",
        "permissions": [{"allowAnonymous": True, "allowedPermissions": []}],
        "prices": {"": 10.0, "groupA": 9},
    }
    assert _flaws(**product) == []


@pytest.mark.parametrize(
    ("fields", "first", "second"),
    [
        ({"Color": 1, "color": 2}, "Color", "color"),
        ({"ec_name": 1, "x": 1, "EC_NAME": 2}, "ec_name", "EC_NAME"),
        ({"DOCUMENTID": "product://2"}, "documentId", "DOCUMENTID"),
        ({"ÉTÉ": 1, "été": 2}, "ÉTÉ", "été"),
    ],
)
def test_keys_that_differ_by_case_clash(fields: dict[str, object], first: str, second: str) -> None:
    """Coveo answers INVALID_JSON to such a file, for all of its items: here the one item is refused."""
    error = _refused(**fields)
    assert error.code == "keys-differ-by-case"
    assert f"({first!r} and {second!r})" in error.reason
    assert "INVALID_JSON" in error.reason


@pytest.mark.parametrize("key", ["orderingId", "orderingid", "ORDERINGID"])
def test_an_ordering_id_is_never_sent(key: str) -> None:
    """It is Coveo's own, in any case."""
    error = _refused(**{key: 1})
    assert error.code == "reserved-key"
    assert repr(key) in error.reason


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", 5),
        ("data", {"weight": 3}),
        ("data", ["a"]),
        ("data", None),
        ("DATA", True),
        ("compressedBinaryData", 1),
        ("compressedBinaryDataFileId", ["a"]),
        ("compressionType", "wrapped in paper"),
        ("compressionType", 3),
        ("fileExtension", "html"),
        ("fileExtension", ""),
        ("parentId", "123"),
        ("parentid", 123),
        ("permissions", "everyone"),
        ("permissions", {"read": True}),
        ("permissions", ["read"]),
    ],
)
def test_a_field_under_a_key_of_coveos_own_is_refused(key: str, value: object) -> None:
    """Metadata of that name would be swallowed: the refusal names the key, what it is for, and says to rename it."""
    error = _refused(**{key: value})
    assert error.code == "reserved-key"
    assert error.reason.startswith(f"{key!r} is a key of Coveo's own and wants ")
    assert error.reason.endswith("rename it")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", ""),
        ("compressedBinaryData", "eJw="),
        ("compressedBinaryDataFileId", "b5e8767e"),
        ("compressionType", "GZIP"),
        ("compressionType", "ZLib"),
        ("fileExtension", ".html"),
        ("parentId", "product://2"),
        ("permissions", []),
    ],
)
def test_keys_of_coveos_own_may_be_used_for_what_they_are(key: str, value: object) -> None:
    """Spelt as Coveo spells them there is nothing to say; in another case there is a warning."""
    assert _found(**{key: value}) == []
    assert _found(**{key.upper(): value}) == [("reserved-key-in-another-case", key.upper())]
    assert repr(key) in _flaws(**{key.upper(): value})[0].message


@pytest.mark.parametrize("other", ["compressedBinaryData", "CompressedBinaryDataFileId"])
def test_an_item_has_one_body(other: str) -> None:
    """Two bodies are refused, and both are named."""
    error = _refused(**{"data": "x", other: "y"})
    assert error.code == "several-bodies"
    assert f"'data' and {other!r}" in error.reason


@pytest.mark.parametrize(
    "name",
    [
        "kayak type",
        "kayak-type",
        "kayak.type",
        "1st",
        "_x",
        "été",
        "",
        "größe",
        "\u212aayak",
        "x" * 256,
        "a\n",
        "naïve",
    ],
)
def test_a_name_that_no_field_can_have_is_a_warning(name: str) -> None:
    """What it holds is dropped unless a mapping rule reads it."""
    assert _found(**{name: 1}) == [("field-name", name)]
    assert len(_flaws(**{name: 1})[0].message) < 400


@pytest.mark.parametrize("name", ["a", "kayak_type", "KayakType", "x1", "x" * 255, "ec__"])
def test_a_name_that_a_field_can_have_is_none(name: str) -> None:
    """Case does not matter: a field is found in any."""
    assert _found(**{name: 1}) == []


@pytest.mark.parametrize("key", ["ec_product_id", "ec_variant_id", "ec_item_group_id", "permanentid", "permanentId"])
def test_a_hash_in_an_id_is_a_warning(key: str) -> None:
    """Coveo's machine learning cannot work with it; other fields may hold one."""
    (flaw,) = _flaws(**{key: "kayak#1", "color": "#ff0000"})
    assert (flaw.code, flaw.field) == ("hash-in-id", key)
    assert "'kayak#1'" in flaw.message


@pytest.mark.parametrize("values", [["a", "b;c"], [1, "b;c", None], ["b;c"]])
def test_a_separator_within_a_value_of_a_list_is_a_warning(values: list[object]) -> None:
    """It would become two values; a text that is no list may hold one, as a sentence or as a list written in one."""
    (flaw,) = _flaws(colors=values, description="a; b")
    assert (flaw.code, flaw.field) == ("separator-in-value", "colors")
    assert "'b;c'" in flaw.message


@pytest.mark.parametrize("value", [{}, {"a": 1}, {"a": {"b": 1}}])
def test_an_object_is_refused(value: object) -> None:
    """Coveo indexes objects in dictionary fields only: the refusal names the field and what to do."""
    error = _refused(specs=value)
    assert error.code == "nested-object"
    assert "'specs'" in error.reason
    assert "dictionary_fields" in error.reason


@pytest.mark.parametrize("value", [[[1]], [{}], ["a", {"b": 1}], [1, ["a"]]])
def test_a_list_of_objects_or_lists_is_refused(value: object) -> None:
    """Only texts, numbers and booleans can be values of a list."""
    error = _refused(specs=value)
    assert error.code == "nested-list"
    assert "'specs'" in error.reason


@pytest.mark.parametrize("key", ["prices", "Prices", "PRICES"])
def test_a_dictionary_field_holds_an_object(key: str) -> None:
    """Named in any case; a list or an object inside it is refused."""
    assert _found(**{key: {"": 1.5, "a": "x", "b": None, "c": True}}) == []
    assert _found(**{key: 3}) == []
    odd: list[object] = [[1], {}]
    for value in odd:
        error = _refused(**{key: {"fine": 1, "odd": value}})
        assert error.code == "nested-object"
        assert "'odd'" in error.reason


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        (["Sports|Kayaks"], "Sports"),
        (["Sports", "Sports|Kayaks|Sea kayaks"], "Sports|Kayaks"),
        ("Sports|Kayaks", "Sports"),
        ("Sports;Sports|Kayaks;Outdoor|Kayaks", "Outdoor"),
        (["Sports", "sports|Kayaks"], "sports"),
        ([1, "Sports|Kayaks", "Sports|Kayaks|Sea kayaks"], "Sports"),
    ],
)
@pytest.mark.parametrize("key", ["ec_category", "EC_Category"])
def test_a_category_without_its_ancestors_is_a_warning(key: str, value: object, missing: str) -> None:
    """The product would not be found under the ancestor that is not listed: it is named."""
    (flaw,) = _flaws(**{key: value})
    assert (flaw.code, flaw.field) == ("missing-ancestor", key)
    assert f"without {missing!r}" in flaw.message


@pytest.mark.parametrize(
    "value",
    [
        "Sports",
        "",
        [],
        None,
        5,
        ["Sports|Kayaks", "Sports"],
        "Sports;Sports|Kayaks;Sports|Kayaks|Sea kayaks",
        ["Sports", "Outdoor", "Outdoor|Kayaks"],
        "|Kayaks",
    ],
)
def test_a_category_with_its_ancestors_is_none(value: object) -> None:
    """In any order, as a list or as one text."""
    assert _found(ec_category=value) == []


def test_every_flaw_of_an_item_is_told() -> None:
    """One warning does not hide another."""
    found = _found(**{"a b": 1, "ec_product_id": "#", "colors": ["a;b"], "ec_category": "A|B", "DATA": "x"})
    assert {code for code, _ in found} == {
        "field-name",
        "hash-in-id",
        "separator-in-value",
        "missing-ancestor",
        "reserved-key-in-another-case",
    }


KEYS = st.sampled_from(["color", "Color", "a b", "data", "DATA", "compressedBinaryData", "permanentid", "orderingId"])


@given(st.lists(st.dictionaries(KEYS, st.sampled_from(["x", "a#b", 5]), max_size=3), max_size=6))
def test_what_was_seen_before_changes_no_verdict(items: list[dict[str, object]]) -> None:
    """Checks that remember an earlier item with the same keys say what new ones would."""
    remembering = ItemChecks()
    for item in items * 2:
        assert _verdict(remembering, item) == _verdict(ItemChecks(), item)


def _verdict(checks: ItemChecks, item: dict[str, object]) -> object:
    try:
        return checks.check(item)
    except UnfitItem as error:
        return error.code, error.reason


def test_keys_without_measure_are_not_all_remembered() -> None:
    """Law 11: a catalog with other keys in every item does not fill the memory, and is still checked."""
    checks = ItemChecks()
    for number in range(3_000):
        assert [flaw.code for flaw in checks.check({f"x {number}": 1, f"y{number}": 2, "z": 3})] == ["field-name"]
    remembered = vars(checks)["_shapes"]
    assert 0 < sum(len(keys) for keys in remembered) <= 10_000


@pytest.mark.parametrize("text", ["", "x", "x:/y", "://y", "x://", "x://a b", "1://x", "x://\0"])
def test_some_texts_are_no_uri(text: str) -> None:
    """Coveo wants a scheme, :// and a rest without blanks."""
    assert not is_uri(text)
    assert is_uri("x://y")
