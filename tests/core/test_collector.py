"""The collector of cycles rests for a while, and only for that while."""

import gc

import pytest

from pro_sante_connect.core.collector import uncollected


def test_it_is_as_it_was_afterwards_even_after_a_failure() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()  # the inner one found it at rest
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), uncollected():
        raise ZeroDivisionError
    assert gc.isenabled()
