"""Coveo's query expressions, as the sandbox reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import untimed

from coveo_enrich.sandbox.search.expressions import (
    EVERYTHING,
    And,
    AtLeast,
    Boost,
    Compare,
    Exists,
    Expression,
    Not,
    Or,
    Phrase,
    QueryError,
    Range,
    partial,
    words,
)
from coveo_enrich.sandbox.search.query_language import ParsedExpression, parse_expression, parse_text

KAYAK, RED, YELLOW = Phrase(("kayak",)), Phrase(("red",)), Phrase(("yellow",))

READ: list[tuple[str, Expression]] = [
    ("", EVERYTHING),
    (" \n", EVERYTHING),
    ("Kayak", KAYAK),
    ("kayak red", And((KAYAK, RED))),
    ("kayak AND red", And((KAYAK, RED))),
    ("kayak and red", And((KAYAK, Phrase(("and",)), RED))),
    ("kayak OR red", Or((KAYAK, RED))),
    ("kayak OR red yellow", Or((KAYAK, And((RED, YELLOW))))),
    ("(kayak OR red) yellow", And((Or((KAYAK, RED)), YELLOW))),
    ("NOT red", Not(RED)),
    ("kayak NOT red", And((KAYAK, Not(RED)))),
    ("NOT NOT red", RED),
    ("NOT (kayak OR red)", Not(Or((KAYAK, RED)))),
    ('"Single Seat"', Phrase(("single", "seat"))),
    ("water-proof", Phrase(("water", "proof"))),
    ("joe@example.com", Phrase(("joe", "example", "com"))),
    ("kayak & NOT !", KAYAK),
    ("& OR kayak", KAYAK),
    ("café", Phrase(("cafe",))),
    ("@color", Exists("color")),
    ("@Color kayak", And((Exists("color"), KAYAK))),
    ("@color=yellow", Compare("color", "=", ("yellow",))),
    ('@color=="Dark blue"', Compare("color", "==", ("Dark blue",))),
    ('@color == "Dark blue"', Compare("color", "==", ("Dark blue",))),
    ('@color==("Yellow","Red")', Compare("color", "==", ("Yellow", "Red"))),
    ('@color==( "Yellow" , "Red" )', Compare("color", "==", ("Yellow", "Red"))),
    ("@color=(a b)", Compare("color", "=", ("a", "b"))),
    ('@color<>"Yellow"', Compare("color", "<>", ("Yellow",))),
    ('@color*=("Yel*")', Compare("color", "*=", ("Yel*",))),
    ("@ec_price=10..50", Range("ec_price", "10", "50")),
    ("@ec_price=-1.5..50.25", Range("ec_price", "-1.5", "50.25")),
    ("@date=2024/01/01..2024/12/31", Range("date", "2024/01/01", "2024/12/31")),
    ('@color="10..50"', Compare("color", "=", ("10..50",))),
    ("@ec_price>10", Compare("ec_price", ">", ("10",))),
    ("@ec_price >= 10", Compare("ec_price", ">=", ("10",))),
    ("@ec_price<10", Compare("ec_price", "<", ("10",))),
    ("@ec_price<=10", Compare("ec_price", "<=", ("10",))),
    ("@author=joe@example.com", Compare("author", "=", ("joe@example.com",))),
    ("@a==1 @b==2", And((Compare("a", "==", ("1",)), Compare("b", "==", ("2",))))),
    ('@color=="a\\b"', Compare("color", "==", ("a\\b",))),
    ('@color=="NOT (@x"', Compare("color", "==", ("NOT (@x",))),
    ("(kayak, red)", Or((KAYAK, RED))),
    ("NOT (kayak,red yellow)", Not(Or((KAYAK, And((RED, YELLOW)))))),
    ("kayak, red", And((KAYAK, RED))),
    ("kayak -red", And((KAYAK, Not(RED)))),
    ("-(kayak OR red)", Not(Or((KAYAK, RED)))),
    ("-@color", Not(Exists("color"))),
    ("kayak - red", And((KAYAK, RED))),
    ("costs $ 5", And((Phrase(("costs",)), Phrase(("5",))))),
    ("costs $5", And((Phrase(("costs",)), Phrase(("5",))))),
]


@pytest.mark.parametrize(("text", "expression"), READ, ids=[text or "empty" for text, _ in READ])
def test_an_expression_says_what_coveo_documents(text: str, expression: Expression) -> None:
    """Fields, operators, lists, ranges, phrases, and what binds closer: NOT, AND, OR; only upper case joins."""
    assert parse_expression(text) == ParsedExpression(expression)


IS_YELLOW, IS_DARK_BLUE = Compare("color", "==", ("Yellow",)), Compare("color", "==", ("Dark blue",))

BOOSTED: list[tuple[str, Expression, list[Boost]]] = [
    ("$qre(expression: '@color==\"Yellow\"', modifier: 100)", EVERYTHING, [Boost(IS_YELLOW, 100)]),
    ('$qre(expression: @color=="Yellow", modifier: 100)', EVERYTHING, [Boost(IS_YELLOW, 100)]),
    ("kayak $qre(expression:@color=='Dark blue', modifier:'1000')", KAYAK, [Boost(IS_DARK_BLUE, 1_000)]),
    ("kayak $qre(modifier:-5,expression:red)", KAYAK, [Boost(RED, -5)]),
    ("$qre(expression:(@color==(\"Yellow\",'Red')), modifier:'5')", EVERYTHING,
     [Boost(Compare("color", "==", ("Yellow", "Red")), 5)]),
    ("$qre(expression: @color==\"it's, (so\", modifier: 5)", EVERYTHING,
     [Boost(Compare("color", "==", ("it's, (so",)), 5)]),
    ("$qre(expression: 'red', modifier: '300', isConstant: 'true')", EVERYTHING, [Boost(RED, 300)]),
    ("$QRE ( Expression : red yellow , Modifier : 7 )", EVERYTHING, [Boost(And((RED, YELLOW)), 7)]),
    ("$qre(expression:red, modifier:1)$qre(expression:yellow, modifier:2) AND kayak", KAYAK,
     [Boost(RED, 1), Boost(YELLOW, 2)]),
    ("(kayak $qre(expression:red, modifier:1)) OR $qre(expression:yellow, modifier:2)", KAYAK,
     [Boost(RED, 1), Boost(YELLOW, 2)]),
    ("NOT $qre(expression:red, modifier:1)", EVERYTHING, [Boost(RED, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "condition", "boosts"), BOOSTED, ids=[text for text, _, _ in BOOSTED])
def test_a_ranking_expression_is_no_condition(text: str, condition: Expression, boosts: list[Boost]) -> None:
    """`$qre` keeps no item out and lets none in, wherever it stands; its expression is bare or in apostrophes."""
    assert parse_expression(text) == ParsedExpression(condition, tuple(boosts))


REFUSED = [
    '@color=="say "hi"',
    '@color=="a\\"b"',
    '"kayak',
    "(kayak",
    "kayak)",
    "()",
    "(kayak,)",
    "(,kayak)",
    "kayak OR",
    "OR kayak",
    "AND",
    "NOT",
    "kayak AND AND red",
    "@",
    "@ color",
    "@1st==2",
    "@color==",
    "@color==()",
    '@color==("Yellow"',
    "@color==,",
    "@color== AND kayak",
    "@color==@other",
    "@color==$other",
    "@color~=yelow",
    "@color%=yelow",
    "@color/=yel.*",
    "kayak NEAR red",
    "kayak NEAR:5 red",
    "<@-kayak OR red-@>",
    "$quoteVar(value: kayak)",
    "$some(keywords: kayak red, match: 1)",
    "$q",
    "$qre",
    "$qre()",
    "$qre(",
    "$qre(kayak, 5)",
    "$qre(expression: kayak)",
    "$qre(modifier: 5)",
    "$qre(expression: kayak, modifier: many)",
    "$qre(expression: kayak, modifier: 1.5)",
    "$qre(expression: kayak, modifier: 2147483649)",
    "$qre(expression: kayak, modifier: )",
    "$qre(expression: kayak, modifier: 5",
    "$qre(expression: kayak, modifier: 5, isConstant: perhaps)",
    "$qre(expression: kayak, modifier: 5, modifier: 6)",
    "$qre(expression: kayak, modifier: 5, because: 6)",
    "$qre(expression: '(', modifier: 1)",
    "$qre(expression: '', modifier: 1)",
    "$qre(expression: 'it's', modifier: 1)",
    "$qre(expression: '@color=='Yellow'', modifier: 1)",
    "$qre(expression: $qre(expression: red, modifier: 1), modifier: 1)",
    '$qre(expression: @color=="Yellow, modifier: 1)',
    "(" * 51 + "kayak" + ")" * 51,
    "(" * 26 + "$qre(expression: '" + "(" * 26 + "kayak" + ")" * 26 + "', modifier: 1)" + ")" * 26,
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    """What cannot be read or is not known to the sandbox is refused, and nothing is guessed or passed over."""
    with pytest.raises(QueryError):
        parse_expression(text)


def test_an_error_names_its_place() -> None:
    """An error names its place in the expression, counted from 1."""
    with pytest.raises(QueryError, match="a value is missing, at character 15"):
        parse_expression("kayak @color==)")


PIECES = st.sampled_from(
    ["@", "color", "==", "=", "<>", "*=", '"', "'", "(", ")", ",", " ", "..", "AND", "OR", "NOT", "$qre(", "modifier:",
     "expression:", "5", "é", "\\", "\x00", "\ud800", "NEAR"]
)  # fmt: skip


@untimed
@given(st.text() | st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Any text is read or refused; parentheses around it make no difference, but for commas that stand free."""
    try:
        parsed = parse_expression(text)
    except QueryError:
        return
    if "," not in text:
        assert parse_expression(f"({text})") == parsed if text.strip() else parsed == ParsedExpression(EVERYTHING)


