"""Targets that read text: batch manifests, recipes, corpus manifests, model cards and specs."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from extrapcli.analysis.beats import BarBeat
from extrapcli.batch.manifest import Manifest, Record
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.evaluation.report import read_joins
from extrapcli.extrapolators.base import Jump
from extrapcli.models import damaged_files, read_card
from extrapcli.spec import EncoderSpec, ModelSpec, SampleSpec, TuneSpec, WaveformSpec
from extrapcli.spec.reading import read_spec
from extrapcli.training.corpus import Corpus
from extrapcli.training.recipe import read_recipe
from tests.fuzz.fuzz import Target
from tests.fuzz.mutate import mutate_text

ROOT = Path(__file__).parents[2]


def manifest_seeds(folder: Path) -> None:
    started = Record("started", "a/song.mp3", "a/song-3m00s.mp3", "5f0e", options={"length": {"minutes": 3.0}})
    done = replace(started, state="done", input_sha256="9a" * 32, output_sha256="1b" * 32, output_bytes=123)
    done = replace(done, output_mtime_ns=9, output_seconds=1.5, measures={"joins": 3})
    failure = started.failed(ValueError("x"))
    for name, records in {"one": [started], "two": [started, done], "three": [started, failure]}.items():
        manifest = Manifest(folder / f"{name}.jsonl")
        for record in records:
            manifest.append(record)
    shutil.copy(ROOT / "tests/batch/data/old_manifest/tracks/manifest.jsonl", folder / "old.jsonl")


def read_manifest(path: Path) -> None:
    manifest = Manifest(path)
    for record in [*manifest.last.values(), *(record for done in manifest.done.values() for record in done)]:
        record.matches(path)
        record.to_json()


def recipe_seeds(folder: Path) -> None:
    for file in (ROOT / "training" / "recipes").glob("*.toml"):
        shutil.copy(file, folder)


def read_recipe_file(path: Path) -> None:
    read_recipe(path).to_json()


def corpus_seeds(folder: Path) -> None:
    (folder / "a.tsv").write_text("split\tfile\ntrain\ta.mp3\ntrain\tb/c.flac\nvalidation\td.ogg\n")
    (folder / "b.tsv").write_text('file\ttitle\tsplit\nx.opus\tA "title"\ttrain\n\ny.wav\tÉ\tvalidation\n')


def read_corpus(path: Path) -> None:
    corpus = Corpus.open(path)
    for split in ("train", "validation"):
        corpus.songs(split)


def card_seeds(folder: Path) -> None:
    for card in (ROOT / "models").glob("*/card.json"):
        shutil.copy(card, folder / f"{card.parent.name}.json")


def verify_card(path: Path) -> None:
    card = path.with_name("card.json")
    shutil.copy(path, card)
    read_card(card.parent)
    damaged_files(card.parent)


def joins_seeds(folder: Path) -> None:
    (folder / "a.json").write_text('{"track": "a.flac", "joins": [{"seconds": 30.5, "fade_seconds": 0.1}]}')
    (folder / "b.json").write_text('{"joins": [{"seconds": 3}, {"seconds": 1e2, "jump": {"layer": "all"}}]}')
    jump = asdict(Jump("all", 9.0, 2.0, 1.0, 5.0, 6.0, BarBeat(12, 1)))
    (folder / "c.json").write_text(json.dumps({"joins": [{"seconds": 3, "jump": jump}]}))


def spec_seeds(folder: Path) -> None:
    specs: list[ModelSpec] = [
        WaveformSpec("plain", "waveform", 22050, 20, 10),
        EncoderSpec("points", "recall", 22050, {"heard": (None, 8), "places": (None, 8)}),
        SampleSpec("samples", "amplitude", 22050, 3),
        TuneSpec("tunes", ("60", "61", "_", "r", "/"), 96),
    ]
    for spec in specs:
        (folder / f"{spec.name}.json").write_text(spec.to_json())


def read_spec_file(path: Path) -> None:
    read_spec(path.read_bytes().decode(errors="replace")).to_json()


MANIFEST = Target("manifest", manifest_seeds, mutate_text, read_manifest, (UsageError,))
RECIPE = Target("recipe", recipe_seeds, mutate_text, read_recipe_file, (UsageError,))
CORPUS = Target("corpus", corpus_seeds, mutate_text, read_corpus, (UsageError,))
CARD = Target("card", card_seeds, mutate_text, verify_card, (UnusableModel,))
JOINS = Target("joins", joins_seeds, mutate_text, read_joins, (UsageError,))
SPEC = Target("spec", spec_seeds, mutate_text, read_spec_file, (UnusableModel,))
