# The two commands are `make run` and `make test`; each sets up what is missing first.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
ENV    ?= local
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 5000
# test processes side by side, each with a Spark of its own: 4 GiB and a core each
WORKERS ?= 2
# your own records get a lake of their own where ./lake holds synthetic ones
LAKE   ?= $(if $(and $(INPUT),$(wildcard lake/truth_customers)),./lake-own,./lake)

help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: setup ## run the main job: simulated months, or your own records with INPUT=folder
	$(if $(INPUT),,$(BIN)/python jobs/simulate_telemetry.py --env $(ENV) --set lake.root=$(LAKE))
	$(BIN)/python jobs/run_pipeline.py --env $(ENV) --set lake.root=$(LAKE) $(if $(INPUT),"$(INPUT)")

test: setup ## run lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTEST_ADDOPTS="$(PYTEST_ADDOPTS)" $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

test-slow: setup ## run what takes long: sweeps, advice and back-tests, crashes, the browser, the benchmark on few flows
	PYTEST_ADDOPTS="$(PYTEST_ADDOPTS)" $(BIN)/python -m pytest -m slow --numprocesses $(WORKERS) --dist loadfile

dashboard: setup ## open the dashboard on the lake of make run: http://127.0.0.1:8050, PORT= for another
	$(BIN)/python -m telflow.dashboard --env $(ENV) --set lake.root=$(LAKE) \
	  $(if $(filter-out file,$(origin PORT)),--set dashboard.port=$(PORT))

mlflow: setup ## open MLflow's own page on the runs of ./mlflow.db: http://127.0.0.1:5000, PORT= for another
	@echo "runs and models: http://127.0.0.1:$(PORT)/#/experiments?workflowType=machine_learning"
	MLFLOW_DISABLE_TELEMETRY=true $(BIN)/mlflow server --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port $(PORT) --workers 1

bench: setup ## measure the whole job on 5 million flows beside DuckDB; writes bench.json
	$(BIN)/python -m tests.benchmarks.bench

docs: setup ## build the documentation as a site in ./site; a broken link is an error
	$(BIN)/python -m mkdocs build --strict

docs-serve: setup ## show the documentation at http://127.0.0.1:8000, PORT= for another
	$(BIN)/python -m mkdocs serve --dev-addr 127.0.0.1:$(if $(filter-out file,$(origin PORT)),$(PORT),8000)

setup: $(VENV)/.ready ## create the environment where it is missing

$(VENV)/.ready: requirements.lock setup.py conf/base/settings.yaml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not on PATH: install Python 3.11, or name yours with PYTHON="; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m telflow.session
	touch $@

lock: ## resolve the pinned versions again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --all-extras --python-version 3.11 --no-header --no-annotate --no-emit-index-url --output-file requirements.lock setup.py requirements.in

clean: ## remove the environment and the lake
	rm -rf $(VENV) lake lake-own raw mlflow.db mlruns

.PHONY: help run test test-slow dashboard mlflow bench docs docs-serve setup lock clean
