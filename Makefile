# Coop Hub: the four ways in. Each sets up what it needs: Python 3.11-3.13, make and a package index are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# packages brought along on a closed network: `make wheels` elsewhere, copy the folder here
OFFLINE := $(if $(wildcard wheels/*.whl),--no-index --find-links wheels)

.PHONY: run serve test bench check lock wheels clean
run: $(STAMP)          ## one night of the demo county
	@$(BIN)/coop-hub demo night
serve: $(STAMP)        ## Dagster UI and portal, Ctrl-C stops both
	@$(BIN)/coop-hub serve
test: $(STAMP) check   ## every check and test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
bench: $(STAMP)        ## benchmarks: ratios side by side, in one run
	@$(BIN)/python -m benchmarks $(BENCH)
check: $(STAMP)        ## style, types and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
lock:                  ## pin names, versions and hashes again
	uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --extra dev pyproject.toml --output-file requirements.lock
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "需要 Python 3.11 至 3.13。Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12 run"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "正在安装依赖（首次约两分钟）… installing dependencies, once"
	@$(PIP) install $(OFFLINE) --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
wheels:                ## all packages into wheels/, to be carried to a closed network
	@$(PYTHON) -m pip --disable-pip-version-check download --quiet --no-deps --require-hashes -r requirements.lock --dest wheels
	@echo "wheels/: $$(ls wheels | wc -l) 个软件包"
clean:                 ## forget the demo county's data
	@rm -rf var
