from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coveo_enrich import Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.classifiers import Classification, Label
from coveo_enrich.enrichment import Observation
from coveo_enrich.enrichment.decisions.decide import Decision, Seen, decide
from coveo_enrich.enrichment.decisions.targets import targets_of

Pairs = Sequence[tuple[str, float | None]]


def pictures(*of_each: Pairs, by: str = "acme") -> list[Seen]:
    """Say which labels were seen in the pictures ``1.jpg``, ``2.jpg`` and so on."""
    return [
        Seen(f"{number}.jpg", Classification(by, labels=[Label(*pair) for pair in pairs]))
        for number, pairs in enumerate(of_each, 1)
    ]


def decided(seen: Sequence[Seen], **options: Any) -> Decision:  # noqa: ANN401 - options of a rule
    """Decide about an empty product by one rule."""
    keys: dict[str, Any] = {"reads": "label"} | options
    return decide(targets_of({}, FieldMapping([FieldRule("a", **keys)])), seen)


def written(seen: Sequence[Seen], **options: Any) -> Any:  # noqa: ANN401 - as above
    """Return what is written into the field; `None` for nothing."""
    changes = decided(seen, **options).changes
    return changes[0].after if changes else None


# Vote


def test_the_value_that_most_pictures_speak_for_wins() -> None:
    """Three unsure pictures outvote a sure one."""
    seen = pictures([("red", 0.99)], [("blue", 0.4)], [("blue", 0.3)], [("blue", 0.5)])
    assert written(seen) == "red"
    assert written(seen, combine="vote") == "blue"


def test_a_vote_names_every_picture_that_speaks_for_it() -> None:
    """The evidence of a vote is all of its voices, the surest first, and it is as sure as that one."""
    (change,) = decided(pictures([("blue", 0.3)], [("red", 0.9)], [("blue", 0.5)]), combine="vote").changes
    assert [(one.image, one.confidence) for one in change.evidence] == [("3.jpg", 0.5), ("1.jpg", 0.3)]
    assert change.confidence == 0.5


def test_a_picture_speaks_for_all_that_is_surely_seen_in_it() -> None:
    """What stands second in every picture is spoken for by each; what is below the threshold is not spoken for."""
    seen = pictures([("red", 0.9), ("boat", 0.6)], [("blue", 0.9), ("boat", 0.5)])
    assert written(seen, combine="vote") == "boat"
    assert written(seen, combine="vote", min_confidence=0.7) == "red"


def test_two_classifiers_of_one_picture_have_one_vote() -> None:
    """Pictures count, not how many classifiers looked at one."""
    seen = [*pictures([("red", 0.4)]), *pictures([("red", 0.4)], by="other"), *pictures([], [("x", 1.0)], [("x", 1.0)])]
    assert written(seen, combine="vote") == "x"


def test_many_values_by_vote_are_those_of_more_than_half() -> None:
    """Of many values each needs more than half of the pictures; one that saw nothing counts as well."""
    seen = pictures([("a", 0.9), ("b", 0.2)], [("a", 0.3), ("b", 0.4), ("c", 1.0)], [("a", 0.5)], [])
    assert written(seen, combine="vote", values="many") == ("a",)
    assert written(seen[:3], combine="vote", values="many") == ("a", "b")


def test_evidence_without_a_majority_gives_way() -> None:
    """Where no value has more than half, the next evidence is read."""
    seen = [*pictures([("a", 1.0)], [("b", 1.0)]), *pictures([("c", 0.1)], by="other")]
    reads = [Evidence("label", of="acme"), Evidence("label", of="other")]
    assert written(seen, reads=reads, combine="vote", values="many") == ("c",)


# Ties


@pytest.mark.parametrize("combine", ["vote", "best"])
@pytest.mark.parametrize(("first", "second"), [("red", "blue"), ("blue", "red")])
def test_a_tie_goes_to_the_earlier_picture_and_is_reported(combine: str, first: str, second: str) -> None:
    """Law 9: where only the order of the pictures decides, the decision says so, and what spoke against it."""
    decision = decided(pictures([(first, 0.7)], [(second, 0.7)]), combine=combine)
    assert decision.changes[0].after == first
    (conflict,) = decision.conflicts
    assert (conflict.field, conflict.value, conflict.tie) == ("a", first, True)
    assert conflict.against == (Observation("2.jpg", second, 0.7, "acme"),)


def test_a_tied_vote_is_not_settled_by_confidence() -> None:
    """One voice each is a tie however sure they are; within the earlier picture its surest value wins."""
    decision = decided(pictures([("red", 0.3), ("blue", 0.4)], [("green", 0.9)]), combine="vote")
    assert decision.changes[0].after == "blue"
    assert decision.conflicts[0].tie


def test_a_tied_vote_is_settled_by_the_earlier_picture_alone() -> None:
    """What later pictures say of the tied values, however surely, does not count."""
    seen = pictures([("red", 0.3), ("blue", 0.4)], [("red", 0.9)], [("blue", 0.5)])
    assert written(seen, combine="vote") == "blue"


