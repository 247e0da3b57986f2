import doctest
import importlib
import pkgutil

import pytest

import extrapcli.dsp


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(extrapcli.dsp.__path__)])
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(f"extrapcli.dsp.{name}")
    assert doctest.testmod(module, extraglobs={"np": module.np}).failed == 0
