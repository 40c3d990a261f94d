# `make` alone lists what there is. What each target does without make stands in README.md.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# PyTorch for the CPU or for NVIDIA's GPUs (cpu, cuda); auto: as this computer has a driver or not.
TORCH ?= auto
STAMP := $(VENV)/.installed
DEVELOPERS := $(VENV)/.installed-dev
# There from the birth of .venv until its first complete installation.
UNFINISHED := $(VENV)/.unfinished

# Settings of another Python must not leak into this one.
unexport PYTHONHOME PYTHONPATH PYTHONSTARTUP
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help lab play execute site test verify coverage lowest refresh lock clean

help:
	@echo "make lab      open the lessons in JupyterLab"
	@echo "make play     play with all explorers, on a page without code   (ARGS=\"--theme dark\")"
	@echo "make execute  go through all lessons without a browser, into executed/   (ARGS=\"-p epochs 3\")"
	@echo "make site     build a site from what is stored, into site/   (ARGS=--serve shows it)"
	@echo "make test     run the tests   (ARGS=\"tests/course\" for some of them)"
	@echo "make verify   run the tests too slow for make test"
	@echo "make coverage run all tests, and say which lines none of them runs"
	@echo "make refresh  execute the lessons in place and store their outputs   (ARGS=\"--lessons 01\")"
	@echo "make lowest   run the tests with the oldest versions that pyproject.toml allows"
	@echo "make lock     renew requirements*.txt from pyproject.toml   (ARGS=--upgrade for new versions)"
	@echo "make clean    delete .venv and caches; data/, executed/, runs/ and checkpoints/ stay"
	@echo
	@echo "The first of them installs what it needs into .venv: 1.3 GB, or 6 with what NVIDIA's GPUs need."
	@echo "Another Python: make PYTHON=python3.12 lab   Another PyTorch: make TORCH=cuda lab, TORCH=cpu"

lab: $(STAMP)
	@$(PY) -m ae_helpers lab $(ARGS)

play: $(STAMP)
	@$(PY) -m ae_helpers play $(ARGS)

execute: $(STAMP)
	@$(PY) -m ae_helpers execute $(ARGS)

site: $(DEVELOPERS)
	@echo "Building the site from the stored outputs"
	@$(PY) -m ae_helpers site $(ARGS)

test: $(DEVELOPERS)
	@echo "Running the tests: static checks, unit tests, all but the longest notebooks"
	@$(PY) -m pytest $(ARGS)

verify: $(DEVELOPERS)
	@echo "Running the exhaustive tests"
	@$(PY) -m pytest -m verify $(ARGS)

coverage: $(DEVELOPERS)
	@echo "Running all tests: which lines does none run?"
	@$(PY) -m pytest -m "verify or not verify" --cov $(ARGS)

refresh: $(STAMP)
	@echo "Executing the lessons in place, on the data in AE_DATA_DIR"
	@$(PY) -m ae_helpers refresh $(ARGS)

LOWEST := $(VENV)/lowest
# What meets no part of a library that the other tests don't meet.
VERSIONLESS := tests/exercises tests/explorers tests/site notebooks/00_start_here.ipynb \
	notebooks/08_try_other_architectures.ipynb notebooks/13_make_it_yours.ipynb \
	notebooks/experiment.ipynb notebooks/gallery.ipynb
lowest: $(DEVELOPERS)
	@echo "Running the tests with the oldest versions that pyproject.toml allows"
	@$(PY) -m uv venv --quiet --clear --python $(PY) $(LOWEST)
	@$(PY) -m uv pip install --python $(LOWEST) --resolution lowest-direct --editable ".[dev]"
	@$(LOWEST)/bin/python -m pytest -m "not verify or long" $(VERSIONLESS:%=--ignore %) \
		--deselect tests/notebooks/test_static.py::test_types $(ARGS)

# --universal: one set for Linux, macOS and Windows, from the oldest Python that we support. No
# library for GPUs is pinned: torch names its own.
LOCK = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
	--custom-compile-command "make lock" pyproject.toml $(ARGS)
FOR_GPUS := ^(nvidia|cuda|triton)
lock: $(DEVELOPERS)
	@echo "Renewing requirements.txt and requirements-dev.txt from pyproject.toml"
	@$(LOCK) --output-file requirements.txt
	@$(LOCK) --output-file requirements-dev.txt --extra dev --constraint requirements.txt
	@grep -vE "$(FOR_GPUS)" requirements.txt > $(VENV)/lock && mv $(VENV)/lock requirements.txt
	@{ grep "^#" requirements.txt; grep -vE "$(FOR_GPUS)" requirements-dev.txt \
		| grep -vxFf requirements.txt; } > $(VENV)/lock && mv $(VENV)/lock requirements-dev.txt

clean:
	@echo "Deleting $(VENV) and caches"
	@rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .coverage* *.egg-info
	@find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# The stamp holds the folder in which .venv was made, because scripts in .venv name it: a moved
# or copied .venv does not count as installed, nor does one whose Python is gone.
# Who asks for one PyTorch may have the other.
ifneq ($(TORCH) $(shell [ -x $(PY) ] && [ "$$(cat $(STAMP) 2>/dev/null)" = "$$(pwd -P)" ] && echo yes),auto yes)
.PHONY: $(STAMP)
endif

# Written last: an installation that breaks off does not count.
$(STAMP): requirements.txt pyproject.toml install.py
	@if [ -e $(UNFINISHED) ]; then \
		echo "The last installation broke off: making $(VENV) anew"; rm -rf $(VENV); \
	elif [ -e $(STAMP) ] && [ "$$(cat $(STAMP))" != "$$(pwd -P)" ]; then \
		case "$$(cd $(VENV) && pwd -P)" in "$$(pwd -P)"/*) ;; *) \
			echo "$(VENV) is the environment of $$(cat $(STAMP)); expected one of this folder." \
				"Leave VENV out, or let it name a new folder." >&2; exit 1 ;; \
		esac; \
		echo "$(VENV) was made in $$(cat $(STAMP)): making it anew"; rm -rf $(VENV); \
	elif [ -e $(VENV) ] && ! $(PY) -m pip --version >/dev/null 2>&1; then \
		echo "$(VENV) has no Python with pip that starts: making it anew"; rm -rf $(VENV); \
	fi
	@[ -e $(VENV) ] || { \
		version=$$($(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3]); \
			sys.exit(sys.version_info < (3, 11))' 2>/dev/null); status=$$?; \
		if [ -z "$$version" ]; then \
			echo "$(PYTHON) does not start. Python 3.11 or newer is needed; if yours has another" \
				"name: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; \
		elif [ $$status -ne 0 ]; then \
			echo "$(PYTHON) is Python $$version, and 3.11 or newer is needed. If you have one:" \
				"make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; \
		elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "$(PYTHON) cannot make virtual environments: it lacks the module ensurepip. On" \
				"Debian and Ubuntu: sudo apt install python3-venv"; exit 1; \
		fi; \
		echo "Making $(VENV) with Python $$version"; \
		mkdir $(VENV) && touch $(UNFINISHED) && $(PYTHON) -m venv $(VENV); \
	} >&2
	@$(PY) install.py --torch "$(TORCH)"
	@rm -f $(UNFINISHED) && pwd -P > $(STAMP)

$(DEVELOPERS): $(STAMP) requirements-dev.txt
	@$(PY) install.py --torch "$(TORCH)" --dev
	@touch $@
