# The same few commands everywhere. `make setup` tells what it needs and what it downloads.
BIN := .venv/bin
JOBS ?= 2

.PHONY: setup demo test lint format bench dictionary kafka lock clean

setup:
	@python3 infra/setup.py

# ONCE=1 ends by itself; LOG=FILE imports that web-server log.
demo: setup
	@$(BIN)/python -m infra.demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(LOG),--log "$(LOG)")

# JOBS files of tests side by side (at most 4), each job with servers of its own.
test: setup
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup
	-@$(MAKE) --no-print-directory .venv/quix
	@$(BIN)/python -m tests.benchmarks

# infra/docs/data-dictionary.md, after a change of a view or a table.
dictionary: setup
	@$(BIN)/python -m infra.docs

# Quix Streams, to compare with; beside the others, since it asks for older versions of some.
.venv/quix: tests/benchmarks/quix.lock
	@rm -rf $@ $@.part
	@$(BIN)/python -m pip install --quiet --require-hashes --target $@.part -r $<
	@mv $@.part $@ && touch $@

# Apache Kafka from Maven Central, until Ctrl-C; DIR=FOLDER keeps its log there. Needs Java 17, Maven.
kafka: setup
	@$(BIN)/python -m infra.kafka $(if $(DIR),--dir "$(DIR)")

# After a change of dependencies in pyproject.toml: all platforms, with hashes.
lock:
	@$(BIN)/python -m pip --quiet install uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
		--generate-hashes --no-emit-index-url --no-header -o requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group quix \
		--generate-hashes --no-emit-index-url --no-header -o tests/benchmarks/quix.lock

clean:
	@rm -rf .venv .footfall .kafka .npm bench.json
