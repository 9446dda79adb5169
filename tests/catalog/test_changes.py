from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import EnrichedProduct
from coveo_enrich.catalog import (
    MergedChanges,
    PathMapping,
    merge_changes,
    read_products,
    write_changes,
    write_documents,
)
from coveo_enrich.enrichment import FieldChange, Observation
from coveo_enrich.enrichment.product import ProvenanceText
from coveo_enrich.errors import CatalogFileError, ConfigurationError

SEEN = Observation("images/1.jpg", "navy blue", 0.9, "acme")
COLOR = FieldChange("ec_color", None, "Navy", 0.9, (SEEN,))
TAGS = FieldChange("tags", ["a"], ("a", "b"), None, (Observation("images/2.jpg", "b", None, "other"), SEEN))
KAYAK = {"documentId": "product://1", "ec_name": "Kayak", "tags": ["a"]}
BOOT = {"documentId": "product://2", "ec_name": "Boot"}


def enriched() -> list[EnrichedProduct]:
    """Two products, one of which changed."""
    return [EnrichedProduct(KAYAK, (COLOR, TAGS)), EnrichedProduct(BOOT)]


def change(before: object, after: str, product: Mapping[str, Any] | None = None) -> EnrichedProduct:
    """A product whose colour changed."""
    return EnrichedProduct(product or KAYAK, (FieldChange("ec_color", before, after, None, (SEEN,)),))


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as any other program reads them."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_key_of_several_products_mixes_nothing_up(tmp_path: Path) -> None:
    """Law 9: where it is not clear which product a value is of, none gets it, and each of them is counted."""
    kayaks = [{"documentId": f"product://{number}", "ec_name": "Kayak"} for number in range(2)]
    products, changes = tmp_path / "products.jsonl", tmp_path / "changes.csv"
    write_documents(products, kayaks)
    write_changes(changes, [change(None, "Red", kayaks[0]), change(None, "Blue", kayaks[1])], key="ec_name")
    merged = merge_changes(products, changes, products)
    assert (merged.written, merged.conflicts) == (0, 4)
    assert merged.examples[0] == "Kayak ec_color: other products have this ec_name too, and other values"
    assert list(read_products(products)) == kayaks


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"sep=;\r\n", b"\xef\xbb\xbfsep=;\r\n"])
def test_a_csv_file_keeps_what_is_before_its_header(tmp_path: Path, mark: bytes) -> None:
    """What a spreadsheet needs to read accents and columns is there after a merge if it was before, and only once."""
    products, changes = tmp_path / "products.csv", tmp_path / "changes.csv"
    products.write_bytes(mark + "documentId;ec_name\r\nproduct://1;Canoë\r\n".encode())
    write_changes(changes, [change(None, "Navy")])
    for _ in range(2):
        merge_changes(products, changes, products)
        assert products.read_bytes() == mark + "documentId;ec_name;ec_color\r\nproduct://1;Canoë;Navy\r\n".encode()


def test_a_csv_file_has_a_row_for_each_change(tmp_path: Path) -> None:
    """Only what changed is written, with what speaks for it the most."""
    path = tmp_path / "changes.csv"
    assert write_changes(path, enriched()) == 1
    assert rows_of(path) == [
        {
            "documentId": "product://1",
            "field": "ec_color",
            "before": "",
            "after": "Navy",
            "confidence": "0.9",
            "classifier": "acme",
            "image": "images/1.jpg",
        },
        {
            "documentId": "product://1",
            "field": "tags",
            "before": "a",
            "after": "a;b",
            "confidence": "",
            "classifier": "other",
            "image": "images/2.jpg",
        },
    ]


