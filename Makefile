# Everything a newcomer needs: `make demo` and `make test`. Each sets itself up.
PYTHON ?= python3
PORT ?= 8000
DATA ?= demo-data
# Tests run in two processes, each with stores of its own.
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-full screenshots bench setup setup-test browser

# The environment: uv makes and fills it in seconds where there is one, else venv and pip.
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
NEW_VENV = $(UV) venv --quiet --python $(PYTHON) $(VENV)
INSTALL = VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --editable
else
NEW_VENV = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
endif

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(NEW_VENV)
	@test -f $(VENV)/.installed-test || { echo "Installing into $(VENV)…"; $(INSTALL) .; }
	@touch $@

$(VENV)/.installed-test: pyproject.toml
	@test -x $(BIN)/python || $(NEW_VENV)
	@echo "Installing with the tests' tools into $(VENV)…"
	@$(INSTALL) '.[test]'
	@touch $@ $(VENV)/.installed

setup: $(VENV)/.installed

setup-test: $(VENV)/.installed-test

# The recipe becomes the command itself, so that Ctrl-C and SIGTERM reach it and nothing else.
demo: setup
	@exec $(BIN)/psc demo --port "$(PORT)" --data "$(DATA)" $(DEMO)

# Debian's Chromium plays both devices in the end-to-end tests.
browser:
	@command -v chromium >/dev/null || { \
	  test "$$(id -u)" = 0 || { echo "Chromium is missing. Run as root: apt-get install -y chromium"; exit 1; }; \
	  echo "Installing Chromium…"; apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }

# The receiver for Express is run by a test; node comes with the tests' tools.
EXPRESS := examples/receiver_express
$(EXPRESS)/node_modules/.package-lock.json: $(EXPRESS)/package-lock.json $(VENV)/.installed-test
	@cd $(EXPRESS) && $(abspath $(BIN))/npm ci --silent --no-audit --no-fund
	@touch $@

# Rooms of which the tests reach every line and branch (what only a dying process runs may escape the count); pages, 95 %.
PROVEN := core audit rpps ecps oidc access signals
comma := ,
files = $(subst $() $(),$(comma),$(foreach room,$(1),pro_sante_connect/$(room)/*))

test: setup-test browser $(EXPRESS)/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --cov --cov-report=
	@$(BIN)/coverage report --skip-covered
	@$(BIN)/coverage report --include="$(call files,$(PROVEN))" --precision=2 --fail-under=99.9 --format=total >/dev/null || \
	  { echo "Lines or branches of $(PROVEN) are reached by no test."; exit 1; }
	@$(BIN)/coverage report --include="$(call files,web)" --fail-under=95 --format=total >/dev/null || \
	  { echo "Less than 95 % of web is reached by a test."; exit 1; }

# The end-to-end run pictures every page in artifacts/; those that the documentation shows are taken from there.
screenshots: setup-test browser
	SCREENSHOTS=artifacts $(BIN)/pytest tests/browser/test_two_devices.py tests/browser/test_staff_story.py
	@for picture in docs/screenshots/*.png; do cp "artifacts/$${picture##*/}" "$$picture" || exit 1; done

test-full: test
	HYPOTHESIS_PROFILE=seeking $(BIN)/pytest $$(grep -rlE "hypothesis import" tests --include="test_*.py")

bench: setup-test
	$(BIN)/python -m benchmarks
