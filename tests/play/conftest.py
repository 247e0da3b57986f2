from pathlib import Path

import pytest

from tests.play.device import Device, why_no_device


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """A device that plays into a file."""
    if reason := why_no_device():
        pytest.skip(reason)
    return Device.into(tmp_path)
