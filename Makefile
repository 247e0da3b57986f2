PYTHON ?= python3
BIN := .venv/bin
MODEL ?= recall

.PHONY: demo test lint check corpus model study picture clean

STUDY := study study-slow study-aligned study-descending study-unshared study-peak study-mel study-lstm seq2seq

demo: .venv/.installed
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite

test: .venv/.tested
	$(BIN)/pytest --numprocesses 2 --dist worksteal

lint: .venv/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test lint

corpus:
	training/corpus/fetch corpus

model: .venv/.tested
	$(BIN)/extrap train corpus --recipe $(MODEL) --run runs/$(MODEL) --resume
	$(BIN)/extrap export runs/$(MODEL) --corpus corpus -o models/$(MODEL)

study: .venv/.tested
	for recipe in $(STUDY); do $(BIN)/extrap train corpus --recipe $$recipe --resume || exit; done
	$(BIN)/python benchmarks/study.py corpus runs

picture: .venv/.tested
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite
	$(BIN)/python docs/picture.py tests/data/song.mp3 demo/song-1m30s.mp3 docs/continuation.png

clean:
	rm -rf .venv demo

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/.tested: .venv/.installed
	$(BIN)/pip install --quiet --editable ".[test,lint]"
	touch $@