@untimed
@given(st.text(st.characters(exclude_characters='"')))
def test_a_quoted_value_is_never_read_otherwise(value: str) -> None:
    """What stands between double quotes is the value, so that text without them cannot break out."""
    assert parse_expression(f'@color=="{value}"') == ParsedExpression(Compare("color", "==", (value,)))


@untimed
@given(st.text())
def test_text_without_syntax_is_only_words(text: str) -> None:
    """Without query syntax no field, operator or parenthesis in a text means anything."""
    expression = parse_text(text)
    parts = expression.parts if isinstance(expression, And) else (expression,)
    assert all(isinstance(part, Phrase) for part in parts)


def test_words_are_folded() -> None:
    """Case, diacritics and punctuation make no difference to a word."""
    assert words("Crème-BRÛLÉE, 2ème!") == ("creme", "brulee", "2eme")


def test_a_partial_match_is_for_many_words_only() -> None:
    """A partial match needs half of five words or more; fewer are all needed, and syntax is not loosened."""
    five = parse_text("a b c d e")
    each = tuple(Phrase((word,)) for word in "abcde")
    assert partial(five, keywords=5, needed=50, is_percentage=True) == AtLeast(3, each)
    assert partial(five, keywords=5, needed=2, is_percentage=False) == AtLeast(2, each)
    assert partial(five, keywords=5, needed=9, is_percentage=False) == AtLeast(5, each)
    for text in ("a b c d", "a b c d @color", "a OR b OR c OR d OR e"):
        expression = parse_expression(text).condition
        assert partial(expression, keywords=5, needed=50, is_percentage=True) == expression


