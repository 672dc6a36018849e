# Everything a newcomer needs: `make test`. Only Python 3.11+, pip, make and git are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check
UV_VERSION := 0.13.9

.PHONY: help demo test nightly sweep spark superset superset-pictures clients ui pictures lint types docs site accept-schema benchmark-builds benchmark-flatten benchmark-footprint benchmark-pages plan lock clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.+)$$/\1\t\2/p' Makefile | expand -t 24

demo: $(VENV)/.runtime ## run the main job on the embedded simulator
	$(BIN)/trainyard demo

# Tests start hundreds of processes; without bytecode each of these would compile the project anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/.dev ## run the tests
	$(BIN)/pytest

nightly: $(VENV)/.dev ## run property tests at length: 10,000 documents there and back, 142 odd fleets
	$(BIN)/pytest --hypothesis-profile=nightly tests/test_lossless.py tests/test_odd_fleets.py

sweep: $(VENV)/.dev ## kill runs at every one of their boundaries, not at one of each kind; takes hours
	$(BIN)/pytest tests/crash --whole-sweep

spark: $(VENV)-spark/.installed ## hold every model on Spark against DuckDB's; needs Java 17; 18 minutes on two busy cores
	$(VENV)-spark/bin/pytest --numprocesses=0 tests/spark

superset: $(VENV)/.dev $(VENV)-superset/.installed ## import the dashboards into a Superset of its own and run every chart; 4 minutes on two busy cores
	SUPERSET_PYTHON=$(VENV)-superset/bin/python $(BIN)/pytest --numprocesses=0 tests/superset

superset-pictures: $(VENV)/.dev $(VENV)-superset/.installed ## take the pictures of both dashboards anew; needs Chromium
	$(BIN)/python -m bi.superset.pictures $(VENV)-superset/bin/python

clients: $(VENV)-clients/.installed ## read the published file with other versions and clients of DuckDB; a minute on two busy cores
	$(VENV)-clients/bin/pytest --numprocesses=0 tests/clients

ui: $(VENV)/.runtime ## Dagster's pages and its schedule
	umask 077; DAGSTER_HOME=$(CURDIR) PYTHONWARNINGS='ignore:Function `dev_command` is superseded' \
		$(BIN)/dagster dev -m pipelines.definitions

pictures: $(VENV)/.dev ## take the pictures of the README anew; needs Chromium
	$(BIN)/python docs/pictures.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --disable-progress-bar sql

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.runtime ## write docs/data-dictionary.md and docs/metrics.md anew
	$(BIN)/python -m pipelines.dictionary
	$(BIN)/python -m pipelines.metrics

# What pages link to beside docs/ is laid next to it as in the repository, so that links are the same in both.
site: $(VENV)-docs/.installed ## build the documentation as a site in site/, where a broken link is an error
	rm -rf .pages
	mkdir .pages
	tar -cf - README.md CHANGELOG.md docs sql/examples reference deploy benchmarks/results pipelines/spark/dialect.py | tar -xf - -C .pages
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build --strict

accept-schema: $(VENV)/.runtime ## promise the columns that a newer botocore adds to the lake, and document them
	$(BIN)/python -m pipelines.flatten.schema
	$(BIN)/python -m pipelines.dictionary

benchmark-flatten: $(VENV)-benchmarks/.installed ## documents to tables, beside dlt, pandas, polars and the floor
	$(VENV)-benchmarks/bin/python -m benchmarks.flatten

benchmark-builds: $(VENV)/.runtime ## models and publishing, by how many jobs there are; half an hour, 2 GB of disk
	$(BIN)/python -m benchmarks.builds

benchmark-pages: $(VENV)-benchmarks/.installed ## a Search page to documents, beside boto3's own parser
	$(VENV)-benchmarks/bin/python -m benchmarks.pages

benchmark-footprint: $(VENV)/.runtime ## bytes of a job in each layer, what a file and an account cost; 2 minutes
	$(BIN)/python -m benchmarks.footprint

plan: $(VENV)/.runtime ## write docs/capacity.md from what the benchmarks measured
	$(BIN)/python -m benchmarks.plan

# Makes the environment that a target is the `.installed` of, with nothing in it but uv.
define with_uv
$(PYTHON) -m venv --without-pip $(@D)
$(PYTHON) -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check uv==$(UV_VERSION)
endef

# What Trainyard is compared with is installed for benchmarks alone, beside the locked versions of all else.
$(VENV)-benchmarks/.installed: requirements.lock pyproject.toml
	$(with_uv)
	$(VENV)-benchmarks/bin/uv pip install --quiet --python $(VENV)-benchmarks/bin/python \
		--constraint requirements.lock --group benchmarks --editable .
	touch $@

# Spark is 400 MB, so no part of what the other tests run with.
$(VENV)-spark/.installed: requirements-dev.lock pyproject.toml
	$(with_uv)
	$(VENV)-spark/bin/uv pip install --quiet --python $(VENV)-spark/bin/python \
		--constraint requirements-dev.lock --group dev --editable '.[spark]'
	touch $@

# Superset is 850 MB, and wants other versions of what all else runs with.
$(VENV)-superset/.installed: bi/superset/requirements.lock
	$(with_uv)
	$(VENV)-superset/bin/uv pip install --quiet --python $(VENV)-superset/bin/python \
		--no-deps --require-hashes --requirements bi/superset/requirements.lock
	touch $@

# Clients of the warehouse, and beside them DuckDB as older and newer drivers have it, in folders of their own.
DUCKDB_VERSIONS := 1.2.2 2.0.0
$(VENV)-clients/.installed: requirements-dev.lock pyproject.toml Makefile
	$(with_uv)
	$(VENV)-clients/bin/uv pip install --quiet --python $(VENV)-clients/bin/python \
		--constraint requirements-dev.lock --group dev --group clients --editable .
	for version in $(DUCKDB_VERSIONS); do \
		$(VENV)-clients/bin/uv pip install --quiet --python $(VENV)-clients/bin/python \
			--target $(VENV)-clients/duckdb-$$version duckdb==$$version || exit; \
	done
	touch $@

$(VENV)-docs/.installed: requirements-docs.lock
	$(PYTHON) -m venv --without-pip $(VENV)-docs
	$(PYTHON) -m pip --python $(VENV)-docs/bin/python install --quiet --disable-pip-version-check \
		--no-deps --require-hashes -r requirements-docs.lock
	touch $@

# Each lock pins every package by hash; --no-deps because a lock is already complete. The machine's own pip
# installs into .venv, so that a Python without ensurepip will do.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Trainyard needs Python 3.11 or newer: set PYTHON=python3.11 (or newer)")'
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.lock
	touch $@

# DuckDB stays on 1.5 in the lock: most BI drivers still carry it (docs/connecting.md).
lock: | $(VENV)/bin/python
	$(PIP) install --quiet uv==$(UV_VERSION)
	printf 'duckdb<1.6\n' > $(VENV)/constraints.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--constraint $(VENV)/constraints.txt --extra ui --extra postgres --group build --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--constraint requirements.lock --extra ui --extra postgres --group dev --output-file requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--group docs --output-file requirements-docs.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--constraint $(VENV)/constraints.txt --output-file bi/superset/requirements.lock bi/superset/requirements.in

clean:
	rm -rf $(VENV) $(VENV)-benchmarks $(VENV)-spark $(VENV)-superset $(VENV)-clients $(VENV)-docs .pages site benchmarks/cache .dagster logs .logs_queue trainyard-data .pytest_cache .mypy_cache .ruff_cache
