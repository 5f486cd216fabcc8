# Habeas. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# One more than cores: a worker waits for disks, browsers and children about a third of its time.
WORKERS ?= 3
QUICK := $(addprefix tests/,kernel capture policy consent directory access agents architecture audit)

current = $(1) | diff -u $(2) - || { echo "$(2) is out of date: make openapi"; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help install run test quick mutants tour check bench bench-audit bench-lanes openapi house tries lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/habeas: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Habeas needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is missing. Install it: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

install: $(BIN)/habeas ## make the virtual environment from the hash-locked requirements

run: install ## serve the demo on http://127.0.0.1:8000 with sample people and one paired sample agent
	$(BIN)/habeas demo

test: install ## run every test: SQLite, PostgreSQL, Chromium, the tour
	@.ci/browser
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

mutants: install ## put small faults in, one by one: the tests must notice each (ten minutes)
	$(BIN)/python -m tests.mutants

quick: install ## run what to know after each change: rules, architecture, faster services on SQLite
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not slow and not browser" -k "not postgresql" $(QUICK)

tour: install ## tell the whole story over real HTTP; a step that does not hold ends it
	$(BIN)/habeas tour

check: install ## style, types, import contracts, what is committed and written by the program
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(call current,$(BIN)/habeas openapi,openapi/openapi.json)
	@$(call current,$(BIN)/habeas schema event,openapi/event.schema.json)
	@$(call current,$(BIN)/habeas schema policy,openapi/policy-document.schema.json)
	@$(call current,$(BIN)/habeas schema counterparties,openapi/counterparties.schema.json)
	@$(call current,$(BIN)/python -m app.event.fields.page,docs/field-words.md)

bench: install ## measure, each figure next to a reference in the same run
	@for file in bench/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

ENTRIES ?= 1000000

bench-audit: install ## measure the log at 1,000,000 entries (ENTRIES=…): appends, export, verifier, pymerkle
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-bench.txt
	$(BIN)/python bench/verify_export.py $(ENTRIES)
	$(BIN)/python bench/audit_appends.py
	$(BIN)/python bench/export_memory.py $(ENTRIES)

IMPORTED ?= 50000

bench-lanes: install ## measure opting out while everybody asks and people are imported (IMPORTED=…)
	$(BIN)/python -m bench.lanes --imported $(IMPORTED)

openapi: install ## write openapi/, docs/field-words.md and the documents of the demo's vectors anew
	$(BIN)/habeas openapi > openapi/openapi.json
	$(BIN)/habeas schema event > openapi/event.schema.json
	$(BIN)/habeas schema policy > openapi/policy-document.schema.json
	$(BIN)/habeas schema counterparties > openapi/counterparties.schema.json
	$(BIN)/python -m app.event.fields.page > docs/field-words.md
	$(BIN)/python -m tests.vectors.california

tries: install ## add a signal, a knob, a purpose, a region, a page, a kind of entry; forget each part in turn
	$(BIN)/python -m tests.architecture.tries

house: install ## draw docs/img/house.svg anew from the import contracts
	$(BIN)/python docs/img/house.py > docs/img/house.svg

lock: ## resolve the requirements anew, with hashes and without addresses (needs uv)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml -o requirements-dev.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --extra bench pyproject.toml -o requirements-bench.txt

clean: ## remove the virtual environment, the demo's data and all caches
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
