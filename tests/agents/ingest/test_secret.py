"""Secrets are named in the sources file, and what is wrong with them is said without them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.ingest.secret import Secret, reveal
from schemas.errors import ConfigError
from schemas.model import Written


class Config(Written):
    """Has a secret."""

    token: Secret


@pytest.mark.parametrize("written", ["AAAA-the-secret", "env:", "file: ", "ENV:X", "https://x"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config(token=written)
    [error] = caught.value.errors(include_input=False)
    assert "env:NAME" in error["msg"]
    assert "AAAA" not in error["msg"]


def test_it_is_where_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(" s3cret\n")
    assert reveal(f"file:{tmp_path / 'x'}") == "s3cret"
    assert reveal("env:X_TOKEN", {"X_TOKEN": "s3cret "}) == "s3cret"
    assert "s3cret" not in repr(Config(token="env:X_TOKEN"))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for secret, named in (("env:X_TOKEN", "X_TOKEN: is not set"), (f"file:{tmp_path}/none", "none: cannot be read")):
        with pytest.raises(ConfigError, match=named):
            reveal(secret, {})
    with pytest.raises(ConfigError, match="is empty"):
        reveal(f"file:{tmp_path / 'empty'}")
