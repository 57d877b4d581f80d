# netmail: build and tests. `make help` lists the targets; docs/architecture.md says where things live.

CC ?= cc
CLANG ?= clang
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
BASE = -std=c11 -D_GNU_SOURCE $(WARN) -Isrc -MMD -MP
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

PREFIX ?= /usr/local
LUA_VERSION ?= 5.4
FUZZ_SECONDS ?= 60
# How many parts of the tests run at once; a `make -jN test` decides it instead.
JOBS ?= 2

# One interpreter: its command, its headers' folder. Those that are not installed are left out (and skipped, with a
# word, by the tests).
ALL_LUAS = lua5.1 lua5.2 lua5.3 lua5.4 luajit
INC_lua5.1 = /usr/include/lua5.1
INC_lua5.2 = /usr/include/lua5.2
INC_lua5.3 = /usr/include/lua5.3
INC_lua5.4 = /usr/include/lua5.4
INC_luajit = /usr/include/luajit-2.1
LUAS ?= $(foreach l,$(ALL_LUAS),$(if $(wildcard $(INC_$l)/lua.h),$(if $(shell command -v $l),$l)))

# Debian packages. `a|b`: any of them will do, the first is what gets installed. luajit2, never luajit: that one makes
# apt remove nginx's Lua module.
DEBS = gcc libc6-dev make pkg-config git openssl ca-certificates \
  lua5.1 lua5.2 lua5.3 lua5.4 liblua5.1-0-dev liblua5.2-dev liblua5.3-dev liblua5.4-dev \
  luajit2|luajit libluajit2-5.1-dev|libluajit-5.1-dev libcurl4-openssl-dev|libcurl4-gnutls-dev \
  luarocks lua-busted lua-check lua-ldoc \
  clang clang-format clang-tidy cppcheck valgrind python3 python3-aiosmtpd

# --- sources ------------------------------------------------------------------------------------------------------

