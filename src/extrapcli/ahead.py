"""Make things in a thread while others are used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Make items in a thread, from now on, and one ahead of what is asked for; errors come where their item would."""
    maker = ThreadPoolExecutor(1)
    first = maker.submit(next, items, None)

    def made() -> Iterator[Item]:
        coming = first
        try:
            while (item := coming.result()) is not None:
                coming = maker.submit(next, items, None)
                yield item
        finally:
            maker.shutdown(wait=False, cancel_futures=True)

    return made()
