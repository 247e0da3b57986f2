"""Things that are made in a thread while others are used."""

import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extrapcli.ahead import ahead

PATIENCE = 30.0


def collect(items: Iterator[int], got: list[int]) -> None:
    for item in items:
        got.append(item)


@settings(max_examples=20)
@given(st.lists(st.integers() | st.text(), max_size=20))
def test_the_items_come_in_order_and_end(items: list[int | str]) -> None:
    assert list(ahead(iter(items))) == items


@settings(max_examples=20)
@given(st.lists(st.integers(), max_size=20), st.integers(0, 5))
def test_an_error_comes_in_the_place_of_its_item(items: list[int], more: int) -> None:
    def made() -> Iterator[int]:
        yield from items
        raise ValueError("broken")

    coming = ahead(made())
    got: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        collect(coming, got)
    assert got == items
    assert list(islice(coming, more)) == []


def test_the_first_item_is_made_at_once_and_in_another_thread() -> None:
    begun = threading.Event()
    threads = []

    def made() -> Iterator[int]:
        threads.append(threading.get_ident())
        begun.set()
        yield 1

    coming = ahead(made())
    assert begun.wait(PATIENCE)
    assert threads != [threading.get_ident()]
    assert list(coming) == [1]


def test_one_item_is_made_ahead_and_no_more() -> None:
    made, ready = [], threading.Semaphore(0)

    def items() -> Iterator[int]:
        for number in count():
            made.append(number)
            ready.release()
            yield number

    coming = ahead(items())
    assert ready.acquire(timeout=PATIENCE)
    assert made == [0]
    for number in range(5):
        assert next(coming) == number
        assert ready.acquire(timeout=PATIENCE)
        assert made == list(range(number + 2))


def test_nothing_is_made_after_it_is_closed() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in count():
            made.append(number)
            yield number

    coming = ahead(items())
    assert next(coming) == 0
    coming.close()  # type: ignore[attr-defined]
    assert list(coming) == []
    assert len(made) <= 2


def test_items_may_be_false() -> None:
    assert list(ahead(iter([0, "", False]))) == [0, "", False]
