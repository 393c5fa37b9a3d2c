# The two commands: `make demo` and `make test`. The others: system check verify bench lock clean.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check verify system bench lock clean help
help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/.core ## set up, then run the whole main job on the embedded (simulated) study
	$(BIN)/geo-engine demo --out maps/demo

test: $(VENV)/.dev ## set up with the development tools, then run the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## format, lint (Python and the atlas's script), types, import contracts, doctests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/lint_js.py
	$(BIN)/python -m pytest --doctest-modules geo_engine

verify: $(VENV)/.dev ## run the long checks (tens of minutes) and write what they found into docs/trust.md
	$(BIN)/python scripts/verify.py

system: ## install the Debian packages that some tests need
	@command -v apt-get >/dev/null || { echo "No apt-get here: install chromium, QGIS's Python and Node.js by hand, or let their tests be skipped."; exit 1; }
	$(if $(filter 0,$(shell id -u)),,sudo) apt-get update -qq
	$(if $(filter 0,$(shell id -u)),,sudo) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium python3-qgis gdal-bin fonts-dejavu-core libpango-1.0-0 libpangoft2-1.0-0 $(shell command -v node >/dev/null || echo nodejs) >/dev/null

bench: $(VENV)/.dev ## run every benchmark and write docs/benchmarks.md
	$(BIN)/python scripts/run_benchmarks.py

lock: $(VENV)/.dev ## rebuild the two lock files from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra models --extra report --group build --group dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet -o requirements-dev.lock

clean: ## remove what the other targets made (not the environment)
	rm -rf maps/demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache tests/artifacts

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "geo-engine needs Python 3.11 or newer: make PYTHON=python3.13 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.core
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@
