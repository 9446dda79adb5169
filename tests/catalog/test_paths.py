from __future__ import annotations

import copy
import pickle
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.catalog import PathMapping
from coveo_enrich.errors import ConfigurationError

Source: TypeAlias = Any
"""A path, a template, a list of them, or something else that a caller may pass."""

BOOT: dict[str, Any] = {
    "identifier": "1111111195",
    "enabled": True,
    "categories": ["winter_shoes", "boots"],
    "values": {
        "name": [
            {"locale": "de_DE", "scope": "ecommerce", "data": "Stiefel"},
            {"locale": "en_US", "scope": "print", "data": "BOOT"},
            {"locale": "en_US", "scope": "ecommerce", "data": "Boot"},
        ],
        "color": [{"locale": None, "scope": None, "data": "red"}],
        "picture_1": [{"locale": None, "scope": None, "data": "a/boot_1.jpg"}],
        "picture_2": [{"locale": None, "scope": None, "data": "b/boot_2.jpg"}],
        "price": [
            {
                "locale": None,
                "scope": None,
                "data": [{"amount": "99.90", "currency": "EUR"}, {"amount": "109.00", "currency": "USD"}],
            }
        ],
        "weight": [{"locale": None, "scope": None, "data": {"amount": 500, "unit": "GRAM"}}],
        "waterproof": [{"locale": None, "scope": None, "data": False}],
        "note": [{"locale": None, "scope": None, "data": None}],
    },
}
"""A product as Akeneo's REST API gives it."""


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("identifier", "1111111195"),
        ("enabled", True),
        ("categories", ["winter_shoes", "boots"]),
        ("categories[1]", "boots"),
        ("values.name[locale=en_US,scope=ecommerce].data", "Boot"),
        ("values.name[scope=ecommerce].data", "Stiefel"),
        ("values.name[0].data", "Stiefel"),
        ("values.color[locale=null,scope=null].data", "red"),
        ("values.price[scope=null].data[currency=USD].amount", "109.00"),
        ("values.weight[0].data.amount", 500),
        ("values.waterproof[0].data", False),
        ("product://{identifier}", "product://1111111195"),
        ("{categories[0]}-{values.weight[0].data.amount}/{enabled}", "winter_shoes-500/true"),
        (
            ["https://pim.example/{values.picture_1[0].data}", "values.picture_2[0].data", "values.picture_3[0].data"],
            ["https://pim.example/a/boot_1.jpg", "b/boot_2.jpg"],
        ),
        (["categories", "identifier"], ["winter_shoes", "boots", "1111111195"]),
    ],
)
def test_a_path_leads_to_a_value(source: Source, value: object) -> None:
    """Keys, entries by what they say, places, templates and lists of them lead to what stands there, as it stands."""
    assert PathMapping({"f": source}).apply(BOOT) == {"f": value}


@pytest.mark.parametrize(
    "source",
    [
        "missing",
        "values.missing[0].data",
        "values.name.data",
        "values.name[locale=fr_FR].data",
        "values.name[missing=null].data",
        "values.color[locale=red].data",
        "values.note[0].data",
        "identifier.x",
        "identifier[0]",
        "categories[2]",
        "values[0]",
        "product://{missing}",
        "product://{categories}",
        ["missing", "values.note[0].data"],
    ],
)
def test_what_is_missing_is_left_out_and_counted(source: Source) -> None:
    """A path to nothing is no error: the field is left out, and the count says of how many products."""
    items = PathMapping({"documentId": "identifier", "f": source}).apply_all([BOOT, BOOT])
    assert list(items) == [{"documentId": "1111111195"}] * 2
    assert (items.products, items.missing) == (2, {"f": 2})


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "[0]",
        "a[",
        "a]",
        "a[]",
        "a[x]",
        "a[-1]",
        "a[k=v",
        "a[=v]",
        "a[k=v,]",
        "a[0]b",
        "a=b",
        "{",
        "}",
        "x{a",
        "{a}}",
        "{}",
        "{a..b}",
        ["a", "b."],
        [1],
        [["a"]],
        {"a": "b"},
        None,
        3,
    ],
)
def test_a_path_that_cannot_be_read_is_refused(path: Source) -> None:
    """The error names the field, ahead of the first product."""
    with pytest.raises(ConfigurationError, match="ec_name"):
        PathMapping({"documentId": "identifier", "ec_name": path})


