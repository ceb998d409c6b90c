# Plain `make` lists what one can do here.

# Tried in turn; name another with `make run PYTHON=/path/to/python`.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
BIN := .venv/bin

# How many processes run tests side by side, each with servers of its own.
workers ?= logical
# What pytest answers where args= leaves no test of a half.
NONE_CHOSEN := 5

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test conformance lint format schema release lock bench plans plots clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/installed ## Start everything on this machine, with a demo fleet (Ctrl-C stops it; data stays in .ampyard)
	@exec $(BIN)/ampyard up

test: lint ## Check style, types, contracts, and run every test (args='tests/server -k lock' for some, workers=0 for one after another)
	@$(BIN)/pytest --numprocesses $(workers) --dist loadfile -m 'not alone' $(args) || [ $$? = $(NONE_CHOSEN) ]
	@$(BIN)/pytest -m alone $(args) || [ $$? = $(NONE_CHOSEN) ]

conformance: .venv/installed-conformance conformance/node_modules/.installed conformance/codegen/.venv/installed ## Hold the graphs against the specifications' own tools and clients (args= as for test)
	@exec $(BIN)/pytest conformance $(args)

lint: .venv/installed-dev ## Check style, types and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev ## Put the code into its standard form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schema: .venv/installed ## Write schema.graphql and schema.public.graphql
	$(BIN)/ampyard schema

RELEASED = releases/$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
release: .venv/installed ## Keep the two schemas as those of the version in pyproject.toml, for the check on breaking changes
	@[ ! -e $(RELEASED) ] || { echo '$(RELEASED) is there already: what is released does not change. Raise the version in pyproject.toml.'; exit 1; }
	mkdir -p $(RELEASED)
	$(BIN)/ampyard schema --folder $(RELEASED)

LOCK = $(BIN)/uv --no-config pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'
lock: .venv/installed-dev ## Lock the newest allowed versions of all requirements
	$(LOCK) pyproject.toml --extra build --output-file requirements.lock
	$(LOCK) pyproject.toml --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) pyproject.toml --extra build --extra dev --extra conformance --constraint requirements-dev.lock --output-file requirements-conformance.lock
	$(LOCK) conformance/codegen/requirements.in --output-file conformance/codegen/requirements.lock
	$(LOCK) bench/acn/requirements.in --constraint requirements.lock --output-file bench/acn/requirements.lock

bench: .venv/installed-conformance bench/node/node_modules/.installed bench/acn/.venv/installed ## Run the benchmarks, write bench/RESULTS.md (only=NAME for one, args=--profile)
	@exec $(BIN)/python -m bench $(only) $(args)

plans: .venv/installed-dev ## Look at the query plans of the large tenant (ampyard seed --profile large), write docs/plans (only=WORDS for some)
	@exec $(BIN)/python -m bench.plans $(if $(only),"$(only)") $(args)

plots: .venv/installed-dev ## Let depots meet with trouble, and draw what flowed there into docs/plots; draw a priced session
	@PYTHONPATH=src:. $(BIN)/python -m tests.domain.tariffs.picture
	@PYTHONPATH=src:. exec $(BIN)/python -m tests.failsafe.plots

clean: ## Remove the environment and all caches; data in .ampyard stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis conformance/node_modules conformance/codegen/.venv bench/node/node_modules bench/acn/.venv dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: requirements are installed again only when their lock changes.
.venv/installed: requirements.lock pyproject.toml $(BIN)/python
	@$(call install,requirements.lock)
	@touch $@

.venv/installed-dev: requirements-dev.lock pyproject.toml $(BIN)/python
	@$(call install,requirements-dev.lock)
	@touch $@ .venv/installed

.venv/installed-conformance: requirements-conformance.lock pyproject.toml $(BIN)/python
	@$(call install,requirements-conformance.lock)
	@touch $@ .venv/installed-dev .venv/installed

conformance/codegen/.venv/installed bench/acn/.venv/installed: %/.venv/installed: %/requirements.lock $(BIN)/python
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --requirement $<
	@touch $@

%/node_modules/.installed: %/package-lock.json %/.npmrc .venv/installed-conformance
	@$(BIN)/npm ci --prefix $*
	@touch $@

# A dot for each package: pip alone prints either pages or nothing.
define install
printf 'Installing %s packages ' $$(grep -c '==' $(1)); \
{ PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --requirement $(1) || echo FAILED; } \
	| while read -r word _; do case $$word in Collecting) printf .;; Installing) printf ' unpacking';; FAILED) exit 1;; esac; done; \
failed=$$?; echo; [ $$failed = 0 ] || exit 1; \
$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index --editable .
endef

$(BIN)/python:
	@for python in $(PYTHON); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'Ampyard needs Python 3.11 or newer, and none was found as: $(PYTHON)'; \
		echo 'Install it, or name it: make run PYTHON=/path/to/python3'; \
		exit 1; \
	fi; \
	echo "Making .venv with $$($$python --version)"; \
	if ! $$python -m venv --clear .venv; then \
		rm -rf .venv; \
		echo 'This Python cannot make an environment. On Debian and Ubuntu: sudo apt install python3-venv'; \
		exit 1; \
	fi
