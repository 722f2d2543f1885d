"""Findings: what a text of a wrong form should have been, in words."""

from typing import Annotated

import pytest
from pydantic import Field, create_model

from schemas.findings import Place, fit
from schemas.handling import TIME_OF_DAY
from schemas.watch import IDENTIFIER

HERE = Place("s.yml", lambda *_: 1)
FORMS = [
    (
        "an address without https",
        r"^https?://[^\s/]",
        "www.acme.example/feed",
        "web address",
        "`https://www.acme.example/feed`",
    ),
    ("a server", r"^https?://[^\s/]+$", "social.example", "must be a web address", "`https://social.example`"),
    ("an address that may be missing", r"^(https?://[^\s?#]+)?$", "feed", "must be a web address", ""),
    ("a number", r"^\d{1,40}$", "our page", "but must be made of digits", ""),
    ("a version", r"^(v\d+\.\d+)?$", "26", "but must be a version such as v26.0", ""),
    ("a time of day", TIME_OF_DAY, "22 Uhr", "but must be a time of day such as 07:30", ""),
    ("letters", r"^[a-z]+$", "News 2", "but must be made of lower-case letters", "`news`"),
    ("something else", r"^(\d{1,40}|me)$", "ich", r"but must be of the form ^(\d{1,40}|me)$", ""),
    ("an id", IDENTIFIER, "Müller & Co", "lower-case letters, digits and hyphens", "`mueller-co`"),
]


@pytest.mark.parametrize(("what", "pattern", "written", "message", "hint"), FORMS, ids=[row[0] for row in FORMS])
def test_a_text_of_a_wrong_form_is_told_what_form_it_should_have(
    what: str, pattern: str, written: str, message: str, hint: str
) -> None:
    model = create_model("Config", field=(Annotated[str, Field(pattern=pattern)], ...))
    found, (error,) = fit(model, {"field": written}, HERE)
    assert found is None
    assert f"is '{written}', but must be" in error.message
    assert message in error.message, what
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)
