"""A plan that is carried out half: what was done is known, and carrying it out again finishes it. Over real sockets."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from source_api import add_rule, fields_with_rules, make_report

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import AccessRefused, CoveoEnrichError, FieldsInConflict, NoReply
from coveo_enrich.index import AppliedFields, FieldClient, FieldNeed, FieldPlan
from coveo_enrich.sandbox import CoveoSandbox

COLOR = FieldNeed("color", facet=True, free_text=True)
SIZE = FieldNeed("size", facet=True)
MANY = tuple(FieldNeed(f"f{number}") for number in range(501))
NAMES = tuple(need.name for need in MANY)


@pytest.fixture
def client(sandbox: CoveoSandbox) -> Iterator[FieldClient]:
    """A client that waits for nothing."""
    source = CoveoSource(**sandbox.connection)
    with FieldClient(source, retry=RetryPolicy(attempts=2, first_wait_seconds=0)) as one:
        yield one


FAULTS: dict[str, tuple[Callable[[CoveoSandbox], None], type[CoveoEnrichError]]] = {
    "privilege lost": (lambda sandbox: sandbox.fail("fields", 403, after=3), AccessRefused),
    "network gone": (lambda sandbox: sandbox.break_connection("fields", times=2, after=3), NoReply),
    "replies lost": (lambda sandbox: sandbox.lose_reply("fields", times=2, after=3), NoReply),
}


@pytest.mark.parametrize(("break_it", "kind"), FAULTS.values(), ids=FAULTS)
def test_an_error_in_between_tells_what_was_done(
    sandbox: CoveoSandbox,
    client: FieldClient,
    break_it: Callable[[CoveoSandbox], None],
    kind: type[CoveoEnrichError],
) -> None:
    """Law 9: the fields that were created are in the error, which pickles; the same plan again does the rest."""
    plan = FieldPlan(to_create=MANY)
    break_it(sandbox)
    with pytest.raises(kind) as raised:
        client.apply(plan)
    error = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - pickled here
    assert error.receipt == AppliedFields(created=NAMES[:500])
    assert "f499" in error.__notes__[0]

    done = client.apply(plan)
    assert sorted(done.created + done.found) == sorted(NAMES)
    assert done.found[:500] == NAMES[:500]
    assert (error.receipt + done).must_push_again
    assert client.plan(MANY).is_ready


def test_rules_in_between_are_told_too(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """When a rule is refused, the error has the rules made before it; applied again, no rule is there twice."""
    sandbox.create_field("size", facet=True)
    plan = FieldPlan(to_create=(COLOR,), to_map=("size", "color"))
    sandbox.fail("mappings", 403, after=2)
    with pytest.raises(AccessRefused) as raised:
        client.apply(plan)
    assert raised.value.receipt == AppliedFields(created=("color",), mapped=("size",))
    assert client.apply(plan) == AppliedFields(mapped=("color",), found=("color", "size"))
    assert fields_with_rules(sandbox) == ["size", "color"]


def test_a_lost_reply_is_no_error(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """After a lost reply the call is repeated; the field is there by then and fits, so it counts as created."""
    sandbox.lose_reply("fields", after=1)
    plan = FieldPlan(to_create=(COLOR,))
    assert client.apply(plan) == AppliedFields(created=("color",))
    again = client.apply(plan)
    assert again == AppliedFields(found=("color",))


def test_what_somebody_made_after_the_plan_has_to_be_filled_too(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """Items that were pushed before somebody else made a field of the plan lack its values, and `apply` says so."""
    plan = client.plan([COLOR])
    sandbox.create_field("color", facet=True, merge_with_lexicon=True)
    done = client.apply(plan)
    assert (done, done.must_push_again) == (AppliedFields(found=("color",)), True)
    assert "have to be pushed again" in str(done)


def test_when_no_reply_tells_whether_it_was_done_items_are_to_be_pushed_again(
    sandbox: CoveoSandbox, client: FieldClient
) -> None:
    """After NoReply a note says to push again: the field may be there now; a second apply finds it, changes nothing."""
    sandbox.lose_reply("fields", times=2, after=1)
    plan = FieldPlan(to_create=(COLOR,))
    with pytest.raises(NoReply) as raised:
        client.apply(plan)
    assert "push again" in raised.value.__notes__[1]
    assert client.apply(plan) == AppliedFields(found=("color",))


def test_what_does_not_fit_is_told_before_anything_is_made(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """However many fields a plan has, one that somebody made otherwise raises before the first is created."""
    sandbox.create_field("f500", type="LONG")
    with pytest.raises(FieldsInConflict, match="f500: type is 'LONG'"):
        client.apply(FieldPlan(to_create=MANY))
    assert len(client.plan(MANY).to_create) == 500


def test_a_plan_of_conflicts_says_that_they_are_left(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """Applied, a plan of conflicts says that they are left and nothing was changed, not that nothing had to be done."""
    sandbox.create_field("color", type="LONG")
    done = client.apply(client.plan([COLOR]))
    assert done == AppliedFields(in_conflict=("color",))
    assert str(done).splitlines() == ["left in conflict: color", "nothing was changed"]


def test_a_key_with_values_of_several_types_is_not_made(client: FieldClient) -> None:
    """No field is made for values of several types until a FieldNeed says which; nor for a list of objects."""
    documents: list[dict[str, Any]] = [
        {"documentId": "product://1", "size": 5, "parts": [{"name": "hull"}, None], "pairs": [[1, 2]]},
        {"documentId": "product://2", "size": "XL", "parts": ["hull"]},
    ]
    plan = client.plan(documents)
    assert (plan.to_create, plan.loses_values, plan.is_ready) == ((), True, False)
    assert {(conflict.field, conflict.has, conflict.loses_values) for conflict in plan.conflicts} == {
        ("size", "LONG in 1, STRING in 1", True),
        ("parts", "lists of objects", True),
        ("pairs", "lists of objects", True),
    }
    assert "a FieldNeed decides its type" in str(plan)
    assert client.apply(plan) == AppliedFields(in_conflict=("size", "parts", "pairs"))
    assert client.apply(client.plan([SIZE])).created == ("size",)
    there = client.plan(documents)
    (size,) = [one for one in there.conflicts if (one.field, one.setting) == ("size", "type")]
    assert not size.loses_values
    assert "no range of it can be asked for" in size.breaks
    assert "size" not in there.right


def test_what_somebody_else_made_in_between_is_taken_when_it_fits(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """A field and a rule that do what is needed are as good as one's own; what is lacking is made."""
    plan = client.plan([COLOR, SIZE])
    sandbox.create_field("color", facet=True, merge_with_lexicon=True)
    assert client.apply(plan) == AppliedFields(created=("size",), found=("color",))
    add_rule(sandbox, "color", "%[color]")
    assert client.apply(FieldPlan(to_map=("color", "size"))) == AppliedFields(mapped=("size",), found=("color",))
    assert fields_with_rules(sandbox) == ["color", "size"]