ROOMS = base mime smtp
TOP_SRC := $(filter-out src/lua_%,$(wildcard src/*.c))
CORE_LUA_SRC := $(filter-out src/lua_net.c,$(wildcard src/lua_*.c))
CORE_SRC := $(foreach r,$(ROOMS),$(wildcard src/$r/*.c)) $(TOP_SRC)
NET_SRC := $(wildcard src/base/*.c) $(wildcard src/net/*.c)
NET_LUA_SRC := $(wildcard src/lua_net.c)
# A module is there as soon as the source with its luaopen function is.
MODULES := $(if $(wildcard src/lua_core.c),core) $(if $(NET_LUA_SRC),net)
LUA_FILES := $(wildcard lua/netmail/*.lua lua/netmail/*/*.lua)
C_FILES = $(sort $(wildcard src/*.[ch] src/*/*.[ch] spec/*.[ch] spec/*/*.[ch] bench/*.[ch]))

TESTS := $(patsubst spec/%.c,%,$(wildcard spec/*_test.c spec/*/*_test.c))
FUZZERS := $(patsubst spec/%.c,%,$(wildcard spec/*_fuzz.c spec/*/*_fuzz.c))

LOGS = build/test-logs
PART = spec/support/part.sh $(LOGS)
SUMMARY = spec/support/summary.sh $(LOGS)

.PHONY: help all modules deps demo test check fuzz bench clean distclean install \
  test-parts test-c test-valgrind test-lua test-fuzz test-rock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: modules ## build the modules for every interpreter found, into build/<interpreter>/

modules: $(foreach l,$(LUAS),$(foreach m,$(MODULES),build/$l/netmail/$m.so))

# --- objects --------------------------------------------------------------------------------------------------------
# A variant is a way to compile: build/<variant>/obj holds its objects, build/<variant>/lib one archive a room. Files
# without Lua are compiled once a variant, the bindings once an interpreter.

define variant
build/$1/obj/%.o: %.c
	@mkdir -p $$(@D)
	$2 $(BASE) $3 -c $$< -o $$@

$(foreach r,base mime smtp net,$(call archive,$1,$r,$(wildcard src/$r/*.c)))
$(call archive,$1,top,$(TOP_SRC))

-include $$(wildcard build/$1/obj/*/*.d build/$1/obj/*/*/*.d)
endef

define archive
build/$1/lib/$2.a: $(patsubst %.c,build/$1/obj/%.o,$3)
	@mkdir -p $$(@D); rm -f $$@
	ar rcs $$@ $$^

endef

$(eval $(call variant,plain,$$(CC),$$(CFLAGS) -fPIC))
$(eval $(call variant,asan,$$(CC),-Ispec -g -O1 -DNM_TEST_ALLOC $$(SANITIZE)))
$(eval $(call variant,valgrind,$$(CC),-Ispec -g -O1 -DNM_TEST_ALLOC))
$(eval $(call variant,fuzz,$$(CLANG),-Ispec -g -O1 -DNM_TEST_ALLOC $$(SANITIZE) -fsanitize=fuzzer-no-link))

define interpreter
build/$1/obj/%.o: src/%.c
	@mkdir -p $$(@D)
	$$(CC) $(BASE) $$(CFLAGS) -fPIC -I$(INC_$1) -c $$< -o $$@

build/$1/netmail/core.so: $(CORE_LUA_SRC:src/%.c=build/$1/obj/%.o) $(CORE_SRC:%.c=build/plain/obj/%.o)
	@mkdir -p $$(@D)
	$$(CC) -shared $$(LDFLAGS) $$^ -o $$@

build/$1/netmail/net.so: $(NET_LUA_SRC:src/%.c=build/$1/obj/%.o) $(NET_SRC:%.c=build/plain/obj/%.o)
	@mkdir -p $$(@D)
	$$(CC) -shared $$(LDFLAGS) $$^ -lcurl -o $$@

-include $$(wildcard build/$1/obj/*.d)
endef

$(foreach l,$(ALL_LUAS),$(eval $(call interpreter,$l)))

# --- C tests --------------------------------------------------------------------------------------------------------
# A test in spec/<room>/ is linked with its own room and base, and with nothing else: that base, mime and smtp need no
# Lua, no curl and no OpenSSL is shown by every run.

NEEDS_base = base
NEEDS_mime = mime base
NEEDS_smtp = smtp base
NEEDS_net = net base
NEEDS_top = top mime smtp base
LINK_net = -lcurl
room = $(if $(findstring /,$1),$(firstword $(subst /, ,$1)),top)

define program
build/$2/$1: build/$2/obj/spec/$1.o $(foreach r,$(NEEDS_$(call room,$1)),build/$2/lib/$r.a)
	@mkdir -p $$(@D)
	$3 $$^ $(LINK_$(call room,$1)) -o $$@

endef

$(foreach t,$(TESTS),$(eval $(call program,$t,asan,$$(CC) $$(SANITIZE))))
$(foreach t,$(TESTS),$(eval $(call program,$t,valgrind,$$(CC))))
$(foreach t,$(FUZZERS),$(eval $(call program,$t,fuzz,$$(CLANG) $$(SANITIZE) -fsanitize=fuzzer)))

# --- the parts of the tests -----------------------------------------------------------------------------------------
# run/X is a part: it runs, leaves its output in $(LOGS)/X.log and its count in $(LOGS)/X.count, and never fails
# itself; the summary adds up and fails. A part that could not even be built counts as failed there.

C_PARTS = $(TESTS:%=run/c/%)
VALGRIND_PARTS = $(TESTS:%=run/valgrind/%)
LUA_PARTS = $(ALL_LUAS:%=run/lua/%)
FUZZ_PARTS = $(FUZZERS:%=run/fuzz/%)

.PHONY: $(C_PARTS) $(VALGRIND_PARTS) $(LUA_PARTS) $(FUZZ_PARTS)

$(C_PARTS): run/c/%: build/asan/%
	@$(PART) c/$* count $<

$(VALGRIND_PARTS): run/valgrind/%: build/valgrind/%
	@$(PART) valgrind/$* count valgrind -q --leak-check=full --error-exitcode=99 $<

$(LUA_PARTS): run/lua/%: modules
	@$(PART) lua/$* count spec/support/busted.sh $*

parts-of = @rm -rf $(sort $(foreach p,$1,$(LOGS)/$(firstword $(subst /, ,$(p:run/%=%)))))
run-parts = $(MAKE) --no-print-directory -k $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS)) $1; \
  $(SUMMARY) $(patsubst run/%,%,$1)

test-c: ## C tests under ASan and UBSan
	$(call parts-of,$(C_PARTS))
	@$(call run-parts,$(C_PARTS))

test-valgrind: ## the same C tests under valgrind
	$(call parts-of,$(VALGRIND_PARTS))
	@$(call run-parts,$(VALGRIND_PARTS))

test-lua: ## specs on every interpreter
	$(call parts-of,$(LUA_PARTS))
	@$(call run-parts,$(LUA_PARTS))

clean: ## remove what was built (but not the unpacked mail servers)
	find build -mindepth 1 -maxdepth 1 ! -name servers -exec rm -rf {} + 2>/dev/null || true
