# The same few commands everywhere. `make setup` tells what it needs and what it downloads.
BIN := .venv/bin

.PHONY: setup test lint format bench lock clean

setup:
	@python3 infra/setup.py

test: setup
	@$(BIN)/python -m pytest $(ARGS)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup
	@$(BIN)/python -m tests.benchmarks

# After a change of dependencies in pyproject.toml: all platforms, with hashes.
lock:
	@$(BIN)/python -m pip --quiet install uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
		--generate-hashes --no-emit-index-url --no-header -o requirements.lock pyproject.toml

clean:
	@rm -rf .venv .footfall bench.json
