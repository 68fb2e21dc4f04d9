# Needs Python 3.11 or newer and nothing else: every target first sets up .venv with what it needs.

VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
DEMO   := $(BIN)/motifzoo evaluate cnn-dist-exponential.synthetic-codes --report demo/report.html
PYTEST := $(BIN)/python -m pytest

# A worker of the test suite computes on one core, so that as many of them as there are cores do not fight for them.
ONE_CORE := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.PHONY: help demo test test-slow test-all lint check format cards benchmarks

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /	/' | expand -t 14

demo: $(VENV)/.installed ## recompute every score of one pretrained model, as a table and as demo/report.html
	$(DEMO)

test: $(VENV)/.installed-test ## the fast tests, in minutes
	$(ONE_CORE) $(PYTEST) -n $(JOBS) --dist loadfile -m "not slow"

test-slow: $(VENV)/.installed-test ## only the tests that `make test` leaves out
	$(ONE_CORE) $(PYTEST) -n $(JOBS) --dist load -m slow

test-all: $(VENV)/.installed-test ## every test
	$(ONE_CORE) $(PYTEST) -n $(JOBS) --dist loadfile

lint: $(VENV)/.installed-test ## ruff and mypy, without the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test ## everything a change must pass: ruff, mypy, the fast tests

format: $(VENV)/.installed-test ## rewrite the code as ruff formats it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

cards: $(VENV)/.installed ## write what is made of the cards anew: README.md and more of every data set and model
	$(BIN)/python -m motifzoo.data_cards.refresh
	$(BIN)/python -m motifzoo.zoo.refresh

benchmarks: $(VENV)/.installed-test ## speed, beside other packages that do the same
	@for script in benchmarks/*.py; do echo "$$script"; $(BIN)/python "$$script" || exit 1; done

# Stamps, so that a second run installs nothing while what to install stays the same.
$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.created
	$(BIN)/python -m pip install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt $(VENV)/.created
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.created:
	@python=; \
	for name in python3.11 python3 python3.12 python3.13 python; do \
	    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "motifzoo needs Python 3.11 or newer, and neither python3.11 nor python3 is one. Install it first" >&2; \
	    echo "(Debian, Ubuntu: apt-get install python3 python3-venv), then run the same command again." >&2; \
	    exit 1; \
	fi; \
	if ! $$python -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	    echo "$$python lacks its venv module. Install it first (Debian, Ubuntu: apt-get install python3-venv)," >&2; \
	    echo "then run the same command again." >&2; \
	    exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$python: about a minute on a fast line, less the next time."; \
	$$python -m venv $(VENV)
	@touch $@
