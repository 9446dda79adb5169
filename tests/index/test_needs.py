from __future__ import annotations

from typing import Any

import pytest

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index import FieldNeed


def test_a_field_need_says_what_coveo_has_to_know() -> None:
    """A need is a plain value: by default a text that is neither grouped by nor searched."""
    need = FieldNeed("ec_color")
    assert (need.type, need.facet, need.multi_value, need.hierarchical, need.free_text) == (
        "STRING",
        False,
        False,
        False,
        False,
    )
    assert need == FieldNeed("ec_color")
    assert need != FieldNeed("ec_color", facet=True)


@pytest.mark.parametrize("name", ["", "EC_Color", "1a", "a b", "a" * 256])
def test_a_name_that_coveo_does_not_take_is_refused(name: str) -> None:
    """A field is named by a small letter, then small letters, digits and underscores."""
    with pytest.raises(ConfigurationError, match="field name"):
        FieldNeed(name)


def test_an_unknown_type_is_refused() -> None:
    """Types are Coveo's."""
    with pytest.raises(ConfigurationError, match="STRING, LONG"):
        FieldNeed("a", type="string")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("option", ["multi_value", "hierarchical", "free_text"])
def test_only_texts_hold_several_values_or_are_searched(option: str) -> None:
    """Coveo has these options for texts only."""
    options: dict[str, Any] = {option: True}
    assert FieldNeed("a", **options)
    with pytest.raises(ConfigurationError, match=f"{option} needs the type STRING, not DOUBLE"):
        FieldNeed("a", type="DOUBLE", **options)