TERMS = ("kayak", "@seats=2", '"yellow kayak"', "-red", "@seats=1..2", "$qre(expression: @seats, modifier: 5)")


@pytest.mark.parametrize("term", TERMS)
def test_a_query_has_up_to_two_hundred_terms(term: str) -> None:
    """A query of over 200 terms is refused; parentheses hide none, and `$qre` counts those of its expression."""
    most = 100 if term.startswith("$qre") else 200
    for joint in (" ", " OR "):
        terms = joint.join([term] * most)
        parse_expression(terms)
        for more in (f"{terms} more", f"({terms}) (more)"):
            with pytest.raises(QueryError, match="the sandbox takes up to 200 terms"):
                parse_expression(more)


def test_values_that_are_not_looked_up_whole_are_terms() -> None:
    """A list of whole values may be long; in other lists each word or pattern is a term."""
    values = ",".join(f'"{number}"' for number in range(201))
    parse_expression(f"@kayak_type==({values})")
    for operator in ("=", "*="):
        with pytest.raises(QueryError, match="200 terms"):
            parse_expression(f"@kayak_type{operator}({values})")
    with pytest.raises(QueryError, match="10,000 values"):
        parse_expression(f"@kayak_type==({','.join(['x'] * 10_001)})")


def test_plain_text_has_up_to_two_hundred_words() -> None:
    """Plain text of over two hundred words is refused, as a longer expression is."""
    assert parse_text("kayak " * 200)
    with pytest.raises(QueryError, match="200 terms"):
        parse_text("kayak " * 201)