def test_a_json_lines_file_has_an_object_for_each_product(tmp_path: Path) -> None:
    """Values keep their types."""
    path = tmp_path / "changes.jsonl"
    assert write_changes(path, enriched(), key="ec_name") == 1
    color = {"field": "ec_color", "before": None, "after": "Navy", "confidence": 0.9}
    tags = {"field": "tags", "before": ["a"], "after": ["a", "b"], "confidence": None}
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {
            "ec_name": "Kayak",
            "changes": [
                {**color, "classifier": "acme", "image": "images/1.jpg"},
                {**tags, "classifier": "other", "image": "images/2.jpg"},
            ],
        }
    ]


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
def test_nothing_changed_is_a_file_of_no_changes(tmp_path: Path, name: str) -> None:
    """It is written, so that yesterday's changes are not merged again, and it merges into nothing."""
    products, changes = tmp_path / "products.jsonl", tmp_path / name
    changes.write_text("yesterday's")
    write_documents(products, [KAYAK])
    assert write_changes(changes, [EnrichedProduct(KAYAK)]) == 0
    assert merge_changes(products, changes, products) == MergedChanges(products=1)


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
@pytest.mark.parametrize("product", [{}, {"documentId": None}, {"documentId": ""}])
def test_a_change_without_a_key_is_an_error(tmp_path: Path, name: str, product: dict[str, Any]) -> None:
    """Law 9: a change that finds no way back is not lost in silence; what was in the file is still there."""
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(ConfigurationError, match="has no 'documentId'"):
        write_changes(path, [*enriched(), EnrichedProduct(product, (COLOR,))])
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("key", ["field", "before", "after", "confidence", "classifier", "image", "changes"])
def test_a_key_that_is_another_column_is_refused(tmp_path: Path, key: str) -> None:
    """The columns could not be told apart."""
    with pytest.raises(ConfigurationError, match="confused"):
        write_changes(tmp_path / "changes.csv", enriched(), key=key)


FORMULAS = ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "'=1", "''-1", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    """Whatever a picture, a product or a service said, no cell begins as formulas do, and the text is not lost."""
    products, changes = tmp_path / "products.jsonl", tmp_path / "changes.csv"
    product = {"documentId": text, "ec_color": text}
    write_documents(products, [product])
    seen = Observation(text, text, None, text)
    write_changes(changes, [EnrichedProduct(product, (FieldChange("ec_color", text, text + text, None, (seen,)),))])
    (row,) = rows_of(changes)
    assert [cell for cell in row.values() if cell[:1] in "=+-@\t\r\n" and cell] == []
    assert merge_changes(products, changes, products).written == 1
    assert list(read_products(products)) == [{"documentId": text, "ec_color": text + text}]


@pytest.mark.parametrize("changes_name", ["changes.csv", "changes.jsonl"])
@pytest.mark.parametrize("products_name", ["products.csv", "products.jsonl"])
def test_changes_are_merged_into_products(tmp_path: Path, changes_name: str, products_name: str) -> None:
    """Each change goes to its product; every other product, field and their order stay."""
    products, changes, out = tmp_path / products_name, tmp_path / changes_name, tmp_path / f"out_{products_name}"
    before = [BOOT, {"documentId": "product://1", "ec_name": "Kayak; yellow"}]
    if products_name.endswith("csv"):
        products.write_text("documentId\tec_name\n" + "".join("\t".join(one.values()) + "\n" for one in before))
    else:
        write_documents(products, before)
    write_changes(changes, [change(None, "Navy")])
    assert merge_changes(products, changes, out) == MergedChanges(products=2, written=1)
    assert list(read_products(out)) == [BOOT, {**before[1], "ec_color": "Navy"}]
    if products_name.endswith("csv"):
        assert out.read_text().splitlines()[0] == "documentId\tec_name\tec_color"


@pytest.mark.parametrize("changes_name", ["changes.csv", "changes.jsonl"])
def test_what_was_written_since_is_not_overwritten(tmp_path: Path, changes_name: str) -> None:
    """Law 9: a change whose product has another value by now, or is gone, is left out, counted and named."""
    products, changes = tmp_path / "products.jsonl", tmp_path / changes_name
    write_documents(
        products,
        [
            {"documentId": "a://1", "ec_color": "Teal"},
            {"documentId": "a://2", "ec_color": "Navy"},
            {"documentId": "a://3", "ec_color": " "},
        ],
    )
    write_changes(
        changes,
        [
            change(None, "Navy", {"documentId": "a://1"}),
            change(None, "Navy", {"documentId": "a://2"}),
            change(" ", "Navy", {"documentId": "a://3"}),
            change(None, "Navy", {"documentId": "a://4"}),
        ],
    )
    merged = merge_changes(products, changes, products)
    assert merged == MergedChanges(
        products=3,
        written=1,
        unchanged=1,
        conflicts=1,
        unknown=1,
        examples=("a://1 ec_color: it is 'Teal' now, and was ''", "a://4 ec_color: the file has no such product"),
    )
    assert [one["ec_color"] for one in read_products(products)] == ["Teal", "Navy", "Navy"]
    assert merge_changes(products, changes, products).written == 0


