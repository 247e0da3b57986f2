"""Continues every song in a folder, with worker processes and a manifest of what became of each."""

from extrapcli.batch.batch import Batch
from extrapcli.batch.scheduler import Counts

__all__ = ["Batch", "Counts"]
