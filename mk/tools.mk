# SPDX-License-Identifier: MIT
# The command, the libc provider, the examples, and the demo.

# "-iquote src": <bpf/btf.h> is libbpf's, "bpf/btf.h" is ours.
TOOL_INC := -Iinclude -iquote src -iquote .
CLI_SRC  := $(sort $(wildcard cli/*.c))
CLI_OBJ  := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
# Routes libbpf's system calls; only the choice of the target is the preload library's own.
ROUTE_SRC := $(sort $(filter-out preload/target_env.c,$(wildcard preload/*.c)))
ROUTE_OBJ := $(ROUTE_SRC:%.c=$(BUILD)/obj/%.o)
RAWTP    := $(BUILD)/rawtp
ALL      += $(RAWTP)

$(BUILD)/obj/cli/%.o: INC := $(TOOL_INC)

# -rdynamic: libbpf must find our syscall() and epoll functions before libc's.
$(RAWTP): $(CLI_OBJ) $(ROUTE_OBJ) $(LIB_A)
	$(call SAY,LINK)$(CC) $(LDFLAGS_ALL) -rdynamic -Wl,-z,now -Wl,-z,relro -o $@ $(CLI_OBJ) $(ROUTE_OBJ) $(LIB_A) \
		-lbpf -lelf -pthread -ldl

# Preloaded into any program: nothing but libc and librawtp.so, which lies beside it or one above. -fno-builtin: the compiler
# must not take our malloc for the one it knows.
PROVIDER_SRC := $(sort $(wildcard providers/libc/*.c))
PROVIDER_OBJ := $(PROVIDER_SRC:%.c=$(BUILD)/obj/%.o)
PROVIDER     := $(BUILD)/librawtp-libc.so
ALL          += $(PROVIDER)

$(BUILD)/obj/providers/%.o: INC = -Iinclude -I$(<D)
$(BUILD)/obj/providers/%.o: override CFLAGS += -fno-builtin -U_FORTIFY_SOURCE -ftls-model=initial-exec

$(PROVIDER): $(PROVIDER_OBJ) $(LIB)
	$(call SAY,LINK)$(CC) -shared -Wl,-soname,librawtp-libc.so -Wl,-z,now -Wl,-z,relro $(if $(SAN),,-Wl,-z,defs) \
		-Wl,-rpath,'$$ORIGIN:$$ORIGIN/..' $(LDFLAGS_ALL) -o $@ $(PROVIDER_OBJ) -L$(BUILD) -lrawtp -pthread -ldl

# BPF objects: any *.bpf.c of the examples.
BPF_SRC := $(sort $(wildcard examples/*/*.bpf.c))
BPF_OBJ := $(BPF_SRC:%.c=$(BUILD)/%.o)
ALL     += $(BPF_OBJ)
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Iinclude \
	-idirafter /usr/include/$(shell $(CC) -print-multiarch)

$(BUILD)/examples/%.bpf.o: examples/%.bpf.c
	@mkdir -p $(@D)
	$(call SAY,BPF)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

# Programs: the other sources of each folder, linked as an author would.
EXAMPLE_SRC := $(sort $(filter-out %.bpf.c,$(wildcard examples/*/*.c)))
EXAMPLES    := $(foreach d,$(sort $(dir $(EXAMPLE_SRC))),$(BUILD)/$(d)$(notdir $(d:/=)))
ALL         += $(EXAMPLES)

# As in the kernel: the folder of an event header that says TRACE_INCLUDE_PATH . is searched.
$(BUILD)/obj/examples/%.o: INC = -Iinclude -I$(<D)
$(BUILD)/obj/examples/kernel_style_header/%.o: INC = -Iinclude -Iinclude/compat -I$(<D)
$(BUILD)/obj/examples/xdp_exception/%.o: INC = -Iinclude -Iinclude/compat -I$(<D)

# With BTF, where the compiler can: its program has the types of its tracepoints.
BTF_FLAG := $(shell echo 'int x;' | $(CC) -gbtf -x c -c - -o /dev/null 2>/dev/null && echo -gbtf)
$(BUILD)/obj/examples/typed/%.o: OPT := -O2 $(or $(BTF_FLAG),-g)

define example_program
$(BUILD)/$(1)$(notdir $(1:/=)): $(patsubst %.c,$(BUILD)/obj/%.o,$(filter $(1)%,$(EXAMPLE_SRC))) $(LIB)
	@mkdir -p $$(@D)
	$$(call SAY,LINK)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$(filter %.o,$$^) -L$(BUILD) -lrawtp -Wl,-rpath,'$$$$ORIGIN/../..'
endef
$(foreach d,$(sort $(dir $(EXAMPLE_SRC))),$(eval $(call example_program,$(d))))

.PHONY: tools demo
tools: $(RAWTP) $(PROVIDER) $(BPF_OBJ) $(EXAMPLES)

demo:
	@$(MAKE) --no-print-directory $(LIB) tools
	@BUILD=$(BUILD) scripts/demo
