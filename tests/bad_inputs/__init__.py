"""The table of bad inputs: what each is, and what must come of it."""

import pytest

pytest.register_assert_rewrite("tests.bad_inputs.case", "tests.bad_inputs.files")