def test_the_place_of_the_mistake_is_named() -> None:
    """The error shows what could not be read."""
    with pytest.raises(ConfigurationError, match=r"'values.name\[locale\].data' cannot be read from '\[locale\].data'"):
        PathMapping({"ec_name": "values.name[locale].data"})


@pytest.mark.parametrize("fields", ["identifier", [("documentId", "identifier")], None])
def test_fields_that_are_no_mapping_are_refused(fields: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """The error says what is wanted."""
    with pytest.raises(ConfigurationError, match="a dict of fields with their paths"):
        PathMapping(fields)


def test_a_mapping_is_a_value() -> None:
    """Law 14: it compares, hashes and pickles."""
    fields = {"documentId": "product://{identifier}", "ec_images": ["a", "b"]}
    mapping = PathMapping(fields)
    copied: PathMapping = pickle.loads(pickle.dumps(mapping))  # noqa: S301 - pickled here
    assert copied == mapping
    assert len({mapping, PathMapping(fields)}) == 1
    assert copied.apply({"identifier": 1, "a": "x"}) == {"documentId": "product://1", "ec_images": ["x"]}


@pytest.mark.parametrize(
    "path",
    [
        "family",
        "values.color[locale=null,scope=null].data",
        "values.material[locale=en_US,scope=null].data",
        "values.name[locale=fr_FR,scope=print].data",
        "associations.pack.products",
        "values.note[0].data",
    ],
)
def test_a_value_is_written_where_its_path_leads(path: str) -> None:
    """What is written is read back by the same path; every other place stays, and the product given is not touched."""
    mapping, before = PathMapping({"f": path, "name": "values.name[scope=ecommerce].data"}), copy.deepcopy(BOOT)
    changed = mapping.with_value(BOOT, "f", "new")
    assert changed is not None
    assert mapping.apply(changed) == {"f": "new", "name": "Stiefel"}
    assert before == BOOT


def test_what_is_written_has_the_form_of_its_neighbours() -> None:
    """An attribute that a product lacks is made with the locale and scope that its path names."""
    changed = PathMapping({"f": "values.material[locale=en_US,scope=null].data"}).with_value(BOOT, "f", "leather")
    assert changed is not None
    assert changed["values"]["material"] == [{"locale": "en_US", "scope": None, "data": "leather"}]


@pytest.mark.parametrize(
    "path", ["identifier.x", "categories.x", "values.name.data", "values.name[7].data", "enabled[a=b].c"]
)
def test_what_stands_in_the_way_is_not_overwritten(path: str) -> None:
    """Where a product is not of the shape that the path says, nothing is written."""
    assert PathMapping({"f": path}).with_value(BOOT, "f", "new") is None


@pytest.mark.parametrize("source", ["a{b}", ["a", "b"], "a[0]"])
def test_a_field_of_several_places_is_not_written_back(source: Source) -> None:
    """Where it would have to go is not known."""
    with pytest.raises(ConfigurationError, match="cannot be written back"):
        PathMapping({"f": source}).with_value(BOOT, "f", "new")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abckl"), inner, max_size=3),
    max_leaves=12,
)
PATHS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.lists(st.sampled_from(["[0]", "[1]", "[k=null]", "[k=x,l=null]"]), max_size=2)
    ),
    min_size=1,
    max_size=4,
).map(lambda steps: ".".join(key + "".join(brackets) for key, brackets in steps))


@given(st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), PATHS)
def test_any_product_makes_an_item(product: dict[str, Any], path: str) -> None:
    """Whatever a product holds, it makes an item; a value that can be written is read back."""
    mapping = PathMapping({"f": path})
    assert set(mapping.apply(product)) <= {"f"}
    if not path.endswith("]"):
        changed = mapping.with_value(product, "f", "new")
        assert changed is None or mapping.apply(changed) == {"f": "new"}
