"""Hostile songs: they open no other file, and are refused where their values or rates are absurd."""

from pathlib import Path

import mutagen.apev2
import numpy as np
import pytest
import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.probe import declared_seconds
from extrapcli.errors import UnreadableAudio
from tests.audio.test_decode import with_ffmpeg
from tests.conftest import chord

PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile secret.wav\n",
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.wav\n#EXT-X-ENDLIST\n",
    "m3u8 by address": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n",
    "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
    'mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{secret}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "asx": '<asx version="3.0"><entry><ref href="{secret}"/></entry></asx>',
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("name", ["song.mp3", "song.m3u8", "song.ffconcat"])
def test_a_playlist_is_not_a_song(kind: str, name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    soundfile.write(secret, chord(2, 8000, 1), 8000)
    song = tmp_path / name
    song.write_text(PLAYLISTS[kind].replace("{secret}", str(secret)))
    with pytest.raises(UnreadableAudio, match="not audio"):
        decode(song)
    assert declared_seconds(song) == 0


def test_absurdly_large_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    sound = chord(1, 8000, 1)
    soundfile.write(path, sound * 2.0**30, 8000, subtype="FLOAT")  # as some programs write integers
    assert decode(path).samples.max() > 2**28
    sound[500] = 1e300
    soundfile.write(path, sound, 8000, subtype="DOUBLE")
    with pytest.raises(UnreadableAudio, match="larger than"):
        decode(path)


@pytest.mark.parametrize("rate", [1, 999, 1_000_001, 2**31 - 1])
def test_absurd_sample_rates_are_refused(rate: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", chord(1, 8000, 1), rate)
    with pytest.raises(UnreadableAudio, match=f"sample rate of {rate} Hz"):
        decode(tmp_path / "x.wav")


def test_wavpack_tags_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.wv"
    with_ffmpeg(path, "wv", "wavpack")
    tags = mutagen.apev2.APEv2()
    tags["Title"], tags["Artist"] = "A song", ["One", "Two"]
    tags.save(path)
    song = decode(path)
    assert song.tags.text == {"title": ["A song"], "artist": ["One", "Two"]}
    assert np.abs(song.samples).max() > 0.1
