"""The engine and the stack, once for all tests of the containers."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.engine import Engine, engine, missing_for_engine, prepare
from tests.system.stack import Stack, stack


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """A docker engine with the image of this checkout in it."""
    if missing := missing_for_engine():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"a docker engine needs {missing}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(f"the containers need {missing}")
    # a short path: a socket's has at most 107 letters
    with tempfile.TemporaryDirectory(prefix="earshot-engine-") as folder, engine(Path(folder)) as made:
        prepare(made)
        yield made


@pytest.fixture(scope="session")
def running(docker: Engine) -> Iterator[Stack]:
    """The stack of docker-compose.yml, everything healthy."""
    with tempfile.TemporaryDirectory(prefix="earshot-stack-") as folder, stack(docker, Path(folder)) as made:
        yield made
