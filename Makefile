# What SAM builds (make build-RemediateFunction …) and what people work with. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help env build bootstraps guard test lint demo local cost bench bench-teardown bench-peers fuzz cover docs module release clean first-build FORCE

# What functions are built for: Lambda's processor, whatever GOOS and GOARCH say in the shell; SAM would package what
# cannot run. Tests and the demo build for HOST.
TARGET = linux/arm64
HOST  := $(shell go env GOHOSTOS)/$(shell go env GOHOSTARCH)

# One set of flags for all that compiles, so that nothing is compiled twice. AWS's clients are megabytes of generated code that
# waits for the network: without inlining (-l) they compile in 0.6 of the processor time. Nothing here needs debugging data.
export CGO_ENABLED = 0
export GOFLAGS     = -trimpath -buildvcs=false -mod=readonly -tags=lambda.norpc -gcflags=all=-dwarf=false \
	'-gcflags=github.com/aws/aws-sdk-go-v2/service/...=-l -dwarf=false'
unexport GOOS GOARCH GOARM64 GOAMD64
# The SDK refuses a custom HTTP client, as tests have one, while this is set.
unexport AWS_CA_BUNDLE

FUZZTIME  ?= 30s
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
TEMPLATES := template.yaml guard.yaml
FUNCTIONS := $(shell sed -nE 's/^  ([A-Za-z]+Function):$$/\1/p' $(TEMPLATES) | sort -u)
# Below .aws-sam, which SAM leaves out when it copies the sources.
folder     = .aws-sam/$(subst /,-,$(1))
FOR_TARGET = GOOS=$(word 1,$(subst /, ,$(TARGET))) GOARCH=$(word 2,$(subst /, ,$(TARGET))) GOARM64=v8.0
BUILD      = $(FOR_TARGET) go build -v
WITH_BUILT = GUARD_BOOTSTRAPS="$$PWD/$(call folder,$(HOST))"

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z -]+:.*## / {printf "%-20s%s\n", $$1, $$2}' Makefile

env: ## print the variables of these targets for a shell, which then uses what they compiled: eval "$(make env)"
	@echo "export CGO_ENABLED=$$CGO_ENABLED GOFLAGS=\"$$GOFLAGS\""
	@echo "unset AWS_CA_BUNDLE"

build: first-build ## build every function for Lambda into .aws-sam/linux-arm64 (TARGET=os/arch for another processor)
	@$(foreach f,$(FUNCTIONS),$(MAKE) --no-print-directory build-$f ARTIFACTS_DIR='$(call folder,$(TARGET))/$f' &&) true

bootstraps: ## build every function for this machine, as tests and the demo want them
	@$(MAKE) --no-print-directory build TARGET=$(HOST)

guard: ## build the command line, ./guard
	go build -v -ldflags '-s -w' -o guard ./cmd/guard

first-build:
	@echo "Building the functions for $(TARGET). The first time, this compiles AWS's SDK: minutes, and 2 GB of memory."

# SAM's: RemediateFunction in both templates is functions/remediate, ProbeAFunction and ProbeBFunction are functions/probe.
# A function's version is the checksum of the ids that Go gives to what it links, never a commit: what changes no function must not
# change its package, because during each update of the stack the guard stands down.
build-%Function: PACKAGE = $(shell echo $* | sed -E 's/[AB]$$//' | tr A-Z a-z)
build-%Function: FORCE
	@test -n "$$ARTIFACTS_DIR" || { echo "ARTIFACTS_DIR is not set"; exit 2; }
	@ids=$$($(FOR_TARGET) go list -v -export -deps -f '{{.BuildID}}' ./functions/$(PACKAGE)) && sum=$$(echo "$$ids" | cksum) && \
	$(BUILD) -ldflags "-s -w -X main.version=$${sum%% *}" -o "$$ARTIFACTS_DIR/bootstrap" ./functions/$(PACKAGE)

# go test runs as many packages at once as there are processors, in the order of its arguments: those that take longest begin.
test: bootstraps ## run all tests
	$(WITH_BUILT) go test ./test/endtoend ./cmd/guard ./test/template ./...

lint: ## gofmt, go vet, staticcheck, cfn-lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	@if command -v cfn-lint; then cfn-lint $(TEMPLATES); else echo "cfn-lint is not installed: $(TEMPLATES) are not linted"; fi

cost: guard ## what the stack costs in a month
	@./guard cost

demo local: bootstraps guard ## an attack and its correction, without an account (local: keeps running for the AWS CLI; ARGS=--board)
	$(WITH_BUILT) ./guard $@ $(ARGS)

bench: ## measure the critical path, cold starts and the judge
	go test -run '^$$' -bench . -benchmem ./...

bench-teardown: ## measure emptying a bucket, beside its peers, on one model of S3 (about 25 minutes)
	go run ./cmd/bench-teardown

bench-peers: bootstraps ## measure the guard beside Cloud Custodian (C7N_PYTHON), CDK (CDK_LIB) and s5cmd (S5CMD), where installed
	$(WITH_BUILT) go run ./cmd/bench-peers
	go run ./cmd/bench-teardown -installed

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@grep -rEo --include='*_test.go' 'func Fuzz[A-Za-z0-9]+' internal local cmd | tr : ' ' | while read -r file _ name; do \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; done

cover: ## coverage by package, and in all
	go test -coverpkg=./internal/...,./local/... -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

docs: ## write the tables of parameters, exposure and cost into docs/
	go test -run TestDocs ./test/template ./cmd/guard -update

module: ## change the module's path in go.mod and in all imports (MODULE=host/owner/s3-endpoint-guard)
	@test -n "$(MODULE)" || { echo "MODULE is not set, e.g. make module MODULE=git.example.com/team/s3-endpoint-guard"; exit 2; }
	@old=$$(go list -m) && go mod edit -module "$(MODULE)" && go mod edit -module "$(MODULE)/tools" tools/go.mod && \
	grep -rl --include='*.go' "\"$$old[/\"]" . | xargs sed -i.before -E "s#\"$$old([/\"])#\"$(MODULE)\1#" && \
	find . -name '*.go.before' -delete && gofmt -w . && go build ./... && echo "the module is $(MODULE) now"

release: ## build the command line for Linux, macOS and Windows into dist, the same bytes each time (VERSION=v1.2.3)
	go run ./cmd/release -version '$(VERSION)'

clean: ## remove what was built
	rm -rf .aws-sam dist guard
