# What is needed: Python 3.11 or newer with venv, make, git, and a network for the first `make setup`.
# Everything else (libraries, a Java runtime, node for the type checker) comes as pinned, hashed wheels into .venv;
# the Pulumi CLI is looked for on PATH and otherwise built or fetched once, into the user's cache folder.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
# Further arguments of pytest or of a benchmark: make test ARGS='-k ledger -x'
ARGS ?=
# How many schedules `make simulate` plays
SEEDS ?= 2000

# A process a core, each with an AWS of its own; the tests of a file stay together
WORKERS ?= -n auto --maxprocesses 4 --dist loadfile

VENV := .venv
TOOLS := .venvs/tools
BIN := $(VENV)/bin
UV := $(TOOLS)/bin/uv
STAMP := $(VENV)/.ready
SCAN := .venvs/scan/.ready

COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make requirements"

##@ Look at it
.PHONY: help
help: ## Say what can be made (this)
	@awk 'BEGIN { FS = ":.*## "; print "make <target> [ARGS=...]" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Deploy the example to an embedded AWS, run its job four times, show what happened
	@$(BIN)/python -m examples.orders.demo $(ARGS)

##@ Check it
.PHONY: test
test: setup ## Run all tests; what cannot run on this machine is named at the end
	@$(BIN)/python -c 'from alur_pulumi.pulumi_cli import find_pulumi_cli; found = find_pulumi_cli(); \
		print("Pulumi CLI:", getattr(found, "version", "none"), getattr(found, "origin", found))'
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

.PHONY: test-fast
test-fast: setup ## Run the tests that need neither the Pulumi CLI nor Java
	@$(BIN)/python -m pytest $(WORKERS) -m "not engine and not spark" $(ARGS)

.PHONY: test-glue
test-glue: setup glue-setup ## Run the runtime's tests from its wheel, where only what Glue ships is: ARGS='--glue 5'
	@$(BIN)/python -m tests.glue_env $(ARGS)

.PHONY: lint
lint: setup ## Check style and types: ruff, mypy (strict), pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: format
format: setup ## Put the code into its one format and sort imports
	@$(BIN)/ruff check --fix --select I .
	@$(BIN)/ruff format .

.PHONY: docs
docs: setup ## Write the parts of docs/ that are made from the source
	@$(BIN)/python docs/tables.py

##@ Measure it
.PHONY: calls
calls: setup ## Count the AWS calls of runs over 1 to 1,000 files, and of their reruns
	@$(BIN)/python -m benchmarks.calls $(ARGS)

.PHONY: race
race: setup ## Start two and then five runs at once over the same files, and count rows
	@$(BIN)/python -m benchmarks.race $(ARGS)

.PHONY: crash
crash: setup ## Kill a run at each point of the commit protocol, run again, and count rows
	@$(BIN)/python -m benchmarks.crash $(ARGS)

.PHONY: corpus
corpus: setup ## Run every case of tests/corpus through real runs, show what was expected and found
	@$(BIN)/python -m tests.corpus $(ARGS)

.PHONY: model
model: setup ## Explore every state of the commit protocol, with each of its fences and without
	@$(BIN)/python docs/protocol_model.py $(ARGS)

.PHONY: conformance
conformance: setup ## Show behaviours of AWS by implementation (embedded, DynamoDB Local, versitygw, simulation)
	@$(BIN)/python -m tests.servers.conformance

.PHONY: torture
torture: setup ## Kill runs on real servers with kill -9 at random, 200 times, and count rows
	@$(BIN)/python -m benchmarks.torture $(ARGS)

.PHONY: simulate
simulate: setup ## Play schedules of runs, faults and changing files from fresh seeds: SEEDS=100000
	@$(BIN)/python -m tests.simulation simulate --seeds $(SEEDS) $(ARGS)

.PHONY: mutants
mutants: setup ## Take away each guard of the protocol: the simulation must notice
	@$(BIN)/python -m tests.simulation mutants $(ARGS)

.PHONY: crash-matrix
crash-matrix: setup ## Kill a run before and after every AWS call, and two runs at every pair of calls
	@$(BIN)/python -m tests.simulation crash-matrix $(ARGS)

.PHONY: schema
schema: setup ## Show the Pipeline component as programs in other languages have it, and the schema's size
	@$(BIN)/python -c 'from alur_pulumi.provider.host import page; print(page("Pipeline"))'

