# SPDX-License-Identifier: MIT
# librawtp-bpf.so: other people's libbpf tools on user-space targets. LD_PRELOAD it and set RAWTP_TARGET.

PRELOAD_SRC := $(sort $(filter-out preload/route_tool.c,$(wildcard preload/*.c)))
PRELOAD_OBJ := $(PRELOAD_SRC:%.c=$(BUILD)/obj/%.o)
PRELOAD     := $(BUILD)/librawtp-bpf.so
ALL         += $(PRELOAD)

$(BUILD)/obj/preload/%.o: INC += -I.

$(PRELOAD): $(PRELOAD_OBJ) $(LIB)
	$(call SAY,LINK)$(CC) -shared -Wl,-soname,librawtp-bpf.so -Wl,-z,now -Wl,-z,relro $(if $(SAN),,-Wl,-z,defs) \
		-Wl,-rpath,'$$ORIGIN:$$ORIGIN/..' $(LDFLAGS_ALL) -o $@ $(PRELOAD_OBJ) -L$(BUILD) -lrawtp \
		-pthread -ldl
