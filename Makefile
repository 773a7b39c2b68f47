# Thin targets: each does its own set-up. `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build the binary (debug)
	$(CARGO) build --locked

tools: ## install the pinned tools that tests need into target/tools
	hack/tools.sh claude agui mcp

cluster-tools: ## build Kubernetes and CoreDNS into target/tools/cluster (minutes the first time)
	hack/cluster/tools.sh

cluster-up: ## a real cluster on this machine (root); RING=control-plane: only an API server, no root
	hack/cluster/up.sh $(or $(RING),node)

cluster-down: ## remove it; without RING: every ring of this checkout
	hack/cluster/down.sh $(RING)

cluster-env: ## for a shell: eval the output of make -s cluster-env, then use kubectl
	@hack/cluster/env.sh $(RING)

smoke: ## a run of the real agent CLI in a pod of the node ring (root): its outcome, its file, its events
	hack/smoke.sh

demo: ## watch the real agent CLI repair a small project, offline
	hack/demo.sh

recording: ## put what the demo prints into README.md
	hack/recording.sh

test: tools ## every test: unit, property, HTTP, the real CLI, the official AG-UI client, a real cluster
	hack/test.sh

lint: ## formatting, clippy, docs, licences
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
	hack/tools.sh deny
	target/tools/bin/cargo-deny --locked check bans licenses sources

contract: export CONTRACT_URL = $(URL)
contract: export CONTRACT_TOKEN = $(TOKEN)
contract: export CONTRACT_GIT = $(GIT)
contract: ## play the HTTP contract against a runner: URL=… TOKEN=… GIT=(a repository it can clone); no URL: ours
	$(CARGO) test --locked --test contract the_contract -- --nocapture

image: ## the images, as docker-archives in target/images (PROFILE=release for a real one)
	hack/image.sh

fuzz: ## the property tests on random inputs, PROPTEST_CASES of each (20000)
	hack/fuzz.sh

crds: ## regenerate crds/*.yaml
	AMBIENT_WRITE_CRDS=1 $(CARGO) test --locked --test crds

times: ## measure what each target takes, cold and warm (more than an hour), for docs/development.md
	hack/times.sh

bench: tools ## measure our figures against their goals and the original's
	hack/bench.sh

bench-operator: ## measure the operator against its goals and the original's, on an API server with fake nodes
	hack/bench-operator.sh

soak: ## kill the operator at a hundred random points (POINTS=…): every Run is executed once
	hack/soak.sh $(POINTS)

.PHONY: help build tools cluster-tools cluster-up cluster-down cluster-env smoke demo recording test lint contract image fuzz crds times bench bench-operator soak
