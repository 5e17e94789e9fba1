# schreger: one environment (.venv), made light for use and full for work on the code. `make help` lists what there is.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -q
SYSTEM_PACKAGES := chromium g++ postgresql

# Photos that lie beside the checkout are used where SCHREGER_DATA names none.
ifndef SCHREGER_DATA
ifneq ($(wildcard ../shared/data/manifest.csv),)
export SCHREGER_DATA := $(abspath ../shared/data)
endif
endif

.PHONY: help install full demo test system lint types walls format soak bench wheel constraints fonts clean

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "%-13s%s\n", $$1, $$2 }' Makefile

# Environment. A stamp is newer than the files that it was made from, so nothing is installed twice.

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: name a newer one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module: on Debian and Ubuntu it is in the package python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.light: pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/.full: pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch .venv/.light $@

install: .venv/.light ## the light runtime in .venv (no torch)

full: .venv/.full ## everything: the runtime, training, tests

demo: install ## the page with the shipped model; options: make demo ARGS="--port 7870"
	.venv/bin/schreger serve $(ARGS)

# Checks

test: system lint types walls ## everything that must pass before a change lands
	$(PY) -m pytest $(ARGS)

system: ## Debian packages that tests need: installed when root, named otherwise
	@command -v dpkg-query >/dev/null || { echo "Tests use: $(SYSTEM_PACKAGES). Install what is missing with your package manager."; exit 0; }; \
	missing=$$(for package in $(SYSTEM_PACKAGES); do \
		dpkg-query -W -f='$${db:Status-Status}\n' $$package 2>/dev/null | grep -qx installed || echo $$package; done | xargs); \
	install="apt-get install -y --no-install-recommends $$missing"; \
	if [ -z "$$missing" ]; then exit 0; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$install -qq >/dev/null; \
	else echo "Missing for some tests, which will skip: $$missing. As root: apt-get update && $$install"; fi

lint: .venv/.full ## ruff: rules and format
	$(PY) -m ruff check -q .
	$(PY) -m ruff format -q --check .

types: .venv/.full ## mypy, strict
	$(PY) -m mypy

walls: .venv/.full ## which room may import which
	.venv/bin/lint-imports --no-logo

format: .venv/.full ## write the code as `make lint` wants it
	$(PY) -m ruff check -q --fix .
	$(PY) -m ruff format -q .

soak: .venv/.full ## the tests that are too long for `make test`
	$(PY) -m pytest -m soak $(ARGS)

bench: .venv/.full ## what we measure against peers
	@for script in $(wildcard benchmarks/*.py); do echo "== $$script"; $(PY) $$script || exit 1; done

# Releases

wheel: .venv/bin/pip ## a wheel in dist/
	@rm -rf build
	$(PIP) wheel --no-deps -w dist .
	@rm -rf build

constraints: .venv/bin/pip ## resolve every dependency anew; torch moves only by hand
	@grep -E '^torch(vision)?==' constraints.txt > .venv/held.txt
	$(PIP) install --dry-run --ignore-installed --report .venv/report.json -c .venv/held.txt -e '.[dev]'
	@$(PY) -c 'import json; \
	found = (package["metadata"] for package in json.load(open(".venv/report.json"))["install"]); \
	pins = (m["name"] + "==" + m["version"].partition("+")[0] for m in found if m["name"] != "schreger"); \
	print("# Every version that the tests passed with (make constraints).", *sorted(pins, key=str.lower), sep="\n")' > constraints.txt

fonts: .venv/.full ## cut anew what reports print with, after apt-get install fonts-noto-core fonts-noto-cjk
	$(PY) -m serve.report.subset

clean: ## remove what was built and cached; .venv and runs/ stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .gradio
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
