# SPDX-License-Identifier: MIT
# make bench: the tables of doc/performance.md, from this machine.   FORMAT=text|markdown|json
# Linked with librawtp.so, as an application is: what a call across objects costs is in the figures.

FORMAT    ?= text
BENCH     := $(BUILD)/bench/bench
BENCH_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard bench/*.c)))

$(BENCH_OBJ): CFLAGS += -Ibench -Ibench/$(if $(wildcard bench/$(ARCH)),$(ARCH),generic)

$(BENCH): $(BENCH_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $(BENCH_OBJ) -L$(BUILD) -lrawtp '-Wl,-rpath,$$ORIGIN/..' -pthread

.PHONY: bench bench-doc
bench: $(BENCH)
	@$(BENCH) -f $(FORMAT)
	@FORMAT=$(FORMAT) CC="$(CC)" bench/mail_sum.sh
bench-doc: $(BENCH)
	@BUILD=$(BUILD) CC="$(CC)" bench/doc.sh

test: $(BENCH)
