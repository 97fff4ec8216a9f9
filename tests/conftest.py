import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.contracts.store", "tests.contracts.neighbours")

# Machines are slow now and then; a law does not break by that.
settings.register_profile("voxpeer", deadline=None)
settings.load_profile("voxpeer")
