"""What training reports while it runs."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """A step of training. Epochs and steps count from 1; `loss` is the mean of the epoch so far."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    validation_loss: float | None
    items_per_second: float
    seconds_left: float


class Progress(Protocol):
    def say(self, line: str) -> None: ...

    def prepared(self, count: int, of: int) -> None: ...

    def stepped(self, step: Step) -> None: ...
