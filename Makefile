# Front door of the build; CMakeLists.txt and CMakePresets.json do the work.
#
#   JOBS=n          parallel jobs (all processors)
#   CMAKE_ARGS=...  passed to every first configuration, -DCMAKE_PREFIX_PATH=/opt/rocksdb say

SHELL := bash
.SHELLFLAGS := -o pipefail -c

JOBS ?= $(shell nproc)
CMAKE_ARGS ?=
BENCH_ARGS ?=
HOURS ?= 1
SECONDS_EACH ?= 900
TARGETS ?=
NAMES ?=

install_deps := cmake/install-deps.sh
build = cmake --build --preset $(1) -j $(JOBS)
# Older sanitizer runtimes cannot place their shadow memory when the kernel randomises many bits of
# the address space, so their tests run without randomisation where that is permitted.
no_aslr = $(shell setarch -R true 2>/dev/null && echo setarch -R)

folders := include format storage compaction store tools bench tests examples
sources = $(shell find $(folders) -name '*.h' -o -name '*.cc')
# CMake does not build these, so clang-tidy would not know how to compile them.
linted = $(filter-out tests/misuse/% tests/package/%,$(filter %.cc,$(sources)))

# Without all headers it takes our macros for functions that return. What is moved from clang-tidy
# sees better; a VersionLink is assigned to, not made of a pointer.
cppcheck_options = --quiet --std=c++20 --language=c++ -j $(JOBS) --inline-suppr \
  -I include -I . -I build/release/generated \
  --error-exitcode=1 --enable=warning,performance,portability --suppress=accessMoved \
  --suppress=useInitializationList:store/key_tree.h \
  --suppress=useInitializationList:store/partition_index.cc --suppress=missingInclude \
  --suppress=unknownMacro

.PHONY: all build deps test demo crash fuzz bench docs package controls check format asan tsan clean help
all: build

build: build/release/build.ninja ## Build everything in build/release (what `make` alone does)
	$(call build,release)

deps: ## Install what is missing with apt (elsewhere: say what to install)
	@$(install_deps) build

test: build ## Run all tests
	ctest --preset release -j $(JOBS)

demo: build/release/build.ninja ## Count words, get killed three times, count right; INPUT=file takes any text
ifeq ($(INPUT),)
	@$(install_deps) demo
endif
	$(call build,release) --target word_count ckpt-inspect
	@examples/demo.sh

crash: build ## Run the fault campaigns for hours; HOURS=n of the model test, counts in build/crash/summary.json
	tests/crash/campaigns.sh build/release build/crash/summary.json $(HOURS)

controls: build ## Take one safeguard at a time out of a copy of the sources: a test must notice; NAMES=words for some of them
	tests/controls/controls.py build/controls $(NAMES)

fuzz: build/fuzz/build.ninja ## Run libFuzzer on the parsers; SECONDS_EACH=n, TARGETS=names, what is found in build/fuzz/corpus/found
	@$(install_deps) fuzz
	$(call build,fuzz)
	tests/fuzz/fuzz.sh build/fuzz/tests/fuzz/tidemark_fuzz build/fuzz/corpus $(SECONDS_EACH) $(TARGETS)

bench: build/release/build.ninja ## Run the benchmarks, results in build/bench/results.json; SCALE=full for the big ones
	$(call build,bench)
	@mkdir -p build/bench
	build/release/bench/tidemark_bench --benchmark_out=build/bench/results.json \
	  --benchmark_out_format=json $(BENCH_ARGS)

docs: ## Make the API reference, build/docs/html/index.html; a warning is an error
	@$(install_deps) docs
	@mkdir -p build
	TIDEMARK_VERSION=$$(sed -n 's/^ *VERSION \([0-9.]*\)$$/\1/p' CMakeLists.txt) doxygen docs/Doxyfile

package: build/release/build.ninja ## Make the Debian package for developers in build/package
	@$(install_deps) package
	$(call build,release) --target tidemark ckpt-inspect tidemark_manuals
	cpack --config build/release/CPackConfig.cmake -G DEB -B build/package

check: build/release/build.ninja ## Check formatting and lint
	@$(install_deps) check
	clang-format --dry-run -Werror $(sources)
	$(call build,release) --target tidemark_generated
	@printf '%s\n' $(linted) | \
	  xargs -P $(JOBS) -n 1 clang-tidy -p build/release --quiet 2>&1 | \
	  sed '/^[0-9]* warnings\{0,1\} generated\.$$/d'
	cppcheck $(cppcheck_options) include format storage compaction store tools

format: ## Format all sources
	@$(install_deps) check
	clang-format -i $(sources)

asan: build/asan/build.ninja ## Run all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call build,asan)
	$(no_aslr) ctest --preset asan -j $(JOBS)

tsan: build/tsan/build.ninja ## Run the tests with threads under ThreadSanitizer
	$(call build,tsan)
	$(no_aslr) ctest --preset tsan -j $(JOBS)

clean: ## Remove build/
	rm -rf build

help: ## Say what the targets do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build/%/build.ninja: CMakePresets.json | deps
	cmake --preset $* $(CMAKE_ARGS)
