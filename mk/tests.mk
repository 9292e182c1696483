# SPDX-License-Identifier: MIT
# tests/unit/*.c: one program each, on tests/*.c and librawtp.a.
# tests/*/*.sh:   end to end; exit 77 is a skip, whose reason is the last line.

UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
UNIT     := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
SCRIPTS  := $(sort $(filter-out %/lib.sh,$(wildcard tests/*/*.sh)))

$(BUILD)/obj/tests/%.o: CFLAGS += -Itests

# What several tests share. An archive: a test takes what it uses.
TEST_LIB := $(BUILD)/obj/tests/support.a

$(TEST_LIB): $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/harness.c,$(wildcard tests/*.c)))
	@rm -f $@
	$(call SAY,AR)$(AR) rcs $@ $^

$(UNIT): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/obj/tests/harness.o $(TEST_LIB) \
		$(LIB_A)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -rdynamic -o $@ $^ -pthread -ldl

# As librawtp.so: libc's functions that set handlers are the library's.
$(BUILD)/tests/nofault_signals: $(BUILD)/obj/src/base/signals_libc.o

.PHONY: unit test check
unit: $(UNIT)

# What does not depend on the compiler's flags is checked once.
CHECKS   := $(sort $(wildcard scripts/check-*))
TEST_ENV  = BUILD=$(BUILD) SAN=$(SAN) CC="$(CC)" CXX="$(CXX)" CLANG="$(CLANG)"

test: all unit
	@$(TEST_ENV) scripts/run-tests $(if $(SAN),,$(CHECKS)) $(UNIT) $(REPLAY) $(SCRIPTS)

check: all
	@$(TEST_ENV) scripts/run-tests $(CHECKS)

# Programs and objects of the end-to-end scripts: tests/e2e/NAME.c, an application of librawtp.so;
# tests/e2e/NAME.bpf.c, an object for libbpf.
E2E_BPF  := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(sort $(wildcard tests/e2e/*.bpf.c)))
E2E_PROG := $(patsubst %.c,$(BUILD)/%,$(filter-out %.bpf.c,$(sort $(wildcard tests/e2e/*.c))))

$(BUILD)/tests/e2e/%.bpf.o: tests/e2e/%.bpf.c
	@mkdir -p $(@D)
	$(call SAY,BPF)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(E2E_PROG): $(BUILD)/tests/e2e/%: $(BUILD)/obj/tests/e2e/%.o $(LIB)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $< -L$(BUILD) -lrawtp '-Wl,-rpath,$$ORIGIN/../..' -pthread

.PHONY: e2e
e2e: $(E2E_BPF) $(E2E_PROG)
test: e2e

# Runs a program given as hex; the protocol of public conformance runners.
$(BUILD)/tests/vm-run: $(BUILD)/obj/tests/run/vm-run.o $(TEST_LIB) $(LIB_A)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $^ -pthread -ldl
test: $(BUILD)/tests/vm-run
