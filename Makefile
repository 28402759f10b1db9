# Everything runs in .venv, which the first target that needs it sets up.
PYTHON ?= python3.11
PY := .venv/bin/python

.PHONY: install demo test lint bench figures docs clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --upgrade pip -c constraints.txt
	$(PY) -m pip install --quiet -c constraints.txt -e ".[dev]"
	$(PY) -m nasion.cli.compile
	touch $@

demo: install
	$(PY) -m nasion demo --out out/demo --force

# two processes of one thread each
test: install
	OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses 2 --dist loadfile

lint: install
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: install
	$(PY) -m pytest benchmarks --benchmark-columns=min,median,max,ops

# the pictures of docs/lilium.md
figures: install
	$(PY) docs/make_figures.py

docs: install
	$(PY) -m mkdocs build --quiet
	@echo "out/docs/index.html"

clean:
	rm -rf .venv out
	find src -name '*.nb[ci]' -delete
