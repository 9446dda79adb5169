"""Words for the sex, age and origin of the people in a picture, which are kept out of decisions.

A model who wears a jacket says nothing about whom the jacket is for, and what a service reads off a face is often wrong
(docs.aws.amazon.com/rekognition/latest/dg/labels.html advises against decisions by it). Only labels are looked at: a
named attribute, such as a fashion tagger's ``gender``, is used by a rule that asks for it by name, or not at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import attrs

from coveo_enrich.classifiers.values import Classification, Label

__all__ = ["without_people_labels"]

_PEOPLE: Final = frozenset(
    word
    for line in (
        "person people human face head",
        "male female man men woman women boy boys girl girls lady ladies gentleman gentlemen guy",
        "adult adults child children kid kids baby babies infant toddler newborn teen teens teenager youth elderly",
        "senior pensioner grandmother grandfather grandparent mother father mom dad bride groom",
        "asian caucasian hispanic latino latina arab ethnicity race",
    )
    for word in line.split()
) | {
    "african american",
    "black people",
    "black person",
    "human being",
    "human face",
    "indigenous people",
    "native american",
    "old man",
    "old woman",
    "senior citizen",
    "white people",
    "white person",
    "young adult",
    "young man",
    "young woman",
}


def without_people_labels(classification: Classification) -> tuple[Classification, int]:
    """The classification without labels about people, also as the parents of others, and how many these were."""
    for label in classification.labels:
        if _is_about_people(label.name) or any(map(_is_about_people, label.parents)):
            break
    else:
        return classification, 0  # as nearly always, without a copy
    labels = tuple(map(_without_such_parents, (one for one in classification.labels if not _is_about_people(one.name))))
    return attrs.evolve(classification, labels=labels), _words_in(classification.labels) - _words_in(labels)


def _without_such_parents(label: Label) -> Label:
    return attrs.evolve(label, parents=[parent for parent in label.parents if not _is_about_people(parent)])


def _words_in(labels: tuple[Label, ...]) -> int:
    return sum(1 + len(label.parents) for label in labels)


@lru_cache(maxsize=4_096)  # a service has so many words for what is in pictures
def _is_about_people(word: str) -> bool:
    return " ".join(word.casefold().replace("-", " ").split()) in _PEOPLE
