# SPDX-License-Identifier: MIT
# make bench: the tables of doc/performance.md, from this machine.   FORMAT=text|markdown|json
# Linked with librawtp.so, as an application is: what a call across objects costs is in the figures.

FORMAT    ?= text
BENCH     := $(BUILD)/bench/bench
BENCH_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard bench/*.c)))

$(BENCH_OBJ): CFLAGS += -Ibench -Ibench/$(if $(wildcard bench/$(ARCH)),$(ARCH),generic)

# The work by hand once more, as a library that is loaded.
HAND := $(BUILD)/bench/hand.so

$(HAND): $(BUILD)/obj/bench/hand.o
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) -shared $(LDFLAGS_ALL) -o $@ $<

$(BENCH): $(BENCH_OBJ) $(LIB) | $(HAND)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $(BENCH_OBJ) -L$(BUILD) -lrawtp '-Wl,-rpath,$$ORIGIN/..' -pthread

# Peers, for make bench alone: those whose headers are there. The bench loads them from beside itself.
PEER_DIR := $(BUILD)/bench
has_header = $(shell echo '\#include <$(1)>' | $(CC) -E - >/dev/null 2>&1 && echo yes)
.PHONY: bench-peers
bench-peers: $(BENCH)
	@$(if $(call has_header,sys/sdt.h),$(CC) -O2 -fPIC -shared -Ibench/peers -o $(PEER_DIR)/peer_sdt.so bench/peers/sdt.c,rm -f \
		$(PEER_DIR)/peer_sdt.so)
	@$(if $(call has_header,lttng/tracepoint.h),$(CC) -O2 -fPIC -shared -Ibench/peers -o $(PEER_DIR)/peer_lttng.so \
		bench/peers/lttng.c -llttng-ust -ldl,rm -f $(PEER_DIR)/peer_lttng.so)

# The machine code alone, against clang on the same C. Linked with the archive: it calls what no application can.
ENGINES     := $(BUILD)/bench/engines/engines
ENGINES_OBJ := $(BUILD)/obj/bench/engines/main.o $(BUILD)/obj/bench/engines/native.o $(BUILD)/obj/preload/route.o

$(BUILD)/obj/bench/engines/main.o: INC := $(TOOL_INC) -iquote bench/engines
$(BUILD)/obj/bench/engines/native.o: bench/engines/native.c bench/engines/programs.h bench/engines/native.h
	@mkdir -p $(@D)
	$(call SAY,CC)$(CLANG) -O2 -g $(WARN) -Ibench/engines -c -o $@ $<

$(ENGINES).bpf.o: bench/engines/programs.bpf.c bench/engines/programs.h
	@mkdir -p $(@D)
	$(call SAY,BPF)$(CLANG) $(BPF_CFLAGS) -Ibench/engines -c -o $@ $<

$(ENGINES): $(ENGINES_OBJ) $(LIB_A) $(ENGINES).bpf.o
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -rdynamic -o $@ $(ENGINES_OBJ) $(LIB_A) -lbpf -lelf -pthread -ldl

# How fast the verifier is, beside the kernel's.
VERIFY := $(BUILD)/bench/verify/verify
$(BUILD)/obj/bench/verify/%.o: CFLAGS += -Itests

$(VERIFY): $(BUILD)/obj/bench/verify/main.o $(TEST_LIB) $(LIB_A)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $^ -pthread -ldl

.PHONY: bench bench-doc
bench: $(BENCH) $(ENGINES) $(VERIFY) bench-peers
	@bench/peers/lttng.sh $(BENCH) -f $(FORMAT)
	@$(ENGINES) -f $(FORMAT) $(ENGINES).bpf.o
	@$(VERIFY) -f $(FORMAT)
	@FORMAT=$(FORMAT) CC="$(CC)" bench/mail_sum.sh
bench-doc: $(BENCH) $(ENGINES) bench-peers
	@BUILD=$(BUILD) CC="$(CC)" bench/doc.sh

test: $(BENCH) $(ENGINES) $(VERIFY)
