# netmail: build and tests. `make help` lists the targets; docs/architecture.md says where things live.

# V=1 shows the commands; QUIET=1 nothing but warnings and errors.
Q = $(if $(V),,@)
say = @$(if $(V)$(QUIET),:,printf '  %-5s %s\n' $1 $2)

CC ?= cc
CLANG ?= clang
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
BASE = -std=c11 -D_GNU_SOURCE $(WARN) -Isrc -MMD -MP
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

PREFIX ?= /usr/local
LUA_VERSION ?= 5.4
# For `make fuzz` and for the fuzz targets in `make test`, each.
FUZZ_SECONDS ?= 60
FUZZ_TEST_SECONDS ?= 3
# How many parts of the tests run at once, of which many wait for a clock; a `make -jN test` decides it instead.
JOBS ?= $(shell expr $$(nproc) + 1)

# One interpreter: its command, its headers' folder. Those that are not installed are left out (and skipped, with a
# word, by the tests).
ALL_LUAS = lua5.1 lua5.2 lua5.3 lua5.4 luajit
INC_lua5.1 = /usr/include/lua5.1
INC_lua5.2 = /usr/include/lua5.2
INC_lua5.3 = /usr/include/lua5.3
INC_lua5.4 = /usr/include/lua5.4
INC_luajit = /usr/include/luajit-2.1
# C tests of the bindings (spec/lua/) are linked with this one, which stands for all.
EMBEDDED = lua5.4
LUAS ?= $(foreach l,$(ALL_LUAS),$(if $(wildcard $(INC_$l)/lua.h),$(if $(shell command -v $l),$l)))

# Debian packages. `a|b`: any of them will do, the first is what gets installed; `a?b`: only where there is no command b.
# luajit2, never luajit: that one makes apt remove nginx's Lua module.
DEBS = gcc libc6-dev make pkg-config git openssl ca-certificates \
  lua5.1 lua5.2 lua5.3 lua5.4 liblua5.1-0-dev liblua5.2-dev liblua5.3-dev liblua5.4-dev \
  luajit2|luajit libluajit2-5.1-dev|libluajit-5.1-dev libcurl4-openssl-dev|libcurl4-gnutls-dev libidn2-dev libunistring-dev libssl-dev \
  luarocks lua-busted lua-check lua-ldoc lua-socket lua-cqueues lua-luv \
  clang libclang-rt-dev clang-format clang-tidy cppcheck valgrind python3 python3-aiosmtpd iproute2 \
  libgmime-3.0-dev nodejs?node npm?npm $(SERVER_LIBS)
# The specs' mail servers are unpacked into build/servers, not installed; this is what they link.
SERVER_DEBS = postfix dovecot-core dovecot-submissiond dovecot-lmtpd dovecot-gssapi exim4-daemon-heavy libnss-wrapper \
  krb5-kdc krb5-admin-server krb5-user
SERVER_LIBS = libcap2 libdb5.3 libgcrypt20 libgnutls-dane0 libgssapi-krb5-2 libgssrpc4 libicu72 libidn12 libkadm5clnt-mit12 \
  libkadm5srv-mit12 libkdb5-10 libldap-2.5-0 libmariadb3 libnsl2 libpam0g libpcre2-8-0 libperl5.36 libpq5 libsasl2-2 libsodium23 \
  libspf2-2 libsqlite3-0 libss2 libsystemd0 libtirpc3 libunwind8 libverto1 libverto-libev1 libzstd1

# What the benchmarks compare with, beyond that; bench/send/setup.sh has the rest.
BENCH_DEBS = php-cli?php libphp-phpmailer perl libio-socket-ssl-perl msmtp gnuplot-nox

# --- sources ------------------------------------------------------------------------------------------------------

