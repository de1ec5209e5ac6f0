# make quickstart | test | check | docs | app | packages | constraints | audit | licences

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
AUDITORS := build/auditors

.PHONY: quickstart test check docs app packages constraints audit licences clean

quickstart: $(INSTALLED)
	$(PYTHON) train.py experiment=quickstart name=quickstart
	$(PYTHON) predict.py examples/generated.fasta --bundle runs/quickstart/bundle -o runs/quickstart/predictions
	@echo "look at runs/quickstart/predictions/predictions.csv and runs/quickstart/confusion.png"

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(INSTALLED)
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -m tutorial tests/e2e/test_tutorials.py
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet
	@echo "open build/site/index.html"

app: $(INSTALLED)
	npm ci --prefix peftsp/app
	rm -f build/signal_peptides.html
	$(VENV)/bin/peftsp-app fast -o build/signal_peptides.html

# Built twice, for the same bytes; the wheel predicts in an environment of its own.
packages: export SOURCE_DATE_EPOCH = 1735689600
packages: $(INSTALLED)
	npm ci --prefix peftsp/app
	rm -rf dist build/again build/smoke
	$(PYTHON) -m build --outdir dist
	$(PYTHON) -m build --outdir build/again
	$(PYTHON) -m twine check --strict dist/*
	cmp dist/*.whl build/again/*.whl
	python3 -m venv build/smoke
	build/smoke/bin/python -m pip install --quiet --constraint constraints.txt dist/*.whl
	cd build/smoke && bin/peftsp-predict ../../examples/proteins.fasta --output out --formats csv,gff3,html
	test -s build/smoke/out/predictions.csv

# The newest versions that fit together; run the tests with them before you keep them.
constraints:
	rm -rf build/newest
	python3 -m venv build/newest
	build/newest/bin/python -m pip install --quiet ".[dev]"
	(head -1 constraints.txt; build/newest/bin/python -m pip freeze --exclude peftsp) > build/newest/constraints.txt
	mv build/newest/constraints.txt constraints.txt

# Known faults of the pinned versions; asks the package index for them.
audit: $(AUDITORS)
	$(AUDITORS)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

# graph-part names none in its metadata (BSD-3-Clause by its file), archspec one that tools cannot read
# (Apache-2.0 OR MIT).
licences: $(INSTALLED) $(AUDITORS)
	$(AUDITORS)/bin/pip-licenses --python $(PYTHON) --partial-match --order license \
		--ignore-packages peftsp graph-part archspec \
		--allow-only "MIT;Apache;BSD;ISC;PSF;Python Software Foundation;MPL;Mozilla Public License;Biopython"

$(AUDITORS):
	python3 -m venv $@
	$@/bin/python -m pip install --quiet pip-audit pip-licenses

clean:
	rm -rf $(VENV) build dist *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