def test_what_somebody_else_made_otherwise_is_a_conflict(sandbox: CoveoSandbox, client: FieldClient) -> None:
    """A field without Free text search, and a rule that reads something else: nothing is changed, nothing added."""
    plan = client.plan([COLOR])
    sandbox.create_field("color", facet=True)
    with pytest.raises(FieldsInConflict, match="mergeWithLexicon is False") as raised:
        client.apply(plan)
    assert raised.value.receipt == AppliedFields()
    assert "Until then: nothing was done" in raised.value.__notes__[0]
    add_rule(sandbox, "color", "%[farbe]")
    with pytest.raises(FieldsInConflict, match="mapping rule"):
        client.apply(FieldPlan(to_map=("color",)))
    assert fields_with_rules(sandbox) == ["color"]


def test_a_key_with_capitals_is_mapped_so_that_its_values_are_indexed(
    sandbox: CoveoSandbox, client: FieldClient
) -> None:
    """A rule that is made for a key with capitals fills the field, and is right in the next plan."""
    documents = [{"documentId": "product://1", "Color": "red"}]
    with StreamClient(CoveoSource(**sandbox.connection)) as stream:
        stream.update(documents)
        make_report(sandbox)
        sandbox.create_field("color", facet=True, merge_with_lexicon=True)
        plan = client.plan(documents)
        assert (plan.to_map, plan.spellings, plan.loses_values) == (("color",), ("Color",), True)
        assert client.apply(plan).mapped == ("color",)
        stream.update(documents)
    assert [item["color"] for item in sandbox.items()] == ["red"]
    assert client.plan(documents).is_ready
    lower = client.plan([{"documentId": "product://1", "color": "red"}])
    assert (lower.is_ready, lower.loses_values) == (False, True)
    assert client.apply(plan) == AppliedFields(found=("color",))