ROOMS = base mime smtp
TOP_SRC := $(filter-out src/lua_%,$(wildcard src/*.c))
CORE_LUA_SRC := $(filter-out src/lua_net.c src/lua_crypto.c src/lua_testing%,$(wildcard src/lua_*.c))
CORE_SRC := $(foreach r,$(ROOMS),$(wildcard src/$r/*.c)) $(TOP_SRC)
# Addresses, and with them libidn2, are core's alone.
ADDR_SRC := $(wildcard src/base/addr*.c) src/base/idn.c
LINK_base = -lidn2
# Normal forms of passwords; libidn2 brings it anyway.
LINK_smtp = -lunistring
NET_SRC := $(filter-out $(ADDR_SRC),$(wildcard src/base/*.c)) $(wildcard src/net/*.c)
NET_LUA_SRC := $(wildcard src/lua_net.c)
# A server's TLS is testing's alone.
TLS_SRC := $(wildcard src/crypto/tls*.c)
CRYPTO_SRC := $(filter-out $(ADDR_SRC),$(wildcard src/base/*.c)) $(filter-out $(TLS_SRC),$(wildcard src/crypto/*.c))
CRYPTO_LUA_SRC := $(wildcard src/lua_crypto.c)
TESTING_SRC := $(CRYPTO_SRC) $(TLS_SRC) $(wildcard src/testing/*.c)
# Classes of userdata are core's, and small.
TESTING_LUA_SRC := $(wildcard src/lua_testing*.c) $(addprefix src/lua_,box.c class.c options.c util.c)
# A module is there as soon as the source with its luaopen function is.
MODULES := $(if $(wildcard src/lua_core.c),core) $(if $(NET_LUA_SRC),net) $(if $(CRYPTO_LUA_SRC),crypto) $(if $(wildcard src/lua_testing.c),testing)
LUA_FILES := $(wildcard lua/netmail/*.lua lua/netmail/*/*.lua)
# GMime's program has its own flags.
BENCH_C = $(filter-out bench/build/gmime.c,$(wildcard bench/build/*.[ch] bench/send/*.[ch]))
C_FILES = $(sort $(wildcard src/*.[ch] src/*/*.[ch] spec/*.[ch] spec/*/*.[ch] bench/*.[ch] $(BENCH_C)))

TESTS := $(patsubst spec/%.c,%,$(wildcard spec/*_test.c spec/*/*_test.c))
FUZZERS := $(patsubst spec/%.c,%,$(wildcard spec/*_fuzz.c spec/*/*_fuzz.c))

LOGS = build/test-logs
PART = spec/support/part.sh $(LOGS)
SUMMARY = spec/support/summary.sh $(LOGS)

.PHONY: help all modules demo test check fuzz bench bench-quick bench-deps bench-encode bench-build bench-memory bench-steps bench-send install deps rockspec clean distclean \
  test-parts test-c test-valgrind test-lua test-fuzz test-rock lint-gcc lint-clang

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: modules ## build the modules for every interpreter found, into build/<interpreter>/

demo: deps ## send a mail through a real server and show what arrived
	@$(MAKE) --no-print-directory modules
	@spec/support/lua.sh $(firstword $(filter lua5.4,$(LUAS)) $(LUAS) lua5.4) examples/demo.lua

modules: $(foreach l,$(LUAS),$(foreach m,$(MODULES),build/$l/netmail/$m.so))

# --- objects --------------------------------------------------------------------------------------------------------
# A variant is a way to compile: build/<variant>/obj holds its objects, build/<variant>/lib one archive a room. Files
# without Lua are compiled once a variant, the bindings once an interpreter.

define variant
build/$1/obj/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$2 $(BASE) $3 $$(OWN_CFLAGS) $$(if $$(filter src/lua_% spec/lua/%,$$<),-I$$(INC_$$(EMBEDDED))) -c $$< -o $$@

$(foreach r,base mime smtp net crypto testing,$(call archive,$1,$r,$(wildcard src/$r/*.c)))
$(call archive,$1,top,$(TOP_SRC))
$(call archive,$1,lua,$(CORE_LUA_SRC))
$(call archive,$1,beside,$(NET_LUA_SRC) $(CRYPTO_LUA_SRC) $(filter src/lua_testing%,$(TESTING_LUA_SRC)))

-include $$(wildcard build/$1/obj/*/*.d build/$1/obj/*/*/*.d)

endef

define archive
build/$1/lib/$2.a: $(patsubst %.c,build/$1/obj/%.o,$3)
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)ar rcs $$@ $$^

endef

$(eval $(call variant,plain,$$(CC),$$(CFLAGS) -fPIC))
$(eval $(call variant,asan,$$(CC),-Ispec -g -O1 -DNM_TEST_ALLOC $$(SANITIZE)))
$(eval $(call variant,valgrind,$$(CC),-Ispec -g -O1 -DNM_TEST_ALLOC))
# The only thread of ours is the test server's; and hosts have several, with a Lua state in each.
$(eval $(call variant,tsan,$$(CC),-Ispec -g -O1 -fsanitize=thread))
$(eval $(call variant,fuzz,$$(CLANG),-Ispec -g -O1 -DNM_TEST_ALLOC $$(SANITIZE) -fsanitize=fuzzer-no-link))

define interpreter
build/$1/obj/%.o: src/%.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $(BASE) $$(CFLAGS) -fPIC -I$(INC_$1) -c $$< -o $$@

build/$1/netmail/core.so: $(CORE_LUA_SRC:src/%.c=build/$1/obj/%.o) $(CORE_SRC:%.c=build/plain/obj/%.o)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) -shared $$(LDFLAGS) $$^ $(LINK_base) $(LINK_smtp) -o $$@

build/$1/netmail/net.so: $(NET_LUA_SRC:src/%.c=build/$1/obj/%.o) $(NET_SRC:%.c=build/plain/obj/%.o)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) -shared $$(LDFLAGS) $$^ -lcurl -o $$@

