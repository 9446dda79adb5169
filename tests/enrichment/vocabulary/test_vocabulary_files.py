"""Vocabularies out of files and into them, and what a run could not map on its way through one."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import EnrichedProduct, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.enrichment import Observation, UnmappedValue
from coveo_enrich.enrichment.report import ReportBuilder
from coveo_enrich.errors import CatalogFileError, ConfigurationError

KAYAKS = Vocabulary({"Single Seat": ["solo kayak", "one person kayak"], "Tandem": ["double"], "Inflatable": []})


@pytest.mark.parametrize(
    "content",
    [
        'value,synonyms\nSingle Seat,"solo kayak; one person kayak"\nTandem,double\nInflatable,\n',
        'value,synonyms\nSingle Seat,"solo kayak, one person kayak"\nTandem,double\nInflatable,\n',
        "value,synonyms\nSingle Seat,solo kayak;one person kayak\nTandem,double\nInflatable,\n",
        'value,synonyms\nSingle Seat,"solo kayak\none person kayak"\nTandem,double\nInflatable,\n',
        "value;synonyms\nSingle Seat;solo kayak, one person kayak\nTandem;double\nInflatable;\n",
        'value;synonyms\nSingle Seat;"solo kayak;one person kayak"\nTandem;double\nInflatable;\n',
        "note,value,synonyms\n,Single Seat,solo kayak;one person kayak\n,Tandem,double\nnew,Inflatable,\n",
        "value\tsynonyms\nSingle Seat\tsolo kayak;one person kayak\nTandem\tdouble\nInflatable\t\n",
        "value,synonyms\nSingle Seat,solo kayak\nTandem,double\nSingle Seat,one person kayak\nInflatable,\n",
        "value,synonym\nSingle Seat,solo kayak\nSingle Seat,one person kayak\nTandem,double\nInflatable,\n",
        "Synonym ,VALUE\r\nsolo kayak,Single Seat\r\none person kayak,Single Seat\r\n\r\ndouble, Tandem\r\n,Inflatable",
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_csv_file_is_read(tmp_path: Path, content: str, mark: str) -> None:
    """Synonyms in one cell or one a row, any usual delimiter, with or without a byte order mark."""
    path = tmp_path / "kayaks.csv"
    path.write_bytes((mark + content).encode())
    assert Vocabulary.from_file(path) == KAYAKS


@pytest.mark.parametrize(
    "content",
    [
        {"Single Seat": ["solo kayak", "one person kayak"], "Tandem": ["double"], "Inflatable": []},
        [
            {"value": "Single Seat", "synonyms": ["solo kayak", "one person kayak"]},
            {"value": "Tandem", "synonym": "double", "note": 3},
            {"value": "Inflatable"},
        ],
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_json_file_is_read(tmp_path: Path, content: object, mark: str) -> None:
    """An object of values, or a list of rows."""
    path = tmp_path / "kayaks.json"
    path.write_bytes((mark + json.dumps(content)).encode())
    assert Vocabulary.from_file(path) == KAYAKS


def test_a_single_column_is_a_list_of_values(tmp_path: Path) -> None:
    """Values need no synonyms."""
    path = tmp_path / "sizes.csv"
    path.write_text("value\nS\nM\n")
    assert Vocabulary.from_file(path) == Vocabulary({"S": [], "M": []})


BROKEN_CSV: list[tuple[bytes, int | None, str]] = [
    (b"", None, "empty"),
    (b"colour,synonyms\nRed,crimson\n", 1, "'value'"),
    (b"value,synonyms\nRed,crimson,scarlet\n", 2, "3 cells"),
    (b"value,synonyms\n\nRed\n", 3, "1 cells"),
    (b"value;synonyms;;\nRed;crimson;;\nBlue;sky;azure;\n", 3, "does not name: put several synonyms into one cell"),
    (b"value,synonyms,synonyms\nRed,crimson,scarlet\n", 1, "'synonyms' twice"),
    (b"value,synonyme\nRed,crimson\n", 1, "'synonyme' is unknown: did you mean 'synonyms'"),
    (b"value;Synonyms (comma separated)\nRed;crimson\n", 1, "did you mean 'synonyms'"),
    (b"value,sinonym\nRed,crimson\n", 1, "'sinonym' is unknown: did you mean 'synonym'"),
    (b"value,Synonymes\nRed,crimson\n", 1, "'synonymes' is unknown: did you mean 'synonyms'"),
    (b"value,synonyms,synonyms 2\nRed,crimson,scarlet\n", 1, "What is read is 'value', 'synonyms', 'synonym'"),
    (b"valeu,synonyms\nRed,crimson\n", 1, "'valeu' is unknown: did you mean 'value'"),
    (b"value,Value\nRed,crimson\n", 1, "'value' twice"),
    ("value;synonyms\r\nRed;crimson\r\n".encode("utf-16"), 1, "save it as CSV UTF-8"),
    (b'value,synonyms\nRed,"dark\nred"\n,crimson\n', 4, "no value for 'crimson'"),
    (b"value,synonyms\nRed,crimson\nBlue,sky\nPurple,Crimson\nPink,\n", 4, "both 'Red' and 'Purple'"),
    (b"value,synonyms\nRed,\nred,\n", 3, "both 'Red' and 'red'"),
    (b'value,synonyms\nRed,\n"Red;Blue",\n', 3, "';'"),
    (b"value,synonyms\nRed,--\nBlue,\n", 2, "holds nothing"),
    (b"value,synonyms\nRed,\nCaf\xe9,\n", 3, "UTF-8"),
    (b'value,synonyms\nRed,"crimson\n', 2, "not CSV"),
]


@pytest.mark.parametrize(("content", "line", "reason"), BROKEN_CSV)
def test_a_mistake_in_a_csv_file_is_named_with_its_line(
    tmp_path: Path, content: bytes, line: int | None, reason: str
) -> None:
    """The error says where in the file, as an editor counts, and what."""
    path = tmp_path / "colors.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogFileError, match=reason) as caught:
        Vocabulary.from_file(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)


@pytest.mark.parametrize("wrong", range(50))
def test_the_line_of_a_conflict_is_its_second(tmp_path: Path, wrong: int) -> None:
    """In a long file, the line that is named is the first that does not fit those before it."""
    rows = [f"v{number},w{number}" for number in range(50)]
    rows[wrong] += "\nother,w0\nanother,w0"
    path = tmp_path / "long.csv"
    path.write_text("value,synonym\n" + "\n".join(rows))
    with pytest.raises(CatalogFileError) as caught:
        Vocabulary.from_file(path)
    assert caught.value.line == wrong + 3


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b'{"Red": ["crimson"],\n"Blue": [}', 2, "not JSON"),
        (b'{"Red": []}\xff', None, "UTF-8"),
        (b'{"Red": [], "Red": []}', None, "'Red' comes twice"),
        (b'"Red"', None, "must hold an object"),
        (b'{"Red": "crimson"}', None, "'Red' must be a list"),
        (b'{"Red": [1]}', None, "'Red' must be a list"),
        (b'["Red"]', None, "must be an object"),
        (b'[{"value": 1}]', None, "must be texts"),
        (b'[{"synonym": "x"}]', None, "must be texts"),
        (b'[{"value": "Red"}, {"value": "Blue", "synonyme": ["sky"]}]', None, "'synonyme' is unknown: did you mean"),
        (b'[{"Value": "Red"}]', None, "'Value' is unknown: did you mean 'value'"),
        (b'[{"value": "", "synonym": "x"}]', None, "no value for 'x'"),
        (b'{"Red": ["x"], "Blue": ["x"]}', None, "both 'Red' and 'Blue'"),
        (b"[" * 100_000, None, "no vocabulary"),
    ],
)
def test_a_mistake_in_a_json_file_is_named(tmp_path: Path, content: bytes, line: int | None, reason: str) -> None:
    """The error names the file and the value, and a line where it is no JSON."""
    path = tmp_path / "colors.json"
    path.write_bytes(content)
    with pytest.raises(CatalogFileError, match=reason) as caught:
        Vocabulary.from_file(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)


@pytest.mark.parametrize("name", ["colors.xlsx", "colors"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    """What a file is, its name says."""
    with pytest.raises(ConfigurationError, match=r"\.csv or \.json"):
        Vocabulary.from_file(tmp_path / name)
    with pytest.raises(ConfigurationError, match=r"\.csv or \.json"):
        Vocabulary.colors().to_file(tmp_path / name)


@pytest.mark.parametrize("name", ["missing.csv", "missing.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """A file that is not there is named."""
    with pytest.raises(CatalogFileError, match="No such file"):
        Vocabulary.from_file(tmp_path / name)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).map(str.strip)


@given(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3), max_size=5), st.sampled_from(["csv", "json"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, list[str]], suffix: str
) -> None:
    """Any vocabulary comes back equal through either kind of file."""
    try:
        vocabulary = Vocabulary(entries)
    except ConfigurationError:
        return
    path = tmp_path_factory.mktemp("written") / f"vocabulary.{suffix}"
    vocabulary.to_file(path)
    assert Vocabulary.from_file(path) == vocabulary


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_writing_that_fails_leaves_the_old_file(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a merchandiser works on is replaced as a whole or not at all."""
    path = tmp_path / f"colors.{suffix}"
    path.write_text("old")

    def fail(*_args: object, **_options: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dumps", fail)
    monkeypatch.setattr(csv, "writer", fail)
    with pytest.raises(OSError, match="No space"):
        KAYAKS.to_file(path)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [(path.name, "old")]


def test_more_words_extend_a_vocabulary() -> None:
    """Synonyms join the value that they are given for, new values join the others, and the first stays as it was."""
    extended = KAYAKS.extended({"tandem": ["two seater"], "Fishing": [], "Inflatable": ["air kayak"]})
    assert extended.entries == (
        ("Single Seat", ("solo kayak", "one person kayak")),
        ("Tandem", ("double", "two seater")),
        ("Inflatable", ("air kayak",)),
        ("Fishing", ()),
    )
    assert KAYAKS.match("two seater") is None
    assert KAYAKS.extended(Vocabulary({"Tandem": ["double"]})) == KAYAKS


@pytest.mark.parametrize("more", [{"Tandem": ["solo kayak"]}, {"double": ["x"]}, {"x;y": []}, {"Tandem": "pair"}])
def test_words_that_do_not_fit_extend_no_vocabulary(more: Any) -> None:  # noqa: ANN401 - some are no lists
    """What makes no vocabulary from the start makes none later."""
    with pytest.raises(ConfigurationError):
        KAYAKS.extended(more)


COLORS = Vocabulary({"Blue": ["sky blue"], "Navy": ["navy blue"], "Green": []})
UNMAPPED = {"Bleu": 5, "navy blue stripe": 7, "heliotrope": 2, "BLEU": 4, "blues": 3, "--": 9, "=cmd()": 1, "é;x": 1}


def test_what_could_not_be_mapped_is_suggested_beside_what_it_resembles() -> None:
    """The most frequent first, counted whatever the case; known words and words of nothing are left out."""
    words = COLORS.suggest(UNMAPPED).words
    assert [(one.word, one.count, one.nearest) for one in words] == [
        ("Bleu", 9, ("Blue",)),
        ("navy blue stripe", 7, ("Navy", "Blue")),
        ("heliotrope", 2, ()),
        ("=cmd()", 1, ()),
        ("é;x", 1, ()),
    ]


def test_what_a_report_counts_together_is_no_word() -> None:
    """The words beyond the limit of a report have no name, so that none of them is suggested."""
    field = FieldRule("kind", reads="label", vocabulary=COLORS)
    counted = ReportBuilder(FieldMapping([field]))
    for number in range(1_500):
        word = UnmappedValue("kind", Observation("a.jpg", f"word {number}", 0.9, "acme"))
        counted.count(EnrichedProduct({}, unmapped=(word,)))
    unmapped = counted.report(calls={}, hits={}, stopped={}, prices={}).unmapped["kind"]
    assert sum(unmapped.values()) == 1_500
    assert {one.word for one in COLORS.suggest(unmapped).words} == {f"word {number}" for number in range(1_000)}


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_nothing_is_accepted_by_itself(tmp_path: Path, suffix: str) -> None:
    """A file of suggestions that nobody edited adds nothing, however much alike the words are."""
    path = tmp_path / f"new.{suffix}"
    COLORS.suggest(UNMAPPED).to_file(path)
    assert Vocabulary.from_file(path) == Vocabulary({})
    assert COLORS.extended(Vocabulary.from_file(path)) == COLORS


def test_suggestions_are_edited_in_csv_and_taken_back(tmp_path: Path) -> None:
    """What a person fills in is known from then on, words that look like formulas or lists included."""
    path = tmp_path / "new.csv"
    COLORS.suggest(UNMAPPED).to_file(path)
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines == [
        "value,synonym,count,nearest",
        ",Bleu,9,Blue",
        ",navy blue stripe,7,Navy; Blue",
        ",heliotrope,2,",
        ",'=cmd(),1,",
        ",é;x,1,",
    ]
    header, *rows = csv.reader(lines)
    decisions = ["blue", "", "Purple", "Green", "Navy"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        edited = ([value, *row[1:]] for value, row in zip(decisions, rows, strict=True))
        csv.writer(file, delimiter=";").writerows([header, *edited])
    extended = COLORS.extended(Vocabulary.from_file(path))
    found = {word: extended.match(word) for word in ("bleu", "navy blue stripe", "heliotrope", "=cmd()", "é;x")}
    assert found == {"bleu": "Blue", "navy blue stripe": None, "heliotrope": "Purple", "=cmd()": "Green", "é;x": "Navy"}
    assert [one.word for one in extended.suggest(UNMAPPED).words] == ["navy blue stripe"]


def test_suggestions_are_edited_in_json_and_taken_back(tmp_path: Path) -> None:
    """The same by a program."""
    path = tmp_path / "new.json"
    COLORS.suggest(UNMAPPED).to_file(path)
    rows = json.loads(path.read_bytes())
    assert rows[1] == {"value": "", "synonym": "navy blue stripe", "count": 7, "nearest": ["Navy", "Blue"]}
    rows[1]["value"] = "Navy"
    path.write_text(json.dumps(rows))
    assert COLORS.extended(Vocabulary.from_file(path)).match("navy blue stripe") == "Navy"


@given(st.dictionaries(st.text(max_size=8) | st.text("blue navy", max_size=8), st.integers(1, 9), max_size=8))
def test_every_unknown_word_is_suggested(unmapped: dict[str, int]) -> None:
    """Law 9: no word and no count is lost but those of words that are known or hold nothing."""
    suggestions = COLORS.suggest(unmapped).words
    lost = [word for word in unmapped if COLORS.match(word) is None and Vocabulary({}).suggest({word: 1}).words]
    assert sum(one.count for one in suggestions) == sum(unmapped[word] for word in lost)
    assert all(COLORS.match(one.word) is None and set(one.nearest) <= set(COLORS.values) for one in suggestions)
