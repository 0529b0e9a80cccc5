# `make audit` and `make test` set everything up in .venv first; both work offline from then on.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check -q
TORCH := 2.13.0

.PHONY: audit test lint install clean
.DEFAULT_GOAL := audit

audit: install
	$(BIN)/audit run suites/quickstart.audit.yaml

test: install lint
	$(BIN)/python -m pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: .venv/.ready

# PyPI's torch for Linux brings several GB of CUDA, so the CPU build is asked for by name, from the configured
# sources first, then from PyTorch's own index; PyPI's is the last resort and says so.
.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
ifeq ($(shell uname -s),Linux)
	$(PIP) install torch==$(TORCH)+cpu 2>/dev/null \
	|| $(PIP) install torch==$(TORCH)+cpu --index-url https://download.pytorch.org/whl/cpu \
	|| { echo "No CPU build of torch $(TORCH) could be reached: taking PyPI's, CUDA and all (several GB)."; \
	     $(PIP) install torch==$(TORCH); }
else
	$(PIP) install torch==$(TORCH)
endif
	$(PIP) install -c constraints.txt -e '.[dev]'
	# Its metadata asks for a CUDA torchvision and an old requests; its code needs neither.
	$(PIP) install --no-deps torchattacks==3.5.1
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
