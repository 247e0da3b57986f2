"""What encoders write into, where that is no file of its own."""

from typing import Protocol


class Target(Protocol):
    """A file object to encode into. What an encoder writes at earlier positions only corrects the header."""

    def write(self, data: bytes, /) -> int: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...

    def flush(self) -> None: ...