@pytest.mark.parametrize("empty", [None, "", [], float("nan")])
@pytest.mark.parametrize("now", [{}, {"ec_color": None}, {"ec_color": ""}, {"ec_color": []}])
@pytest.mark.parametrize("changes_name", ["changes.csv", "changes.jsonl"])
def test_all_that_is_nothing_is_the_same(tmp_path: Path, empty: object, now: dict[str, Any], changes_name: str) -> None:
    """Absent, null, an empty text and an empty list are no value that somebody wrote since."""
    products, changes = tmp_path / "products.jsonl", tmp_path / changes_name
    write_documents(products, [{**BOOT, **now}])
    write_changes(changes, [change(empty, "Navy", BOOT)])
    assert merge_changes(products, changes, products).written == 1


LISTS = [["S; M", "L"], ["S; M"], ["a", "b"], ["[1;2]", "'=1;"], ["x", '"y;z"']]


@pytest.mark.parametrize("changes_name", ["changes.csv", "changes.jsonl"])
@pytest.mark.parametrize("after", LISTS)
@pytest.mark.parametrize("before", [["S; M", "XL"], ["z"], []])
def test_a_list_in_json_lines_is_cut_nowhere_else(
    tmp_path: Path, changes_name: str, before: list[str], after: list[str]
) -> None:
    """Law 9: of a list, values with a ``;`` too come through either file of changes as they are."""
    products, changes = tmp_path / "products.jsonl", tmp_path / changes_name
    product = {"documentId": "a://1", "tags": before}
    write_documents(products, [product])
    filled = FieldChange("tags", before, tuple(after), None, (SEEN,))
    write_changes(changes, [EnrichedProduct(product, (filled,))])
    assert merge_changes(products, changes, products).written == 1
    assert list(read_products(products)) == [{"documentId": "a://1", "tags": after}]
    assert merge_changes(products, changes, products).unchanged == 1


@pytest.mark.parametrize("changes_name", ["changes.csv", "changes.jsonl"])
def test_a_list_that_csv_would_cut_is_left_out(tmp_path: Path, changes_name: str) -> None:
    """Law 9: products in CSV get no list whose values could not be told apart there; it is counted and named."""
    products, changes = tmp_path / "products.csv", tmp_path / changes_name
    products.write_text("documentId,size,n\na://1,,1\na://2,,2\n")
    write_changes(
        changes,
        [
            EnrichedProduct({"documentId": key}, (FieldChange("size", None, after, None, (SEEN,)),))
            for key, after in {"a://1": ("S; M", "L"), "a://2": ("S", "L")}.items()
        ],
    )
    merged = merge_changes(products, changes, products)
    why = "a://1 size: a value of ['S; M', 'L'] holds ;, where CSV would cut it"
    assert merged == MergedChanges(products=2, written=1, conflicts=1, examples=(why,))
    assert products.read_bytes() == b"documentId,size,n\r\na://1,,1\r\na://2,S;L,2\r\n"


def test_a_list_that_was_cut_since_is_another_list(tmp_path: Path) -> None:
    """What a person made of a value with ``;`` is not overwritten."""
    products, changes = tmp_path / "products.jsonl", tmp_path / "changes.jsonl"
    write_documents(products, [{"documentId": "a://1", "size": ["S", "M"]}])
    filled = FieldChange("size", ["S;M"], ("L",), None, (SEEN,))
    write_changes(changes, [EnrichedProduct({"documentId": "a://1", "size": ["S;M"]}, (filled,))])
    assert merge_changes(products, changes, products).conflicts == 1


JSON_LIKE = st.text('[]";,a1\\', min_size=1, max_size=8)


@given(JSON_LIKE | st.lists(JSON_LIKE, min_size=1, max_size=3).filter(lambda values: ";" in "".join(values)))
def test_no_text_is_taken_for_a_list(tmp_path_factory: pytest.TempPathFactory, after: str | list[str]) -> None:
    """In CSV, texts come back as texts whatever they look like, and lists with a ``;`` in a value as lists."""
    folder = tmp_path_factory.mktemp("json")
    products, changes = folder / "products.jsonl", folder / "changes.csv"
    write_documents(products, [{"documentId": "a://1"}])
    value = after if isinstance(after, str) else tuple(after)
    write_changes(changes, [EnrichedProduct({"documentId": "a://1"}, (FieldChange("f", None, value, None, (SEEN,)),))])
    assert merge_changes(products, changes, products).written == 1
    assert list(read_products(products)) == [{"documentId": "a://1", "f": after}]


