PYTHON ?= python3
BIN := .venv/bin

.PHONY: quickstart quick-studies test test-fast lint types docs constraints clean

# Set up, and run the first study.
quickstart: .venv/runtime-installed
	$(BIN)/python -m studies run quickstart

# Run every study at its quick scale, on embedded data, or those that STUDIES names; stop at the first that fails.
quick-studies: .venv/runtime-installed
	@set -e; for study in $${STUDIES:-$$($(BIN)/python -c 'from studies import catalogue; print(*catalogue.names())')}; do \
		$(BIN)/python -m studies run $$study --scale quick --results results/quick; \
	done

# Set up, and run every check.
test: lint types docs
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations 25

# The checks that take no long training, no Ray and no whole sets of figures: under two minutes on two idle cores.
test-fast: .venv/dev-installed
	$(BIN)/ruff check --quiet .
	$(BIN)/python -m pytest -n 2 --dist worksteal --quiet -m "not slow"

lint: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev-installed
	$(BIN)/mypy

# Without --quiet, which hides warnings from --strict too.
docs: .venv/dev-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Renew every pinned version but torch's, whose plain releases for Linux pull gigabytes of CUDA packages.
constraints:
	rm -rf .venv-constraints
	$(PYTHON) -m venv .venv-constraints
	grep '^torch==' constraints.txt > .venv-constraints/torch.txt
	.venv-constraints/bin/python -m pip install --quiet --disable-pip-version-check \
		-c .venv-constraints/torch.txt -e '.[dev]'
	(head -n 1 constraints.txt; .venv-constraints/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//') \
		> constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-constraints

clean:
	rm -rf .venv site

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"error: Python %d.%d is too old, 3.11 or newer is needed: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv

.venv/runtime-installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/dev-installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ .venv/runtime-installed
