# What SAM builds (make build-RemediateFunction …) and what people work with. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help build test lint demo local dashboard-preview cost bench bench-teardown fuzz cover docs clean FORCE

# The target of builds: Lambda's, unless the environment says otherwise.
GOOS     ?= linux
GOARCH   ?= arm64
FUZZTIME ?= 30s
VERSION  ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown)

FUNCTIONS := $(shell sed -nE 's/^  ([A-Za-z]+Function):$$/\1/p' template.yaml)
# Below .aws-sam, which SAM leaves out when it copies the sources.
BOOTSTRAPS = .aws-sam/$(GOOS)-$(GOARCH)
# This machine, and the bootstraps for it, which tests and the demo run. Built once for all who want them.
HOST       = GOOS=$(shell go env GOHOSTOS) GOARCH=$(shell go env GOHOSTARCH)
READY      = .aws-sam/$(shell go env GOHOSTOS)-$(shell go env GOHOSTARCH)
LDFLAGS    = -s -w -X main.version=$(VERSION)
GO_BUILD   = CGO_ENABLED=0 GOOS=$(GOOS) GOARCH=$(GOARCH) \
             go build -buildvcs=false -mod=readonly -tags lambda.norpc -trimpath -ldflags '$(LDFLAGS)'
# The SDK refuses a custom HTTP client, as tests have one, while this is set.
unexport AWS_CA_BUNDLE

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z -]+:.*## / {printf "%-20s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build every function for Lambda into .aws-sam/linux-arm64
	@$(foreach f,$(FUNCTIONS),$(MAKE) --no-print-directory build-$f ARTIFACTS_DIR=$(BOOTSTRAPS)/$f &&) true

# SAM's: RemediateFunction in template.yaml is functions/remediate, ProbeAFunction and ProbeBFunction are functions/probe.
build-%Function: FORCE
	$(GO_BUILD) -o $(or $(ARTIFACTS_DIR),$(error ARTIFACTS_DIR is not set))/bootstrap ./functions/$(shell echo $* | sed -E 's/[AB]$$//' | tr A-Z a-z)

test: ## run all tests
	@$(MAKE) --no-print-directory build $(HOST)
	GUARD_BOOTSTRAPS='$(CURDIR)/$(READY)' go test ./...

lint: ## gofmt, go vet, staticcheck, cfn-lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	@if command -v cfn-lint; then cfn-lint template.yaml; else echo "cfn-lint is not installed: template.yaml is not linted"; fi

dashboard-preview: ## draw the dashboard, with an hour of data, into docs/dashboard.svg
	@$(MAKE) --no-print-directory build $(HOST)
	GUARD_BOOTSTRAPS=.aws-sam/$(shell go env GOHOSTOS)-$(shell go env GOHOSTARCH) go run ./cmd/guard dashboard-preview

cost: ## what the stack costs in a month
	@go run ./cmd/guard cost

demo local: ## an attack and its correction, without an account (local: keeps running for the AWS CLI)
	@$(MAKE) --no-print-directory build $(HOST)
	GUARD_BOOTSTRAPS=$(READY) go run ./cmd/guard $@

bench: ## measure the critical path, cold starts and the judge
	go test -run '^$$' -bench . -benchmem ./...

bench-teardown: ## measure emptying a bucket, beside its peers, on one model of S3 (about 25 minutes)
	go run ./cmd/bench-teardown

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@grep -rEo --include='*_test.go' 'func Fuzz[A-Za-z0-9]+' internal cmd | tr : ' ' | while read -r file _ name; do \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; done

cover: ## coverage by package, and in all
	go test -coverpkg=./internal/... -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

docs: ## write the tables into README.md
	go test -run TestReadme . ./cmd/guard -update

clean: ## remove what was built
	rm -rf .aws-sam
