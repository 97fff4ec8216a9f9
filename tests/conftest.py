import pytest

pytest.register_assert_rewrite("tests.contracts.store", "tests.contracts.neighbours")
