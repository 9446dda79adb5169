"""What several pictures come to, each of which may speak for several values: the surest, the most frequent, or all.

Pure. Which words count as a value, and how sure each must be, is settled before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import attrs

from coveo_enrich.enrichment.product import Observation
from coveo_enrich.enrichment.rules.field_types import Value

__all__ = ["Candidate", "Combined", "Heard", "combine", "sureness"]


class Scored(Protocol):
    """Something that has a confidence, or was not scored."""

    @property
    def confidence(self) -> float | None:
        """0 to 1; `None` when it was not scored."""
        ...


@attrs.frozen
class Candidate:
    """A value that something speaks for."""

    value: Value
    confidence: float | None
    evidence: tuple[Observation, ...]


@attrs.frozen
class Heard:
    """What a classification of one picture speaks for, by value; nothing is an answer too."""

    image: str
    candidates: Mapping[Value, Candidate]


@attrs.frozen
class Combined:
    """What pictures come to.

    Attributes:
        candidates: What is to be written, the surest first; of one value, it is the first.
        tied: What would have been written if its picture had been an earlier one.
    """

    candidates: tuple[Candidate, ...] = ()
    tied: tuple[Candidate, ...] = ()


_How: TypeAlias = Callable[[Sequence[Heard]], Combined]


def combine(how: str, heard: Sequence[Heard], *, many: bool) -> Combined:
    """What pictures come to, one of which at least speaks for a value.

    Args:
        how: As ``FieldRule.combine``.
        heard: What was heard, in the order of the pictures.
        many: Whether a field takes many values.
    """
    return _HOW[how, many](heard)


def sureness(scored: Scored) -> float:
    """A confidence as one that is compared: what was not scored is the least sure."""
    return -1.0 if scored.confidence is None else scored.confidence


def _union(heard: Sequence[Heard]) -> Combined:
    return Combined(_surest_of_each(heard))


def _best(heard: Sequence[Heard]) -> Combined:
    first, *others = _surest_of_each(heard)
    tied = [other for other in others if sureness(other) == sureness(first)]
    return Combined((first,), _if_order_decides(heard, tied))


def _best_picture(heard: Sequence[Heard]) -> Combined:
    speaking = [_ranked(one.candidates.values()) for one in heard if one.candidates]
    best = max(speaking, key=lambda candidates: sureness(candidates[0]))  # the first of equal ones
    values = {candidate.value for candidate in best}
    tied = [
        candidate
        for other in speaking
        if sureness(other[0]) == sureness(best[0])
        for candidate in other
        if candidate.value not in values
    ]
    return Combined(best, tuple(tied))


def _vote(heard: Sequence[Heard]) -> Combined:
    voices = _voices(heard)
    most = max(map(_votes, voices.values()))
    leading = {value: _together(spoken) for value, spoken in voices.items() if _votes(spoken) == most}
    found = ([leading[value] for value in one.candidates if value in leading] for one in heard)
    earliest = next(filter(None, found))
    # Within one picture its own sureness decides, whatever the others say.
    first = max(earliest, key=lambda candidate: sureness(voices[candidate.value][0]))
    tied = [candidate for candidate in leading.values() if candidate is not first]
    return Combined((first,), _if_order_decides(heard, tied))


def _majority(heard: Sequence[Heard]) -> Combined:
    pictures = len({one.image for one in heard})
    return Combined(_ranked(_together(spoken) for spoken in _voices(heard).values() if 2 * _votes(spoken) > pictures))


_HOW: Final[Mapping[tuple[str, bool], _How]] = {
    ("best", False): _best,
    ("best", True): _best_picture,
    ("vote", False): _vote,
    ("vote", True): _majority,
    ("union", True): _union,
}


def _surest_of_each(heard: Sequence[Heard]) -> tuple[Candidate, ...]:
    if len(heard) == 1:
        return _ranked(heard[0].candidates.values())
    surest: dict[Value, Candidate] = {}
    for one in heard:
        for value, candidate in one.candidates.items():
            earlier = surest.get(value)
            if earlier is None or sureness(candidate) > sureness(earlier):
                # Taken out first, so that the order tells which was as sure as it is now the earliest.
                surest.pop(value, None)
                surest[value] = candidate
    return _ranked(surest.values())


def _ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=sureness, reverse=True))


def _voices(heard: Sequence[Heard]) -> dict[Value, list[Candidate]]:
    voices: dict[Value, list[Candidate]] = {}
    for one in heard:
        for value, candidate in one.candidates.items():
            voices.setdefault(value, []).append(candidate)
    return voices


def _votes(spoken: Iterable[Candidate]) -> int:
    """Pictures count, not classifiers that looked at the same one."""
    return len({candidate.evidence[0].image for candidate in spoken})


def _together(spoken: Iterable[Candidate]) -> Candidate:
    surest, *others = _ranked(spoken)
    return Candidate(surest.value, surest.confidence, sum((one.evidence for one in others), surest.evidence))


def _if_order_decides(heard: Sequence[Heard], tied: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Between the values of a single picture, its own order decides; that is no tie of pictures."""
    return tuple(tied) if sum(bool(one.candidates) for one in heard) > 1 else ()
