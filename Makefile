# Everything a developer, the CI and a newcomer run. Needs Python 3.11 or newer with venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=

.PHONY: demo run test check bench kills validate docs chart lock clean

## demo: a simulated fleet on http://127.0.0.1:10105/, no account and no key needed
demo: $(VENV)/runtime
	prometheus/demo.sh $(BIN)/python -m exporter

## run: the live fleet of the AWS credentials at hand
run: $(VENV)/runtime
	$(BIN)/python -m exporter serve

## test: all tests; needs nothing but the package index
test: $(VENV)/development
	$(BIN)/python -m pytest

## check: format, lint and types
check: $(VENV)/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

## bench: ratios against named peers, counted calls and what they cost
bench: $(VENV)/development
	$(BIN)/python -m tests.benchmarks

## validate: checks on recorded data in DATA=folder; writes docs/validation-results.md
validate: $(VENV)/development
	@$(BIN)/python -m tests.validation "$(DATA)"

## kills: 200 times SIGKILL at random moments; seven minutes, fails when the books are not right
kills: $(VENV)/development
	$(BIN)/python -m tests.benchmarks.kills --kills 200 --seed 1

## docs: the generated reference pages
docs: $(VENV)/development
	$(BIN)/python -m exporter.exposition.reference > docs/reference/metrics.md
	$(BIN)/python -m exporter.reference > docs/reference/settings.md
	$(BIN)/python -m exporter.iam_reference > docs/reference/iam.md
	$(BIN)/python -m exporter.cli_reference > docs/reference/cli.md
	$(BIN)/python -m tests.prometheus.reference > docs/reference/recording-rules.md

## chart: copy the rules and dashboards into the chart
chart:
	deploy/helm/copy-files

## lock: pin the dependencies again (needs uv)
lock:
	uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate --python-version 3.11 --all-extras \
		--group test --group lint pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	touch $@

$(VENV)/development: requirements-dev.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@ $(VENV)/runtime
