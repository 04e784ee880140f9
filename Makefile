# Edgeproof: the commands of the checkout. `make help` lists them.
#
# Every path is relative, and PYTHON is quoted where it is used, so a checkout may lie in a folder with spaces.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PY := .venv/bin/python
UV := 0.13.8# the resolver behind requirements.txt; pinned, as another one may choose and format otherwise

# The first Python that TensorFlow's wheels exist for and that can make an environment; PYTHON=... names one.
define FIND_PYTHON
fits='import sys, venv, ensurepip; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13) and sys.maxsize > 2**32))'; \
for python in "$${PYTHON:-python3.13}" "$${PYTHON:-python3.12}" "$${PYTHON:-python3.11}" "$${PYTHON:-python3}" ''; do \
    if [ -n "$$python" ] && "$$python" -c "$$fits" >/dev/null 2>&1; then break; fi; \
done; \
if [ -z "$$python" ]; then \
    echo "make: needs a 64-bit Python 3.11, 3.12 or 3.13 with venv; received: $${PYTHON:-none on PATH}; fix: install one, or name it with PYTHON=/path/to/python" >&2; \
    exit 2; \
fi
endef

# What `make demo` does once the environment is there: one line a stage, each a command a reader can repeat.
define DEMO
$(PY) -m train lenet5 --out saved/lenet5
$(PY) -m export saved/lenet5 --brief
.venv/bin/edgeproof run saved/lenet5/export/lenet5.int8.tflite saved/lenet5/sample.png
$(PY) -m export.report saved/lenet5
endef

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r target text; do printf '  make %-13s%s\n' "$$target" "$$text"; done

.PHONY: demo
demo: environment ## train LeNet-5, export it to every format, verify each, run one on a picture
	$(DEMO)

.PHONY: test
test: environment ## the default tests (ten minutes on 2 cores)
	$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-all
test-all: environment ## every test: each recipe in each format, and the long tiers
	$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m ""

.PHONY: lint
lint: environment ## ruff and mypy, as continuous integration runs them
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

.PHONY: wheel
wheel: environment ## dist/edgeproof-*.whl, the runner for devices
	$(PY) -m build --wheel --no-isolation --outdir dist

.PHONY: zoo
zoo: environment ## train, export, verify and time every system on its embedded data; writes docs/zoo.md
	$(PY) benchmarks/zoo.py

# The benchmarks that public data makes possible, where SHARED names its folder; see benchmarks/README.md.
define BENCH
$(PY) benchmarks/runner_overhead.py saved/lenet5/export/lenet5.int8.tflite
$(PY) benchmarks/footprint.py
$(PY) benchmarks/export_time.py saved/lenet5
$(if $(SHARED),$(PY) benchmarks/third_party.py "$(SHARED)")
$(if $(SHARED),$(PY) benchmarks/budget.py "$(SHARED)/data/mnist")
$(if $(SHARED),$(PY) benchmarks/rows.py --data "$(SHARED)/data/mnist")
$(if $(SHARED),$(PY) benchmarks/compression.py --data "$(SHARED)/data/mnist")
endef

.PHONY: bench
bench: environment ## after make demo: time and weigh LeNet-5; with SHARED=DIR what needs public data, too (hours)
	$(BENCH)

.PHONY: lock
lock: ## resolve pyproject.toml into requirements.txt, old pins kept where they fit (UPGRADE=--upgrade: none)
	@$(FIND_PYTHON); \
	"$$python" -m venv --clear .cache/lock && \
	.cache/lock/bin/python -m pip install --quiet uv==$(UV) && \
	cp requirements.txt .cache/lock/pins.txt && \
	.cache/lock/bin/uv pip compile pyproject.toml --extra onnx-runtime --group workshop --group test --group lint \
	    --group build --universal --python-version 3.11 --fork-strategy fewest --only-binary :all: --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file .cache/lock/pins.txt $(UPGRADE) && \
	{ sed -n '/^#/!q;p' requirements.txt; echo; cat .cache/lock/pins.txt; } > .cache/lock/requirements.txt && \
	mv .cache/lock/requirements.txt requirements.txt

.PHONY: environment
environment: ## .venv with everything pinned; at once when it is there already
	@if [ -z "$$PYTHON" ] && $(PY) .ci/environment.py --current 2>/dev/null; then :; else \
	$(FIND_PYTHON); \
	"$$python" .ci/environment.py; \
	fi

.PHONY: clean
clean: ## remove .venv, caches and dist/ (not saved/)
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