build/$1/netmail/crypto.so: $(CRYPTO_LUA_SRC:src/%.c=build/$1/obj/%.o) $(CRYPTO_SRC:%.c=build/plain/obj/%.o)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) -shared $$(LDFLAGS) $$^ -lssl -lcrypto -o $$@

build/$1/netmail/testing.so: $(TESTING_LUA_SRC:src/%.c=build/$1/obj/%.o) $(TESTING_SRC:%.c=build/plain/obj/%.o)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) -shared $$(LDFLAGS) $$^ -lssl -lcrypto -lpthread -o $$@

-include $$(wildcard build/$1/obj/*.d)
endef

$(foreach l,$(ALL_LUAS),$(eval $(call interpreter,$l)))

# Everything compiled once more, for its warnings only, by each of the two compilers ($3: the bindings for these).
define lint
$(call variant,lint-$1,$2,-O2 -Werror $$(if $$(filter spec/%,$$<),-Ispec -DNM_TEST_ALLOC))

$(foreach l,$3,$(call lint-interpreter,$1,$2,$l))

lint-$1: $(patsubst %.c,build/lint-$1/obj/%.o,$(filter-out src/lua_%,$(filter %.c,$(C_FILES)))) \
  $(foreach l,$3,$(patsubst src/%.c,build/lint-$1/$l/%.o,$(wildcard src/lua_*.c)))
endef

define lint-interpreter
build/lint-$1/$3/%.o: src/%.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$2 $(BASE) -O2 -Werror -I$(INC_$3) -c $$< -o $$@

-include $$(wildcard build/lint-$1/$3/*.d)

endef

$(eval $(call lint,gcc,gcc,$(LUAS)))
$(eval $(call lint,clang,$$(CLANG),$(filter lua5.1 lua5.4,$(LUAS))))

# --- C tests --------------------------------------------------------------------------------------------------------
# A test in spec/<room>/ is linked with its own room and base, and with nothing else: that base, mime and smtp need no
# Lua, no curl and no OpenSSL is shown by every run. Those in spec/lua/ have an interpreter in them.

NEEDS_base = base
NEEDS_mime = mime base
NEEDS_smtp = smtp base
NEEDS_net = net base
NEEDS_crypto = crypto base
# SASL's two sides are tested against each other.
NEEDS_testing = testing smtp base
NEEDS_top = top mime smtp base
NEEDS_lua = lua top mime smtp base
# All modules in one program.
NEEDS_whole = beside lua testing crypto net top mime smtp base
LINK_net = -lcurl
LINK_crypto = -lssl -lcrypto
LINK_testing = $(LINK_smtp) -lpthread
LINK_top = $(LINK_smtp)
LINK_lua = -l$(EMBEDDED) $(LINK_smtp)
LINK_whole = $(LINK_lua) $(LINK_net) $(LINK_crypto) -lpthread
# A likeness of kqueue for Linux, which has none. Not libkqueue: its descriptor cannot be polled, which is what ours is for.
build/%/obj/spec/net/watch_kqueue_test.o: OWN_CFLAGS = $(if $(filter Linux,$(shell uname -s)),-Ispec/support/kqueue)
WHOLE = lua/threads_test
room = $(if $(filter $(WHOLE),$1),whole,$(if $(findstring /,$1),$(firstword $(subst /, ,$1)),top))

THREADED = testing/server_test $(WHOLE)

define program
build/$2/$1: build/$2/obj/spec/$1.o $(foreach r,$(NEEDS_$(call room,$1)),build/$2/lib/$r.a)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$3 $$^ $(sort $(LINK_$(call room,$1)) $(LINK_base)) -o $$@

endef

$(foreach t,$(TESTS),$(eval $(call program,$t,asan,$$(CC) $$(SANITIZE))))
$(foreach t,$(TESTS),$(eval $(call program,$t,valgrind,$$(CC))))
$(foreach t,$(THREADED),$(eval $(call program,$t,tsan,$$(CC) -fsanitize=thread)))
$(foreach t,$(FUZZERS),$(eval $(call program,$t,fuzz,$$(CLANG) $$(SANITIZE) -fsanitize=fuzzer)))

# --- the parts of the tests -----------------------------------------------------------------------------------------
# run/X is a part: it runs, leaves its output in $(LOGS)/X.log and its count in $(LOGS)/X.count, and never fails
# itself; the summary adds up and fails. A part that could not even be built counts as failed there.

TSAN_PARTS = $(THREADED:%=run/tsan/%)
C_PARTS = $(TESTS:%=run/c/%) $(TSAN_PARTS)
VALGRIND_PARTS = $(TESTS:%=run/valgrind/%)
LUA_PARTS = $(ALL_LUAS:%=run/lua/%)
FUZZ_PARTS = $(FUZZERS:%=run/fuzz/%)
LONG_FUZZ_PARTS = $(FUZZERS:%=run/long-fuzz/%)
ROCK_PARTS = $(ALL_LUAS:%=run/rock/%)
CHECK_PARTS = $(addprefix run/check/,luacheck format cppcheck rockspec shell python gcc clang)
LAYERS_PART = run/check/layers
READERS_PART = run/readers/corpus

.PHONY: $(C_PARTS) $(VALGRIND_PARTS) $(LUA_PARTS) $(FUZZ_PARTS) $(LONG_FUZZ_PARTS) $(ROCK_PARTS) $(CHECK_PARTS) $(LAYERS_PART) $(READERS_PART)

$(filter-out $(TSAN_PARTS),$(C_PARTS)): run/c/%: build/asan/%
	@$(PART) c/$* count $<

# TSan wants addresses where the kernel would not always put them.
$(TSAN_PARTS): run/tsan/%: build/tsan/%
	@$(PART) tsan/$* count $(if $(shell setarch -R true 2>/dev/null && echo y),setarch -R) $<

# NETMAIL_SLOW: tests that measure time are told that it means nothing here.
$(VALGRIND_PARTS): run/valgrind/%: build/valgrind/%
	@NETMAIL_SLOW=1 $(PART) valgrind/$* count valgrind -q --leak-check=full --error-exitcode=99 \
	  --suppressions=spec/support/valgrind.supp $<

$(LUA_PARTS): run/lua/%: modules
	@rm -f build/corpus/$*; NETMAIL_CORPUS=build/corpus/$* $(PART) lua/$* count spec/support/busted.sh $*

# Every message that the specs built or received, read by three readers that are not ours.
$(READERS_PART): $(LUA_PARTS)
	@$(PART) readers/corpus count /usr/bin/python3 -B spec/support/py/readers.py $(LUAS:%=build/corpus/%)

$(FUZZ_PARTS): run/fuzz/%: build/fuzz/%
	@$(PART) fuzz/$* one spec/support/fuzz.sh $* $(FUZZ_TEST_SECONDS)

$(LONG_FUZZ_PARTS): run/long-fuzz/%: build/fuzz/%
	@$(PART) long-fuzz/$* one spec/support/fuzz.sh $* $(FUZZ_SECONDS)

$(ROCK_PARTS): run/rock/%:
	@$(PART) rock/$* one spec/support/rock.sh $* "$(INC_$*)"

run/check/luacheck:
	@$(PART) check/luacheck one luacheck --quiet --no-color lua spec examples bench *.rockspec

run/check/format:
	@$(PART) check/format one clang-format --dry-run -Werror $(C_FILES) spec/support/readers/gmime.c bench/build/gmime.c

run/check/cppcheck:
	@$(PART) check/cppcheck one cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --error-exitcode=1 -Isrc --cppcheck-build-dir=build/cppcheck src

run/check/rockspec:
	@$(PART) check/rockspec one luarocks lint netmail-scm-1.rockspec

run/check/shell:
	@$(PART) check/shell one sh -c 'for f in spec/support/*.sh spec/support/*/*.sh bench/*/*.sh .ci/run; do sh -n "$$f" || exit 1; done'

run/check/python:
	@PYTHONPYCACHEPREFIX=build/pycache $(PART) check/python one /usr/bin/python3 -m py_compile $(wildcard spec/support/*.py spec/support/*/*.py bench/*.py bench/*/*.py)

