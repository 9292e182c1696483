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

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(EXTRA_$(subst /,_,$(basename $<))) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJ) src/rawtp.map
	$(CC) -shared -Wl,-soname,librawtp.so.0 -Wl,--version-script=src/rawtp.map $(if $(SAN),,-Wl,-z,defs) \
		-Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete $(LDFLAGS_ALL) -o $@ $(LIB_OBJ) -pthread
	ln -sf librawtp.so $(BUILD)/librawtp.so.0

$(LIB_A): $(LIB_OBJ)
	rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)