def test_a_field_goes_into_the_column_that_stands_for_it(tmp_path: Path) -> None:
    """A header's capitals are no other field, so the product gets no second key that Coveo would refuse."""
    products, changes = tmp_path / "products.csv", tmp_path / "changes.csv"
    products.write_text("documentId,EC_Color\nproduct://1,\n")
    write_changes(changes, [change(None, "Navy")])
    assert merge_changes(products, changes, products).written == 1
    assert list(read_products(products)) == [{"documentId": "product://1", "EC_Color": "Navy"}]


def test_products_without_the_column_of_the_key_are_refused(tmp_path: Path) -> None:
    """Another file than the one that was enriched is named as that, not as so many products that are gone."""
    products, changes = tmp_path / "products.csv", tmp_path / "changes.csv"
    products.write_text("sku,ec_name\n1,Kayak\n")
    write_changes(changes, [change(None, "Navy")])
    with pytest.raises(ConfigurationError, match="no column 'documentId', by which the changes name them"):
        merge_changes(products, changes, products)
    assert products.read_text() == "sku,ec_name\n1,Kayak\n"


def test_changes_go_back_into_the_columns_of_a_table(tmp_path: Path) -> None:
    """With a mapping, a change goes into the column that its field comes from, which is made where there is none."""
    table, changes = tmp_path / "products.csv", tmp_path / "changes.csv"
    table.write_text("sku,Name\n1,Kayak\n")
    mapping = PathMapping({"documentId": "product://{sku}", "ec_name": "Name", "ec_color": "Farbe"})
    write_changes(changes, [change(None, "Navy", item) for item in mapping.apply_all(read_products(table))])
    assert merge_changes(table, changes, table, mapping=mapping) == MergedChanges(products=1, written=1)
    assert table.read_bytes() == b"sku,Name,Farbe\r\n1,Kayak,Navy\r\n"