##@ Trust it
.PHONY: iam
iam: setup ## Take away each permission of a job's role in turn: something must break
	@$(BIN)/python -m tests.trust iam $(ARGS)

.PHONY: scan
scan: setup scan-setup ## Have checkov read every example and stack; writes docs/security-controls.md
	@$(BIN)/python -m tests.trust scan $(ARGS)

.PHONY: resources
resources: setup ## Show each example's resources as a tree, with what matters for security
	@$(BIN)/python -m tests.trust resources $(ARGS)

.PHONY: drift
drift: setup ## Deploy again from machines that differ, and with one byte changed: what changes, and what goes when
	@$(BIN)/python -m benchmarks.drift $(ARGS)

##@ Set it up
.PHONY: setup
setup: $(STAMP) ## Make .venv from the pinned requirements (other targets do this when it is needed)

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
		f"Python 3.11 or newer is needed, {sys.executable} is {v.major}.{v.minor}: make PYTHON=/path/to/python3.11")'
	@echo "setup: uv, from requirements/uv.txt"
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# pyspark comes as a source archive: what builds it is pinned too.
# The projects themselves are installed last, editable and without dependencies: those are all there.
$(STAMP): $(UV) requirements/dev.txt pyproject.toml runtime/pyproject.toml
	@echo "setup: $(VENV), from requirements/dev.txt (the first time this fetches about 700 MB)"
	@[[ -x $(BIN)/python ]] || $(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --build-constraints requirements/dev.txt \
		requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable runtime --editable .
	@touch $@

# The scanner's libraries would hold back those of the project: they are kept apart.
.PHONY: scan-setup
scan-setup: $(SCAN) ## Make .venvs/scan, where the scanner is (290 MB)

$(SCAN): $(UV) requirements/scan.txt
	@echo "setup: $(@D), from requirements/scan.txt"
	@[[ -x $(@D)/bin/python ]] || $(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(@D)
	@$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes requirements/scan.txt
	@touch $@

# What Glue ships, and nothing else: a version whose Python this machine lacks is left out, and its tests say so.
GLUE_PYTHON_5 := 3.11
GLUE_PYTHON_6 := 3.13
.PHONY: glue-setup
glue-setup: .venvs/glue5/.ready .venvs/glue6/.ready ## Make .venvs/glue5 and glue6, which hold what Glue 5 and 6 ship (1 GB each)

.venvs/glue%/.ready: $(UV) requirements/glue%.txt requirements/glue-tests.txt
	@wanted=$(GLUE_PYTHON_$*); asked="import sys; print(sys.executable)"; \
	python="$$(python$$wanted -c "$$asked" 2>/dev/null || PYENV_VERSION=$$wanted python$$wanted -c "$$asked" 2>/dev/null)" \
		|| { echo "setup: $(@D) is left out, for there is no python$$wanted on PATH"; exit 0; }; \
	echo "setup: $(@D), from requirements/glue$*.txt"; \
	rm -rf $(@D); $(UV) venv --quiet --python "$$python" $(@D); \
	$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes --build-constraints requirements/dev.txt \
		requirements/glue$*.txt; \
	$(UV) pip install --quiet --python $(@D)/bin/python --target $(@D)/tests --no-deps --require-hashes \
		-r requirements/glue-tests.txt; \
	touch $@

.PHONY: requirements
requirements: $(UV) ## Resolve requirements/*.txt again, to the newest versions allowed
	@$(COMPILE) --upgrade requirements/uv.in --output-file requirements/uv.txt
	@$(COMPILE) --upgrade requirements/scan.in --output-file requirements/scan.txt
	@$(COMPILE) --upgrade --no-emit-package alur-runtime --group dev pyproject.toml --output-file requirements/dev.txt
	@$(COMPILE) requirements/glue5.in --output-file requirements/glue5.txt
	@$(subst 3.11,3.13,$(COMPILE)) requirements/glue6.in --output-file requirements/glue6.txt
	@$(COMPILE) --upgrade -c requirements/dev.txt requirements/glue-tests.in --output-file requirements/glue-tests.txt
	@touch $(UV)

.PHONY: clean
clean: ## Remove what was made here (.venv, caches); the user's cache folder stays
	@rm -rf $(VENV) .venvs .alur .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
