# SPDX-License-Identifier: MIT
# make fuzz       fuzz/NAME.c as $(BUILD)/fuzz/NAME, by clang with libFuzzer and its sanitizers
# make test       replays fuzz/corpus/NAME.pack: $(BUILD)/fuzz/replay-NAME, by any compiler
#
#   build/fuzz/replay-NAME --unpack DIR; build/fuzz/NAME DIR; build/fuzz/replay-NAME --pack DIR

FUZZ_SRC := $(sort $(filter-out fuzz/main.c,$(wildcard fuzz/*.c)))
FUZZ     := $(FUZZ_SRC:fuzz/%.c=$(BUILD)/fuzz/%)
REPLAY   := $(FUZZ_SRC:fuzz/%.c=$(BUILD)/fuzz/replay-%)
FUZZ_SAN := address,undefined
# Offsets are computed from addresses that are the caller's, or not known yet: any number.
FUZZ_SAN_FLAGS := -fno-sanitize-recover=undefined -fno-sanitize=pointer-overflow
FUZZ_LIB := $(LIB_SRC) $(filter-out tests/harness.c,$(wildcard tests/*.c))
FUZZ_OBJ := $(FUZZ_LIB:%.c=$(BUILD)/obj/fuzzing/%.o)

$(BUILD)/obj/fuzz/%.o: CFLAGS += -Itests
$(BUILD)/obj/fuzzing/src/%.o: DEFS += -DRAWTP_NO_OBJECT

$(BUILD)/obj/fuzzing/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,CC)$(CLANG) $(filter-out -fsanitize=%,$(CFLAGS_ALL)) -Itests -DRAWTP_SANITIZED -DRAWTP_FUZZING \
		-fsanitize=fuzzer-no-link,$(FUZZ_SAN) $(FUZZ_SAN_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/fuzzing/library.a: $(FUZZ_OBJ)
	@rm -f $@
	$(call SAY,AR)$(AR) rcs $@ $^

$(FUZZ): $(BUILD)/fuzz/%: $(BUILD)/obj/fuzzing/fuzz/%.o $(BUILD)/obj/fuzzing/library.a
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CLANG) -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ $^ -pthread -ldl

$(REPLAY): $(BUILD)/fuzz/replay-%: $(BUILD)/obj/fuzz/%.o $(BUILD)/obj/fuzz/main.o $(TEST_LIB) $(LIB_A)
	@mkdir -p $(@D)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -o $@ $^ -pthread -ldl

HAS_FUZZER = $(shell echo 'int LLVMFuzzerTestOneInput(void){return 0;}' | $(CLANG) -x c - -fsanitize=fuzzer -o /dev/null 2>/dev/null && echo yes)

.PHONY: fuzz
fuzz:
	@$(if $(HAS_FUZZER),$(MAKE) --no-print-directory BUILD=$(BUILD) $(FUZZ),\
		echo "skip fuzz # $(CLANG) has no libFuzzer here (Debian: libclang-rt-14-dev)")

test: $(REPLAY)