@pytest.mark.parametrize("combine", ["vote", "best"])
def test_a_single_picture_has_no_tie(combine: str) -> None:
    """Two values of one picture are in the classifier's order; no other order of pictures would change that."""
    decision = decided(pictures([("red", 0.7), ("blue", 0.7)]), combine=combine)
    assert (decision.changes[0].after, decision.conflicts) == ("red", ())


def test_a_tie_of_best_pictures_is_reported() -> None:
    """Of many values, those of the surest picture are written; another one as sure is named."""
    seen = pictures([("a", 0.5)], [("b", 0.9), ("c", 0.1)], [("d", 0.9)])
    decision = decided(seen, combine="best", values="many")
    assert decision.changes[0].after == ("b", "c")
    assert [(one.value, [seen.seen for seen in one.against], one.tie) for one in decision.conflicts] == [
        (("b", "c"), ["d"], True)
    ]


# Conflicts


def test_pictures_that_say_something_else_are_reported() -> None:
    """Law 9: a picture that speaks for other values and not for the one decided for is named, by its surest word."""
    seen = pictures([("red", 0.9)], [("green", 0.2), ("blue", 0.8)], [("blue", 0.7), ("red", 0.1)], [])
    (conflict,) = decided(seen).conflicts
    assert (conflict.value, conflict.tie) == ("red", False)
    assert conflict.against == (Observation("2.jpg", "blue", 0.8, "acme"),)


def test_less_trusted_classifiers_that_disagree_are_reported() -> None:
    """Law 9: what a later evidence would have said, surely enough, is named beside the value of the trusted one."""
    reads = [Evidence("label", of="acme"), Evidence("label", of="other", min_confidence=0.5)]
    trusted = pictures([("red", 0.1)])
    against = decided([*trusted, *pictures([("blue", 0.9)], by="other")], reads=reads).conflicts
    assert [one.against for one in against] == [(Observation("1.jpg", "blue", 0.9, "other"),)]
    assert decided([*trusted, *pictures([("blue", 0.4)], by="other")], reads=reads).conflicts == ()
    assert decided([*trusted, *pictures([("RED", 0.9)], by="other")], reads=reads).conflicts == ()


def test_words_for_one_value_do_not_disagree() -> None:
    """Two classifiers with different words for one value of the vocabulary agree."""
    seen = [*pictures([("navy blue", 0.9)]), *pictures([("midnight blue", 0.9)], by="other")]
    assert decided(seen, vocabulary=Vocabulary.colors()).conflicts == ()
    assert len(decided(seen).conflicts) == 1


def test_several_values_of_a_list_do_not_disagree() -> None:
    """A list has room for what each picture says."""
    assert decided(pictures([("red", 0.9)], [("blue", 0.9)]), values="many").conflicts == ()


# For every order


WORDS = st.sampled_from(["red", "crimson", "blue", "teal", "plaid"])
CONFIDENCES = st.none() | st.sampled_from([0.2, 0.5, 0.8])
LABELS = st.lists(st.tuples(WORDS, CONFIDENCES), max_size=3)
SEEN = st.lists(LABELS, min_size=1, max_size=5).flatmap(
    lambda of_each: st.tuples(st.just(pictures(*of_each)), st.permutations(pictures(*of_each)))
)
VOCABULARIES = st.sampled_from([None, Vocabulary({"Red": ["crimson"], "Blue": ["teal"]})])


def has_tie(*decisions: Decision) -> bool:
    """Tell whether one of the decisions reports a tie."""
    return any(conflict.tie for decision in decisions for conflict in decision.conflicts)


@settings(deadline=None)
@given(SEEN, VOCABULARIES, st.sampled_from(["best", "vote"]))
def test_apart_from_ties_the_order_of_pictures_makes_no_difference(
    seen: tuple[list[Seen], list[Seen]], vocabulary: Vocabulary | None, combine: str
) -> None:
    """Either the same value is written in every order of the pictures, or a tie is reported in every order."""
    one, other = (decided(order, vocabulary=vocabulary, combine=combine) for order in seen)
    if has_tie(one, other):
        assert has_tie(one)
        assert has_tie(other)
    else:
        assert [change.after for change in one.changes] == [change.after for change in other.changes]


@settings(deadline=None)
@given(SEEN, VOCABULARIES, st.sampled_from(["union", "vote"]))
def test_the_order_of_pictures_makes_no_difference_to_many_values(
    seen: tuple[list[Seen], list[Seen]], vocabulary: Vocabulary | None, combine: str
) -> None:
    """The values of a list are the same in every order of the pictures; of those equally sure, any may come first."""
    one, other = (written(order, vocabulary=vocabulary, combine=combine, values="many") or () for order in seen)
    assert sorted(one) == sorted(other)
    assert len(set(one)) == len(one)
