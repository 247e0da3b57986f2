WINDOWS := $(filter Windows_NT,$(OS))
PYTHON ?= $(if $(WINDOWS),python,python3)
SCRIPTS := $(if $(WINDOWS),Scripts,bin)
BIN := .venv/$(SCRIPTS)

.PHONY: help demo test test-fast test-base test-tensorflow test-lowest test-wheel lint check fuzz soak \
	lock docs picture sounds rendered corpus model study benchmark listen listen-new dist clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##  */\1#/p; s/^## *\(.*\)/#\1/p' Makefile | \
		awk -F'#' '$$1 == "" { print "\n" $$2; next } { printf "  make %-15s %s\n", $$1, $$2 }'

## Try it

demo: .venv/.installed  ## install extrap into .venv and continue the song in tests/data
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite

## Test

test: .venv/.tested  ## all tests, with the versions that requirements.lock pins
	$(BIN)/pytest --numprocesses 2 --dist worksteal

test-fast: .venv/.tested  ## the tests that take little time
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m "not slow"

# What needs no extra: no TensorFlow, no pins, so it runs on Pythons that TensorFlow has no wheels for.
BASE := tests/test_architecture.py tests/test_continuation.py tests/test_crossfade.py tests/test_frames.py \
	tests/test_spec.py tests/audio tests/extrapolators/recall
# This needs /proc and the module `resource`.
BASE_LESS := $(if $(filter Linux,$(shell uname)),,--ignore tests/audio/test_spooled.py)

test-base: .venv-base/.installed  ## the tests that need nothing but the base install
	.venv-base/$(SCRIPTS)/python -m pytest $(BASE) $(BASE_LESS)

test-tensorflow: .venv-tensorflow/.installed  ## a track made with TensorFlow, with nothing else installed
	.venv-tensorflow/$(SCRIPTS)/extrap continue tests/data/song.mp3 --minutes 1 -o demo/ --overwrite --backend tensorflow

# A part of the suite, to save time: what meets a library first (codecs, runtimes, commands, scores, plots).
LOWEST := tests/audio tests/backends tests/cli/test_commands.py tests/evaluation/test_goldens.py \
	tests/melody/test_tune_files.py tests/melody/test_score.py tests/melody/test_synthesis.py \
	tests/serve/test_api.py tests/serve/test_guard.py

test-lowest: .venv-lowest/.installed  ## some tests, with the oldest versions that pyproject.toml allows
	.venv-lowest/$(SCRIPTS)/pytest --numprocesses 2 --dist worksteal $(LOWEST)

test-wheel: .venv/.tested  ## the wheel, in an empty environment of each supported Python found here
	$(BIN)/pytest tests/wheel.py

lint: .venv/.tested  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test test-lowest test-wheel lint  ## test, test-lowest, test-wheel and lint; .ci/run does so in new environments

FUZZ_COUNT ?= 10000

fuzz: .venv/.tested  ## damaged files for everything that reads files; FUZZ_COUNT of them for each reader
	$(BIN)/python -m tests.fuzz --count $(FUZZ_COUNT)

soak: .venv/.tested  ## 2,000 songs, some of them broken, through extrap batch
	rm -rf runs/soak
	$(BIN)/python -m tests.batch.soak runs/soak --songs 2000 --broken-every 100

## Maintain

lock: .venv/.tested  ## pin what pyproject.toml asks for; UPGRADE=--upgrade takes the newest of everything
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra test --extra lint --generate-hashes \
		--no-annotate --custom-compile-command "make lock" $(UPGRADE) pyproject.toml --output-file requirements.lock

docs: .venv/.tested  ## write docs/api.md and docs/cli.md anew, from docstrings and commands
	$(BIN)/python docs/generate.py docs

picture: .venv/.tested  ## draw docs/continuation.png, the picture of the README, docs/analysis.png and docs/mood.png
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite --json > .venv/picture.json
	$(BIN)/python docs/picture.py tests/data/song.mp3 demo/song-1m30s.mp3 .venv/picture.json docs/continuation.png
	$(BIN)/extrap info tests/data/clips/credits-ballad.opus --picture docs/analysis.png --overwrite
	$(BIN)/extrap continue tests/data/clips/chaos-god.opus --minutes 3 --arc "0:38 keep, 1:30 calm, 2:40 lively" \
		-o demo/ --overwrite --json > .venv/picture.json
	$(BIN)/python docs/picture_mood.py .venv/picture.json docs/mood.png

