# Everything a person types. `make` alone explains.
NIGHT  ?= 1
RESIDENTS ?=
ifdef PROFILE
export CIVICLAKE_PROFILE = $(PROFILE)
endif
PY      = var/env/spark/bin/python
AIR     = var/env/airflow/bin/python
BIN     = var/env/spark/bin

.DEFAULT_GOAL := help
.PHONY: help setup city tools demo up down status sql test check unit bench findings lock clean \
	test-dags test-spark test-e2e test-door test-sources test-marts test-unit test-faults

help: ## This page.
	@echo "CivicLake: every night, the departments' records, checked and merged into one lake."
	@echo
	@echo "  make demo            set up, start everything, run night 1, say where to look"
	@echo "  make demo NIGHT=2    the next night: changes, late rows, a re-delivery"
	@echo "  make down            stop everything that was started"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Settings are CIVICLAKE_* variables over conf/*.toml; RESIDENTS=20000 sizes the city (2000 by default)."
	@echo "PROFILE=cluster runs it on a Spark cluster over S3 (docs/guides/cluster.md)."

setup: ## Make var/env and var/jars from conf/locks; does nothing when they are there.
	@bin/setup

city: ## The same, and the servers of the sample city (MariaDB, sshd).
	@bin/setup --city

demo: city ## The main job, for real: NIGHT=1 RESIDENTS=2000; later nights follow.
	@PYTHONPATH=. $(PY) -m demo.night --night $(NIGHT) $(if $(RESIDENTS),--residents $(RESIDENTS))

up: setup ## Start PostgreSQL, the two Spark engines and Airflow.
	@bin/civiclake up

down: ## Stop what `make up` or `make demo` started, and nothing else.
	@if [ -x bin/civiclake ] && [ -x $(BIN)/civiclake ]; then bin/setup && \
		PYTHONPATH=. $(PY) -m demo.night --stop; fi

status: setup ## What is up.
	@bin/civiclake status

clean: down ## Forget the sample city and its lake; what set-up made is kept.
	@find var -mindepth 1 -maxdepth 1 ! -name env ! -name jars ! -name '.setup.lock' -exec rm -rf {} + 2>/dev/null || true

sql: setup ## One query through the analysts' door: make sql Q="show tables in unified".
	@bin/civiclake sql "$(Q)"

tools:
	@bin/setup --tests

check: setup ## Style, types, the order of imports, and every contract (also by datacontract lint).
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	bin/civiclake check
	bin/civiclake diff HEAD~1 --if-known
	$(PY) -m pytest -q tests/architecture/test_contracts_lint.py

unit: setup ## The tests that need no JVM.
	$(PY) -m pytest -q tests/unit tests/reference tests/architecture

test: tools ## Everything: check and DAGs, then two suites at a time, from end-to-end to unit.
	@$(MAKE) --no-print-directory -j2 check test-dags
	@$(MAKE) --no-print-directory -j2 test-spark test-e2e test-marts test-sources test-door \
		test-unit

# The longest first, and two at once, for each of them waits for its servers half of the time; a
# line says whose it is. Each has a base folder of its own: pytest closes the usual one whenever
# another run begins.
SUITES = test-dags test-spark test-e2e test-door test-sources test-marts test-unit
$(SUITES): SHELL = /bin/bash
$(SUITES): .SHELLFLAGS = -o pipefail -c
DOOR = $(wildcard tests/spark/test_door_*.py)
MARTS = $(wildcard tests/spark/test_mart*.py tests/spark/test_education_*.py \
	tests/spark/test_transit*.py) tests/spark/test_plans.py tests/spark/test_why.py
SUITE = -m pytest --durations=10 --basetemp=$$(mktemp -d)/t
NAMED = 2>&1 | sed -u 's/^/$(@:test-%=%)	/'

test-dags:
	@$(AIR) $(SUITE) -q -c pyproject.toml tests/dags $(NAMED)

test-spark:
	@$(PY) $(SUITE) -v tests/spark --ignore=tests/spark/test_cost.py $(addprefix --ignore=,$(DOOR) \
		$(MARTS)) $(NAMED)

test-e2e:
	@$(PY) $(SUITE) -v tests/e2e $(NAMED)

test-door:
	@$(PY) $(SUITE) -v tests/spark/test_cost.py $(DOOR) $(NAMED)

test-marts:
	@$(PY) $(SUITE) -v $(MARTS) $(NAMED)

test-sources:
	@$(PY) $(SUITE) -q tests/sources tests/demo $(NAMED)

test-unit:
	@$(PY) $(SUITE) -q tests/unit tests/reference tests/architecture \
		--deselect tests/architecture/test_contracts_lint.py $(NAMED)

test-faults: tools ## By hand: engines killed, disks filled, loads shot at twenty moments (an hour).
	@$(PY) -m pytest --durations=10 --basetemp=$$(mktemp -d)/t -v tests/faults

bench: ## What a night costs, stage by stage, and beside tools that do the same work (hours).
	@bin/setup --bench
	PYTHONPATH=. $(PY) -m bench.night
	PYTHONPATH=. $(PY) -m bench.nightly
	PYTHONPATH=. $(PY) -m bench.share
	PYTHONPATH=. $(PY) -m bench.small --against 7d6a82a

findings: setup ## Whether other people's software still surprises as findings/ says (half an hour).
	@bin/findings

lock: setup ## Resolve conf/locks/*.in anew into locks with hashes.
	cd conf/locks && for name in uv airflow spark bench; do \
		../../var/env/uv/bin/uv pip compile -q --upgrade --python-version 3.11 --generate-hashes \
			--no-header --no-emit-index-url --no-emit-find-links $$name.in -o $$name.txt; done
