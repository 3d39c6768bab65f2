# Everything a newcomer types. `make help` lists it.
SHELL := /bin/bash
export CGO_ENABLED := 0
GO ?= go
# The programs are built against gVisor with patches/gvisor applied; everything else uses gVisor as it is.
BUILD := $(GO) build -modfile=build/patched.mod -trimpath -ldflags="-s -w"

.PHONY: help build demo test compat test-microvm check deps bench fuzz fmt clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

build: ## build bin/thaw with everything it needs inside
	@mkdir -p bin build embedded/files
	@scripts/gvisor-patched
	$(BUILD) -o build/ ./cmd/thaw-agent ./cmd/thaw-sentry ./cmd/thaw-init ./cmd/thaw-jail
	@cd build && for p in thaw-agent thaw-sentry thaw-init thaw-jail; do \
		sha256sum $$p | cut -d' ' -f1 | cmp -s - ../embedded/files/$$p.sha256 || { \
			gzip -6 -n -c $$p >../embedded/files/$$p.gz && sha256sum $$p | cut -d' ' -f1 >../embedded/files/$$p.sha256; }; \
	done
	$(BUILD) -o bin/thaw ./cmd/thaw

demo: ## install what is missing, build, deploy three functions, invoke them cold and warm (root)
	@scripts/install-deps demo
	@$(MAKE) --no-print-directory build
	@demo/run

test: ## install what is missing and run every test (root)
	@scripts/install-deps test
	@$(MAKE) --no-print-directory build
	@scripts/run-tests

compat: ## the tests that need a toolchain of their own: Rust, Java, C++ (root)
	@scripts/install-deps compat
	@scripts/run-tests compat

test-microvm: ## the tests of virtual machines that take minutes under emulation (root)
	@scripts/install-deps test
	@$(MAKE) --no-print-directory build
	@scripts/run-tests microvm

check: ## what needs no root and no network: vet, format, tests of pure packages
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run make fmt"; exit 1; }
	$(GO) vet ./...
	$(GO) test -short ./...

bench: build ## measure warm and cold invocations on this machine (root)
	bin/thaw bench warm --runtime python --n 2000
	bin/thaw bench cold --runtime python --n 30

fuzz: ## fuzz everything that reads hostile input, 30 s each
	@scripts/fuzz 30s

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

deps: ## install what the tests and the demo need (Debian, root)
	@scripts/install-deps test

clean: ## remove what make build made
	rm -rf bin build
	rm -f embedded/files/thaw-*
