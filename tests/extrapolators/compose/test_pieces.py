import numpy as np
import pytest

from extrapcli.extrapolators.compose.bands import NAMES, Bands
from extrapcli.extrapolators.compose.pieces import Layer, mixed

RATE = 22050


def layers_of(song: np.ndarray) -> list[Layer]:
    bands = Bands(song, RATE)
    return [Layer(bands, band) for band in range(len(NAMES))]


def test_a_song_that_goes_on_where_it_was_is_the_song(rng: np.random.Generator) -> None:
    song = rng.normal(size=(4 * RATE, 2)).astype(np.float32)
    layers = layers_of(song)
    for layer in layers:
        for at in (RATE, 2 * RATE, 2 * RATE + 5000):
            layer.add(at, at)
    np.testing.assert_allclose(mixed(song, layers, 100, 3 * RATE), song[100 : 3 * RATE], atol=1e-4)


def test_the_head_is_the_song_until_the_first_crossfade(rng: np.random.Generator) -> None:
    song = rng.normal(size=(2 * RATE, 1)).astype(np.float32)
    layers = layers_of(song)
    begins = [layer.add(RATE, 5000).begin for layer in layers]
    assert all(begin < RATE for begin in begins)
    np.testing.assert_allclose(mixed(song, layers, 0, min(begins)), song[: min(begins)], atol=1e-5)


def test_a_track_is_the_same_in_whatever_stretches_it_is_rendered(rng: np.random.Generator) -> None:
    song = rng.normal(size=(4 * RATE, 2)).astype(np.float32)

    def made(size: int) -> np.ndarray:
        layers = layers_of(song)
        for number, layer in enumerate(layers):
            for at, source in ((RATE, 20000), (RATE + 4000, 7000 + 100 * number), (2 * RATE, 50000)):
                layer.add(at, source)
        return np.concatenate([mixed(song, layers, at, min(at + size, 60000)) for at in range(0, 60000, size)])

    np.testing.assert_allclose(made(999), made(60000), atol=1e-5)


@pytest.mark.parametrize("hertz", [110.0, 1000.0])
def test_a_tone_goes_on_without_a_step(hertz: float) -> None:
    song = np.sin(2 * np.pi * hertz * np.arange(4 * RATE) / RATE)[:, None].astype(np.float32)
    layers = layers_of(song)
    for layer in layers:
        layer.add(RATE, 2 * RATE + 37)
    track = mixed(song, layers, RATE // 2, RATE * 3 // 2)[:, 0]
    bend = np.abs(np.diff(track, 2)).max()
    assert bend < 1.2 * np.abs(np.diff(song[:, 0], 2)).max()
    assert np.abs(track).max() < 1.02
    level = np.square(track).reshape(-1, 315).mean(axis=1)
    assert level.min() > 0.9 * 0.5


@pytest.mark.parametrize("band", [0, 1, 2])
def test_where_the_sides_differ_the_power_stays(band: int) -> None:
    rng, powers = np.random.default_rng(2), []
    for _ in range(60):
        layer = layers_of(rng.normal(size=(2 * RATE, 1)).astype(np.float32))[band]
        piece = layer.add(RATE // 2, int(rng.integers(RATE, 2 * RATE - 2000)), shifts=False)
        length = piece.fade.samples
        made = layer.render(piece.begin - length, piece.begin + 2 * length)[:, 0]
        powers.append([np.square(made[k * length // 3 :][: length // 3]).mean() for k in (0, 1, 2, 4, 6, 7, 8)])
    before, amid, after = np.split(np.mean(powers, axis=0), [3, 4])
    assert amid.mean() == pytest.approx(np.mean([*before, *after]), rel=0.25)


def test_channels_of_opposite_phase_go_on_without_a_dip() -> None:
    tone = np.sin(2 * np.pi * 110 * np.arange(4 * RATE) / RATE).astype(np.float32)
    song = np.stack([tone, -tone], axis=1)
    layers = layers_of(song)
    for layer in layers:
        layer.add(RATE, 2 * RATE + 37)
    level = np.square(mixed(song, layers, RATE // 2, RATE * 3 // 2)[:, 0]).reshape(-1, 315).mean(axis=1)
    assert level.min() > 0.9 * 0.5


def test_unless_it_shifts_a_piece_begins_at_its_very_sample() -> None:
    rng = np.random.default_rng(1)
    song = rng.normal(size=(3 * RATE, 1)).astype(np.float32)
    layers = layers_of(song)
    for layer in layers:
        layer.add(RATE, 2 * RATE, shifts=False)
    made = mixed(song, layers, 0, 2 * RATE)
    np.testing.assert_allclose(made[RATE:], song[2 * RATE :], atol=1e-4)
