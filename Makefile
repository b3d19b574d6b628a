# touchstone: `make` lists what can be made. A Go toolchain and make are all
# that run and test need; race also needs a C compiler.

GO        ?= go
# The version comes from the tag or commit, which go build records where git
# answers.
VCS       := $(shell git status >/dev/null 2>&1 && echo auto || echo false)
BUILD      = CGO_ENABLED=0 $(GO) build -buildvcs=$(VCS) -trimpath -ldflags '-s -w'
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

DATA      ?= data
ADDR      ?= 127.0.0.1:8080
BENCH     ?= .
FUZZTIME  ?= 12s
FUZZMAX   ?= 100
RACE      ?= ./hash/... ./index/... ./server
DATASET   ?= testdata/accuracy
SET       ?= both
ACCURACY_FLAGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets (this is what make alone does)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  variables: DATA=$(DATA) ADDR=$(ADDR) BENCH=$(BENCH) FUZZTIME=$(FUZZTIME) DATASET=$(DATASET) SET=$(SET) JSON= CHECK= FILES= ALL= ACCURACY_FLAGS="

.PHONY: run
run: build ## judge the demo photos against two demo banks, then serve HTTP
	bin/touchstone demo --data $(DATA) --addr $(ADDR)

.PHONY: build
build: ## build bin/touchstone, one static binary
	$(BUILD) -o bin/touchstone ./cmd/touchstone

.PHONY: test
test: ## run all tests
	$(GO) test -timeout 170s ./...

.PHONY: race
race: ## run the tests of hash, index and server under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 400s $(RACE)

.PHONY: vet
vet: ## go vet
	$(GO) vet ./...

.PHONY: fmt
fmt: ## say which files gofmt would change
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not gofmt-ed:"; echo "$$out"; exit 1; fi

.PHONY: staticcheck
staticcheck: ## staticcheck, a pinned version
	$(GO) run $(STATICCHECK) ./...

# Every fuzz target for FUZZTIME; the first FUZZMAX in the order of their
# packages.
.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@set -e; grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:func /:/' | sort | head -n $(FUZZMAX) | \
	while IFS=: read -r file name; do \
		echo "$$name in $$(dirname $$file)"; \
		$(GO) test $$(dirname $$file) -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s -timeout 300s; \
	done

.PHONY: cross
cross: ## build for the other platforms
	@set -e; for p in linux/arm64 darwin/arm64 windows/amd64; do \
		echo "build $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(BUILD) -o /dev/null ./cmd/touchstone; \
	done
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./...

.PHONY: arm64
arm64: ## check that arm64 computes the same fingerprints, features and evidence (needs qemu-aarch64 elsewhere)
	GOARCH=arm64 CGO_ENABLED=0 $(GO) test -exec qemu-aarch64 -run 'Vectors|Golden|Stay|TiedPictures|Cosines' -timeout 300s ./hash/...

.PHONY: bench
bench: ## run the benchmarks that match BENCH
	$(GO) test -run '^$$' -bench '$(BENCH)' -timeout 60m ./benchmarks

# SET is published, second or both; JSON a file for the results; with CHECK=1
# a bar that is missed is a failure; ACCURACY_FLAGS are further ones (see
# `go run ./benchmarks/accuracy -h`), such as -positives 20 for a shorter run.
.PHONY: accuracy
accuracy: ## recall and false alarms on the photos of DATASET, against their bars
	$(GO) run ./benchmarks/accuracy -set $(SET) $(if $(CHECK),-check) $(if $(JSON),-json $(JSON)) $(ACCURACY_FLAGS) $(DATASET)

# FILES is a folder of JPEGs to measure in place of mosaics of the photos of
# DATASET; JSON and CHECK are as for accuracy; FLOOR=0.5 fails only what is worse than half
# of its bar.
.PHONY: bench-hash
bench-hash: ## how much faster than others a JPEG is fingerprinted, by size, kind and bits per pixel, against bars
	$(GO) run ./benchmarks/speed $(if $(CHECK),-check) $(if $(FLOOR),-floor $(FLOOR)) $(if $(JSON),-json $(JSON)) $(if $(FILES),-files $(FILES),$(DATASET))

# With ALL=1 all photos and more mosaics, ten minutes in place of one.
.PHONY: fidelity
fidelity: ## how far queries are from the exact fingerprints of the same pictures, against bars
	$(GO) run ./benchmarks/speed -fidelity $(if $(ALL),-all) $(if $(CHECK),-check) $(if $(JSON),-json $(JSON)) $(DATASET)

# N codes straight into the search structure: a million take a minute, ten
# millions seven. JSON is a file for the results; with CHECK=1 a bar or a recall
# that is missed is a failure, with FLOOR=0.4 one of which less than that part is
# reached; CHURN=10m adds and removes for so long instead;
# ONLY=box runs one section. DATASET, if given, is a folder of photos with a
# manifest.csv, in place of products in TOUCHSTONE_DATASETS.
N ?= 1000000
.PHONY: bench-near
bench-near: ## the search among N codes: time, memory, recall, against bars
	@mkdir -p bin
	$(GO) test -c -o bin/bench-near.test ./index/internal/radius
	bin/bench-near.test -test.run '^TestBars$$' -bars -bars.n $(N) $(if $(CHECK),-bars.check) $(if $(FLOOR),-bars.floor $(FLOOR)) $(if $(JSON),-bars.json $(JSON)) \
		$(if $(CHURN),-bars.churn $(CHURN)) $(if $(ONLY),-bars.only '$(ONLY)') $(if $(filter-out file,$(origin DATASET)),-bars.photos $(DATASET))

# JSON is a file for the figures; DIR where the store is made, and removed. The
# million is run with CHECK always.
.PHONY: scale
scale: ## adding, opening and searching a store of a million references: rate, time and memory, against bars
	$(GO) run ./benchmarks/scale -check $(if $(JSON),-json $(JSON)) $(if $(DIR),-dir $(DIR))

# The bars are for N=5000000, which are ten million codes; these take 3 GB of disk,
# 4 GB of memory and five minutes.
.PHONY: start
start: ## starting a store of N references: time until it answers and is indexed, against bars for five millions
	$(GO) run ./benchmarks/scale -start -n $(if $(filter file,$(origin N)),5000000,$(N)) $(if $(CHECK),-check) $(if $(JSON),-json $(JSON)) $(if $(DIR),-dir $(DIR))

.PHONY: clean
clean: ## remove what build made (never a store)
	rm -rf bin