run/check/gcc run/check/clang: run/check/%:
	+@$(PART) check/$* one $(MAKE) --no-print-directory -k QUIET=1 lint-$*

$(LAYERS_PART): modules
	@$(PART) check/layers count spec/support/busted.sh $(firstword $(filter lua5.4,$(LUAS)) $(LUAS) lua5.4) spec/layers_spec.lua

# Runs the parts of $1 and adds them up.
run-parts = @rm -rf $(sort $(foreach p,$1,$(LOGS)/$(firstword $(subst /, ,$(p:run/%=%))))); \
  $(MAKE) --no-print-directory -k $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS)) $1; \
  $(SUMMARY) $(patsubst run/%,%,$1)

test: deps ## all tests, on every interpreter; ends with "N passed, N failed, N skipped"
	@$(MAKE) --no-print-directory test-parts

# Apart from `test`, because on a new machine make knows the interpreters only after deps.
test-parts:
	$(call run-parts,$(CHECK_PARTS) $(C_PARTS) $(LUA_PARTS) $(READERS_PART) $(FUZZ_PARTS) $(ROCK_PARTS))

test-c: ## C tests under ASan and UBSan
	$(call run-parts,$(C_PARTS))

test-valgrind: ## the same C tests under valgrind
	$(call run-parts,$(VALGRIND_PARTS))

