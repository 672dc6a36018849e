"""What the tests of the harvest share."""

import pytest

from pipelines.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")