@pytest.mark.parametrize("path", ["values.color", ["color", "colour"], "{color}"])
def test_a_field_of_no_column_is_refused(tmp_path: Path, path: str | list[str]) -> None:
    """A value is not put where reading the table again would not find it."""
    table, changes = tmp_path / "products.csv", tmp_path / "changes.csv"
    table.write_text("sku,Name\n1,Kayak\n")
    write_changes(changes, [change(None, "Navy", {"documentId": "1"})])
    with pytest.raises(ConfigurationError, match="'ec_color' does not come from one column"):
        merge_changes(table, changes, table, mapping=PathMapping({"documentId": "sku", "ec_color": path}))


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
@pytest.mark.parametrize("wrong", [KAYAK, "product"])
def test_what_is_no_enriched_product_is_named(tmp_path: Path, name: str, wrong: object) -> None:
    """Plain products, the easiest mistake, are told apart from what a run yields."""
    with pytest.raises(ConfigurationError, match=r"what a run yields, such as .* got (dict|str)"):
        write_changes(tmp_path / name, cast("list[EnrichedProduct]", [wrong]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
def test_the_place_of_the_changes_is_tried_first(tmp_path: Path, name: str) -> None:
    """A folder that is not there is named before the run has looked at, and paid for, a picture."""
    run = iter(enriched())
    with pytest.raises(ConfigurationError, match="its folder does not exist; make it first"):
        write_changes(tmp_path / "missing" / name, run)
    assert len(list(run)) == len(enriched())


@attrs.frozen
class Bare:
    """A product with its changes, of a program of the user's own: it knows of no provenance."""

    product: Mapping[str, Any]
    changes: tuple[FieldChange, ...]


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
def test_a_product_may_do_without_provenance(tmp_path: Path, name: str) -> None:
    """Whatever has a product and its changes can be written."""
    products, changes = tmp_path / "products.jsonl", tmp_path / name
    write_documents(products, [KAYAK])
    assert write_changes(changes, [Bare(KAYAK, (COLOR,))]) == 1
    assert merge_changes(products, changes, products) == MergedChanges(products=1, written=1)


def marked(field: str, before: str | None, *fields: str) -> EnrichedProduct:
    """A product, one field of which was filled, and the fields that its provenance then names."""
    product = dict(KAYAK) if before is None else {**KAYAK, "by": before}
    text = json.dumps({name: {"values": [name]} for name in fields}, sort_keys=True, separators=(",", ":"))
    return EnrichedProduct(
        product, (FieldChange(field, None, field, None, (SEEN,)),), provenance=ProvenanceText("by", text)
    )


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_provenance_of_two_runs_is_united(tmp_path: Path, name: str, suffix: str) -> None:
    """Two runs over the same export, merged one after the other, leave the marks of both; doing so again, nothing."""
    products, first, second = tmp_path / f"products.{suffix}", tmp_path / f"1_{name}", tmp_path / f"2_{name}"
    if suffix == "csv":
        products.write_text("documentId,ec_name\nproduct://1,Kayak\n")
    else:
        write_documents(products, [KAYAK])
    write_changes(first, [marked("a", None, "a")])
    write_changes(second, [marked("b", None, "b")])
    for changes in (first, second):
        assert merge_changes(products, changes, products) == MergedChanges(products=1, written=2)
    for changes in (first, second):
        assert merge_changes(products, changes, products) == MergedChanges(products=1, unchanged=2)
    (product,) = read_products(products)
    assert (product["a"], product["b"]) == ("a", "b")
    assert json.loads(product["by"]) == {"a": {"values": ["a"]}, "b": {"values": ["b"]}}


@pytest.mark.parametrize("now", ["a note", '["a"]', '{"a":{"values":["other"]}}'])
def test_provenance_that_became_something_else_is_left(tmp_path: Path, now: str) -> None:
    """A text of another kind, or another mark of the same field, is not overwritten, and named."""
    products, changes = tmp_path / "products.jsonl", tmp_path / "changes.csv"
    write_documents(products, [{**KAYAK, "by": now}])
    write_changes(changes, [marked("a", None, "a")])
    merged = merge_changes(products, changes, products)
    assert (merged.written, merged.conflicts) == (1, 1)
    assert merged.examples[0].startswith("product://1 by: it is ")
    assert [one["by"] for one in read_products(products)] == [now]


def test_the_formats_of_products_and_result_agree(tmp_path: Path) -> None:
    """A result in another format than its name says is refused."""
    with pytest.raises(ConfigurationError, match="formats differ"):
        merge_changes(tmp_path / "products.jsonl", tmp_path / "changes.csv", tmp_path / "out.csv")


NO_CHANGES = {
    "a.csv": [
        b"x,y\n1,2\n",
        b"field,before,after\na,b,c\n",
        b"id,field,before,after\n,a,b,c\n",
        b"id,field,before,after\n1,2\n",
    ],
    "a.jsonl": [
        b"oops\n",
        b'{"id": 1}\n',
        b'{"changes": []}\n',
        b'{"id": 1, "changes": [3]}\n',
        b'{"id": 1, "changes": [{}]}\n',
    ],
}


@pytest.mark.parametrize(("name", "content"), [(name, one) for name, all_ in NO_CHANGES.items() for one in all_])
def test_a_file_that_holds_no_changes_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    """Nothing is merged out of a file that is something else, and the result's place stays as it was."""
    products, changes, out = tmp_path / "products.jsonl", tmp_path / name, tmp_path / "out.jsonl"
    write_documents(products, [KAYAK])
    changes.write_bytes(content)
    out.write_text("old")
    with pytest.raises(CatalogFileError) as caught:
        merge_changes(products, changes, out)
    assert caught.value.path == str(changes)
    assert out.read_text() == "old"


@pytest.mark.parametrize("missing", ["products.jsonl", "changes.csv"])
def test_a_missing_file_is_named_and_leaves_the_result(tmp_path: Path, missing: str) -> None:
    """The result's place stays as it was."""
    products, changes, out = tmp_path / "products.jsonl", tmp_path / "changes.csv", tmp_path / "out.jsonl"
    write_documents(products, [KAYAK])
    write_changes(changes, enriched())
    out.write_text("old")
    (tmp_path / missing).unlink()
    with pytest.raises(CatalogFileError, match=missing):
        merge_changes(products, changes, out)
    assert out.read_text() == "old"


def test_changes_go_back_into_the_shape_of_a_pim(tmp_path: Path) -> None:
    """With the mapping that made the items, a change goes where its field came from."""
    pim, changes = tmp_path / "pim.jsonl", tmp_path / "changes.jsonl"
    boot: dict[str, Any] = {"identifier": "b", "values": {"name": [{"locale": None, "scope": None, "data": "Boot"}]}}
    write_documents(pim, [boot, {"identifier": "k", "values": {}}])
    mapping = PathMapping(
        {
            "documentId": "product://{identifier}",
            "ec_name": "values.name[0].data",
            "ec_color": "values.color[locale=null,scope=null].data",
        }
    )
    items = mapping.apply_all(read_products(pim))
    write_changes(changes, [change(None, "Navy", item) for item in items])
    assert merge_changes(pim, changes, pim, mapping=mapping) == MergedChanges(products=2, written=2)
    color = [{"locale": None, "scope": None, "data": "Navy"}]
    assert list(read_products(pim)) == [
        {**boot, "values": {**boot["values"], "color": color}},
        {"identifier": "k", "values": {"color": color}},
    ]


def test_a_product_of_another_shape_is_left_alone(tmp_path: Path) -> None:
    """Where a path of the mapping leads into something else, the change is left out, counted and named."""
    pim, changes = tmp_path / "pim.jsonl", tmp_path / "changes.jsonl"
    write_documents(pim, [{"id": "1", "values": "none"}])
    mapping = PathMapping({"documentId": "id", "ec_color": "values.color"})
    write_changes(changes, [change(None, "Navy", {"documentId": "1"})])
    merged = merge_changes(pim, changes, pim, mapping=mapping)
    reason = "1 ec_color: something else stands where its path leads"
    assert merged == MergedChanges(products=1, conflicts=1, examples=(reason,))
    assert list(read_products(pim)) == [{"id": "1", "values": "none"}]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_changes(tmp_path: Path, suffix: str) -> None:
    """Law 11: of changes written, read and merged only a few are held by the program at a time."""

    def peak(count: int) -> int:
        products, changes = tmp_path / f"products{count}.jsonl", tmp_path / f"changes{count}.{suffix}"
        keys = [f"product://{number:06}" for number in range(count)]
        write_documents(products, ({"documentId": key} for key in keys))
        tracemalloc.start()
        write_changes(changes, (change(None, "Navy", {"documentId": key}) for key in keys))
        assert merge_changes(products, changes, products).written == count
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return memory

    peak(1_000)  # what is only imported and compiled on first use
    assert peak(20_000) < 1.2 * peak(2_000)


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@st.composite
def decided(draw: st.DrawFn) -> list[EnrichedProduct]:
    """Products, some with changes."""
    keys = draw(st.lists(VALUES.filter(bool), max_size=4, unique=True))
    products = [{"documentId": key, **draw(st.dictionaries(st.sampled_from("abc"), VALUES))} for key in keys]
    return [
        EnrichedProduct(
            product,
            tuple(
                FieldChange(field, product.get(field), draw(VALUES), None, (SEEN,))
                for field in draw(st.lists(st.sampled_from("abcd"), unique=True))
            ),
        )
        for product in products
    ]


def only_filled(documents: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Documents without fields that are empty, which CSV cannot tell from missing ones."""
    for document in documents:
        yield {field: value for field, value in document.items() if value}


@given(decided(), st.sampled_from(["csv", "jsonl"]), st.sampled_from(["csv", "jsonl"]))
def test_merging_gives_the_documents_of_the_run(
    tmp_path_factory: pytest.TempPathFactory, run: list[EnrichedProduct], products_as: str, changes_as: str
) -> None:
    """Whatever the texts, products and changes merged are what the run decided, through either format."""
    folder = tmp_path_factory.mktemp("merged")
    products, changes = folder / f"products.{products_as}", folder / f"changes.{changes_as}"
    if products_as == "csv":
        with products.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["documentId", "a", "b", "c"])
            writer.writeheader()
            writer.writerows(one.product for one in run)
    else:
        write_documents(products, (one.product for one in run))
    write_changes(changes, run)
    merged = merge_changes(products, changes, products)
    assert (merged.conflicts, merged.unknown) == (0, 0)
    assert list(only_filled(read_products(products))) == list(only_filled(one.document for one in run))