test-lua: ## specs on every interpreter, and their messages in other readers
	$(call run-parts,$(LUA_PARTS) $(READERS_PART))

test-fuzz: ## each fuzz target for FUZZ_TEST_SECONDS
	$(call run-parts,$(FUZZ_PARTS))

test-rock: ## luarocks make for every interpreter, into build/rocks
	$(call run-parts,$(ROCK_PARTS))

check: ## luacheck, clang-format, cppcheck, layers, no warning from gcc and clang
	$(call run-parts,$(CHECK_PARTS) $(LAYERS_PART))

fuzz: ## each fuzz target for FUZZ_SECONDS
	$(call run-parts,$(LONG_FUZZ_PARTS))

build/plain/bench/encode: build/plain/obj/bench/encode.o build/plain/lib/mime.a build/plain/lib/base.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LINK_base) -o $@

# Ours are linked with the core alone; GMime's program is left out where GMime is not installed.
build/plain/bench/build/netmail: build/plain/obj/bench/build/netmail.o $(NEEDS_top:%=build/plain/lib/%.a)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LINK_base) $(LINK_top) -o $@

build/plain/bench/build/base64: build/plain/obj/bench/build/base64.o build/plain/lib/mime.a build/plain/lib/base.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LINK_base) -lcrypto -o $@

build/plain/bench/build/gmime: bench/build/gmime.c bench/build/job.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)flags=$$(pkg-config --cflags --libs gmime-3.0) || exit 0; $(CC) $(CFLAGS) -std=c11 -D_GNU_SOURCE $(WARN) $< -o $@ $$flags

