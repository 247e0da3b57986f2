"""The networks that analyses are made with, each opened once."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.models import find_model

_opening = Lock()


def network(name: str) -> Backend:
    """Return the released model of this name, on the CPU. Raises as `open_model` does."""
    with _opening:
        return _open(name)


def open_ahead(*names: str) -> None:
    """Begin to open networks in a thread of its own; what goes wrong is said where they are used."""
    opening = ThreadPoolExecutor(1)
    opening.submit(lambda: [network(name) for name in names])
    opening.shutdown(wait=False)


@cache
def _open(name: str) -> Backend:
    return open_model(find_model(name), device="cpu", threads=1)
