"""What is asked of `CoveoSearch` and cannot be answered is told by its name. Over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import ConfigurationError, CoveoRefused
from coveo_enrich.index import CoveoSearch, FieldClient, FieldNeed
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import Receipt

ITEM = {"documentId": "product://1", "color": "Yellow", "size": "L", "tags": ["light", "short"]}


@pytest.fixture
def sandbox() -> Iterator[CoveoSandbox]:
    """A source with one item, whose colour is a facet, and whose size is none."""
    with CoveoSandbox() as one:
        one.create_field("color", facet=True)
        one.create_field("size")
        one.create_field("empty", facet=True)
        one.create_field("tags", multi_value=True)
        with StreamClient(CoveoSource(**one.connection)) as client:
            client.update([ITEM])
        yield one


@pytest.fixture
def search(sandbox: CoveoSandbox) -> Iterator[CoveoSearch]:
    """A client of it."""
    with CoveoSearch(CoveoSource(**sandbox.connection), poll_seconds=0) as one:
        yield one


def receipt() -> Receipt:
    """What somebody may give in place of ids."""
    return Receipt(operation="update", organization_id="o", source_id="s", all_sent=True)


def test_a_facet_without_values_is_empty(search: CoveoSearch) -> None:
    """A facet is empty when its field is one and no item has a value."""
    assert search.facet("color") == {"Yellow": 1}
    assert search.facet("empty") == {}
    assert search.facet("color", expression='@color=="Red"') == {}


def test_a_field_of_several_values_has_a_facet(search: CoveoSearch) -> None:
    """The multi-value option of a field is enough for its facet."""
    assert search.facet("tags") == {"light": 1, "short": 1}


@pytest.mark.parametrize(
    ("field", "says"),
    [("colour", "there is no field colour: make it with FieldClient"), ("size", "the field size is no facet")],
)
def test_what_is_no_facet_is_told(search: CoveoSearch, field: str, says: str) -> None:
    """Law 9: Coveo answers a facet of a field that is none without an error and without values."""
    with pytest.raises(ConfigurationError, match=says):
        search.facet(field)


def test_a_list_of_fields_that_says_nothing_proves_nothing(sandbox: CoveoSandbox, search: CoveoSearch) -> None:
    """A facet without values is empty where the list of fields names none."""
    sandbox.fail("search", 200, body='{"fields": []}', after=1)
    assert search.facet("colour") == {}


def test_an_error_tells_which_list_of_fields_it_is_of(sandbox: CoveoSandbox, search: CoveoSearch) -> None:
    """A search has a list of fields of its own, which an error names otherwise than that of the organization."""
    sandbox.fail("search", 400, after=1)
    with pytest.raises(CoveoRefused, match="list the fields that a search knows"):
        search.facet("empty")
    sandbox.fail("fields", 400)
    with (
        FieldClient(CoveoSource(**sandbox.connection)) as fields,
        pytest.raises(CoveoRefused, match="list the fields:"),
    ):
        fields.plan([FieldNeed("empty")])


def test_facets_are_those_of_the_source() -> None:
    """Items of another source do not count in a facet."""
    with CoveoSandbox(restricted=False) as sandbox:
        sandbox.create_field("color", facet=True)
        source = CoveoSource(**sandbox.connection)
        for source_id, color in ((source.source_id, "Yellow"), ("another", "Red")):
            with StreamClient(attrs.evolve(source, source_id=source_id)) as client:
                client.update([{**ITEM, "color": color}])
        with CoveoSearch(source) as search:
            assert search.facet("color") == {"Yellow": 1}


@pytest.mark.parametrize(
    "expected", [[ITEM], "product://1", None, 5, {"product://1": "Yellow"}, {1: {}}, receipt(), ["product://1"]]
)
def test_what_is_no_mapping_of_items_is_refused(search: CoveoSearch, expected: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """`verify` raises ConfigurationError for what is no mapping of fields by documentId, and says what it wants."""
    with pytest.raises(ConfigurationError, match="expected are fields and values by documentId"):
        search.verify(expected)


@pytest.mark.parametrize("pushed", [5, "1716387965000", [1], {"a": 1}])
def test_what_is_no_receipt_proves_no_push(search: CoveoSearch, pushed: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """`verify` raises ConfigurationError if `pushed` is no receipt."""
    with pytest.raises(ConfigurationError, match="pushed is a receipt"):
        search.verify({"product://1": ITEM}, pushed=pushed)


@pytest.mark.parametrize("timeout", ["5", None, -1])
def test_a_timeout_that_is_no_time_is_refused(search: CoveoSearch, timeout: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """`verify` raises ConfigurationError, which names `timeout`, if that is no number of 0 or more."""
    with pytest.raises(ConfigurationError, match="timeout must be 0 or more seconds"):
        search.verify({"product://1": ITEM}, timeout=timeout)


@pytest.mark.parametrize("wrong", ["product://1", receipt(), None, 5, [1], [None]])
def test_what_are_not_several_texts_is_refused(search: CoveoSearch, wrong: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """`read_back` raises for ids or fields that are not several texts, such as one text, made of letters."""
    with pytest.raises(ConfigurationError, match="ids are several texts"):
        search.read_back(wrong, ["color"])
    with pytest.raises(ConfigurationError, match="fields are several texts"):
        search.read_back(["product://1"], wrong)


@pytest.mark.parametrize("query", ["kayak", ["kayak"], None, {"aq": "@color"}])
def test_what_is_no_query_is_refused(search: CoveoSearch, query: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """`find` raises ConfigurationError for what is no query, and shows what one looks like."""
    with pytest.raises(ConfigurationError, match=r"ItemQuery\(keywords="):
        search.find(query)


@pytest.mark.parametrize("field", [None, 5, ["color"]])
def test_what_is_no_name_of_a_field_is_refused(search: CoveoSearch, field: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """`facet` raises ConfigurationError for a field that is no text."""
    with pytest.raises(ConfigurationError, match="name of a field is wanted"):
        search.facet(field)
