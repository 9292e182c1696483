# SPDX-License-Identifier: MIT
# What is loaded into somebody else's process: layers L0 to L3, libc alone.

LIB_SRC := $(sort $(shell find src -name '*.c' -not -path '*/x86_64/*' -not -path '*/arm64/*' \
	-not -name '*_x86_64.c' -not -name '*_arm64.c') \
	$(shell find src \( -path '*/$(ARCH)/*' -o -name '*_$(ARCH).c' \) -name '*.c'))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
LIB     := $(BUILD)/librawtp.so
LIB_A   := $(BUILD)/librawtp.a
ALL     += $(LIB) $(LIB_A)
# The library itself brings no events, so none of its objects announces any.
$(LIB_OBJ): DEFS += -DRAWTP_NO_OBJECT

# Rooms that no event passes through are compiled for size: the library is loaded into everything.
# Their unwind tables are with the debug information, not with what is loaded.
COLD_ROOMS := agent client wire bpf/verifier bpf/syscall bpf/jit bpf/btf bpf/btf_check bpf/btf_resolve bpf/opcodes bpf/disasm \
	tracepoint/registry tracepoint/print tracepoint/switch
COLD_OPT   := $(if $(SAN),,$(if $(filter -O2,$(OPT)),-Os -fno-asynchronous-unwind-tables))
$(foreach room,$(COLD_ROOMS),$(eval $(BUILD)/obj/src/$(room)/%.o $(BUILD)/obj/src/$(room).o: ROOM_OPT := $(COLD_OPT)))
# Half of what the loader reads are relative relocations; where linker and libc know the short form.
PACK_RELOCS := $(if $(SAN),,$(shell echo 'int main(void){return 0;}' | $(CC) -x c - -o /dev/null -Wl,-z,pack-relative-relocs 2>&1 | \
	grep -q . || echo -Wl,-z,pack-relative-relocs))

# What the tools alone use stays in librawtp.a.
$(LIB_OBJ): DEFS += -ffunction-sections
GC := -Wl,--gc-sections

# Maps as files, and the reader's side.
EXTRA_src_bpf_maps_map = $(COLD_OPT)
EXTRA_src_bpf_maps_perf_event = $(COLD_OPT)
EXTRA_src_bpf_maps_perf_output := -Os
EXTRA_src_bpf_maps_ringbuf = $(COLD_OPT)
EXTRA_src_bpf_maps_ringbuf_recover = $(COLD_OPT)
# No read that goes well passes these.
EXTRA_src_base_signals := -Os
EXTRA_src_base_signals_libc := -Os
# Programs that are tried out have a stack, too.
EXTRA_src_bpf_syscall_test_run := -fasynchronous-unwind-tables
EXTRA_src_bpf_syscall_dispatch := -fasynchronous-unwind-tables
# Reached by few events, and not short.
$(foreach file,base_unwind_cfi bpf_helpers_format bpf_helpers_string bpf_helpers_cgroup \
	bpf_helpers_dynptr bpf_maps_stack_trace bpf_maps_task_storage bpf_maps_queue_stack \
	bpf_maps_prog_array bpf_maps_lru_hash bpf_prog bpf_helpers_print link_raw_tracepoint \
	bpf_tail_call bpf_maps_map bpf_maps_owner bpf_maps_ringbuf_recover,$(eval EXTRA_src_$(file) := -Os))

# What a change of flags asks for, too.
$(BUILD)/obj/%.o: %.c Makefile mk/lib.mk
	@mkdir -p $(@D)
	$(call SAY,CC)$(CC) $(CFLAGS_ALL) $(ROOM_OPT) $(EXTRA_$(subst /,_,$(basename $<))) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJ) src/rawtp.map
	$(call SAY,LINK)$(CC) -shared -Wl,-soname,librawtp.so.0 -Wl,--version-script=src/rawtp.map $(if $(SAN),,-Wl,-z,defs) \
		-Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete $(GC) $(PACK_RELOCS) $(LDFLAGS_ALL) -o $@ $(LIB_OBJ) -pthread
	@ln -sf librawtp.so $(BUILD)/librawtp.so.0

# Functions of libc that are defined anew are for the shared library alone.
$(LIB_A): $(filter-out %/signals_libc.o,$(LIB_OBJ))
	@rm -f $@
	$(call SAY,AR)$(AR) rcs $@ $^