SEND_PROGRAMS = $(addprefix build/plain/bench/send/,sink line relay command curl_easy curl_multi)
build/plain/bench/send/curl_%: LINK_peer = -lcurl

$(SEND_PROGRAMS): build/plain/bench/send/%: build/plain/obj/bench/send/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LINK_peer) -o $@

# The session alone, against sink: for those who work on it.
build/plain/bench/send/flight: build/plain/obj/bench/send/flight.o $(NEEDS_top:%=build/plain/lib/%.a)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LINK_base) $(LINK_top) -o $@

BENCH_LUA = $(firstword $(filter lua5.4,$(LUAS)) $(LUAS))

bench: bench-encode bench-build bench-memory bench-steps bench-send ## all benchmarks; bench/README.md says what they mean

bench-quick: modules $(SEND_PROGRAMS) ## the sink tested, then one short round of each of bench-send, to see that all of it runs
	@/usr/bin/python3 -B bench/send/sink_test.py build/plain/bench/send/sink
	@bench/build/setup.sh
	@BENCH_LUA=$(BENCH_LUA) /usr/bin/python3 -B bench/send/run.py --quick

bench-send: modules $(SEND_PROGRAMS) ## sending, beside libcurl, Nodemailer, smtplib and others, to three servers and on slow lines
	@bench/build/setup.sh
	@BENCH_LUA=$(BENCH_LUA) /usr/bin/python3 -B bench/send/run.py

bench-memory: modules ## memory for an attachment of a gigabyte
	@spec/support/lua.sh $(BENCH_LUA) bench/run.lua

bench-steps: modules ## the longest steps of a task that is asked for one millisecond at a time
	@spec/support/lua.sh $(BENCH_LUA) bench/steps.lua

bench-deps: deps ## install what the benchmarks compare with
	@spec/support/deps.sh "$(BENCH_DEBS)" "$(SERVER_DEBS)"
	@bench/build/setup.sh
	@bench/send/setup.sh

bench-build: modules $(addprefix build/plain/bench/build/,netmail base64 gmime) ## building messages, beside GMime, PHPMailer, Nodemailer and Python's email
	@bench/build/setup.sh
	@BENCH_LUA=$(BENCH_LUA) /usr/bin/python3 -B bench/build/run.py

bench-encode: build/plain/bench/encode ## megabytes a second of the transfer encodings, beside Python's
	@taskset -c 0 $<
	@taskset -c 0 python3 bench/encode.py

# --- what stays ------------------------------------------------------------------------------------------------------

deps: ## install the Debian packages, unpack the mail servers and set up the readers that build and tests need
	@spec/support/deps.sh "$(DEBS)" "$(SERVER_DEBS)"
	@spec/support/readers/setup.sh

rockspec: ## write the lists of files in the rockspec anew
	@spec/support/lua.sh $(firstword $(filter lua5.4,$(LUAS)) $(LUAS)) spec/support/rockspec.lua netmail-scm-1.rockspec

# LuaJIT reads the folders of Lua 5.1, and either module works in both.
INSTALL_FROM = $(if $(filter luajit,$(LUA_VERSION)),luajit,lua$(LUA_VERSION))
INSTALL_DIR = $(if $(filter luajit,$(LUA_VERSION)),5.1,$(LUA_VERSION))

install: $(MODULES:%=build/$(INSTALL_FROM)/netmail/%.so) ## copy to PREFIX for LUA_VERSION (5.1 to 5.4, luajit)
	install -d "$(DESTDIR)$(PREFIX)/share/lua/$(INSTALL_DIR)/netmail" "$(DESTDIR)$(PREFIX)/lib/lua/$(INSTALL_DIR)/netmail"
	install -m 644 lua/netmail/*.lua "$(DESTDIR)$(PREFIX)/share/lua/$(INSTALL_DIR)/netmail"
	install -m 755 $(MODULES:%=build/$(INSTALL_FROM)/netmail/%.so) "$(DESTDIR)$(PREFIX)/lib/lua/$(INSTALL_DIR)/netmail"

clean: ## remove what was built, but not the unpacked servers and the readers
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name servers ! -name readers -exec rm -rf {} +; fi

distclean: ## remove build/
	rm -rf build