sounds: .venv/.installed  ## make the clips in docs/sounds, which docs/listen.html plays
	$(BIN)/python docs/sounds.py docs/sounds

dist: .venv/.tested  ## build the source distribution and the wheel into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build

clean:  ## remove the virtual environments and the demo
	rm -rf .venv .venv-base .venv-tensorflow .venv-lowest .venv-before .venv-looper demo

## Train and measure (hours)

MODEL ?= recall
RECIPE := $(if $(filter study,$(MODEL)),study-small,$(MODEL))
CORPUS := $(if $(filter melody,$(MODEL)),essen,$(if $(filter beats,$(MODEL)),rendered/tracks.tsv,corpus))
LICENCE_melody := CC BY-NC-SA 4.0 (weights; the Essen collection may be used for non-commercial purposes)
LICENCE_beats := CC BY 4.0 (weights; BeatNet's by Mojtaba Heydari, Frank Cwitkowitz and Zhiyao Duan; changed: in \
	float16, and with a head)
LICENCE := $(or $(LICENCE_$(MODEL)),CC BY-SA 4.0 (weights))
STUDY := study study-slow study-aligned study-descending study-peak study-mel study-lstm seq2seq study-unshared

rendered:  ## render the music that the model beats is trained on
	$(BIN)/python -m training.beats.render rendered

corpus:  ## download the training songs from Debian's packages
	training/corpus/fetch corpus

model: .venv/.tested  ## train and export a model: MODEL=recall
	$(BIN)/extrap train $(CORPUS) --recipe $(RECIPE) --resume
	$(BIN)/extrap export runs/$(RECIPE) -o models/$(MODEL) --overwrite --licence "$(LICENCE)"

study: .venv/.tested  ## repeat the study: train its variants and write docs/study.md's figures
	for recipe in $(STUDY); do $(BIN)/extrap train corpus --recipe $$recipe --resume || [ $$? = 2 ] || exit; done
	KERAS_BACKEND=tensorflow $(BIN)/python benchmarks/study.py corpus runs

benchmark: .venv/.tested .venv-before/.installed .venv-looper/.installed corpus  ## measure models, PyMusicLooper and controls; writes docs/benchmark.md
	$(BIN)/python benchmarks/benchmark.py corpus runs/benchmark -o docs/benchmark.md

listen: benchmark  ## make a page on which people compare the benchmark's tracks blindly
	$(BIN)/python benchmarks/listen/make.py runs/benchmark/clips/tracks runs/listen

listen-new: .venv/.tested corpus  ## make a page on which people compare new bars, old bars and what really follows, blindly
	mkdir -p runs/new
	$(BIN)/python benchmarks/compose.py corpus --ways compose recall --tracks runs/new/tracks > runs/new/figures.md
	$(BIN)/python benchmarks/listen/make.py runs/new/tracks runs/new/listen --pairs 30

# Environments. A stamp file says that one is complete.

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.tested: .venv/.installed requirements.lock
	sed -n '/^uv==/,/[^\]$$/p' requirements.lock > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement .venv/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv --require-hashes --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	touch $@

.venv-base/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-base
	.venv-base/$(SCRIPTS)/python -m pip install --quiet --editable . pytest hypothesis
	touch $@

.venv-tensorflow/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-tensorflow
	.venv-tensorflow/$(SCRIPTS)/python -m pip install --quiet --editable ".[tensorflow]"
	touch $@

.venv-lowest/.installed: .venv/.tested
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-lowest --resolution lowest-direct --editable ".[test]"
	touch $@

# The last version whose `recall` jumps anywhere in the bar, which make benchmark compares with this one.
BEFORE := d060535

.venv-before/.installed:
	$(PYTHON) -m venv .venv-before
	.venv-before/$(SCRIPTS)/python -m pip install --quiet "git+file://$(CURDIR)@$(BEFORE)"
	touch $@

.venv-looper/.installed:
	$(PYTHON) -m venv .venv-looper
	.venv-looper/$(SCRIPTS)/python -m pip install --quiet pymusiclooper==3.6.0
	touch $@
