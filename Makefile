# SPDX-License-Identifier: MIT
# make            build/librawtp.so, build/librawtp.a, build/rawtp and what goes with them
# make demo       installs what is missing, builds, traces a real program
# make test       everything that must pass     (SAN=address,undefined or SAN=thread: under sanitizers)
# make check      layers, exported symbols, sizes, format
# make fuzz       coverage-guided fuzz targets: mk/fuzz.mk says how they are run
# make bench      the tables of doc/performance.md
# make install    PREFIX=/usr/local DESTDIR=
# One makefile, no recursion: every folder below adds to the same lists.

VERSION := 0.1.0
CC      ?= gcc
CXX     ?= g++
CLANG   ?= clang
PREFIX  ?= /usr/local
SAN     ?=
comma   := ,

ifeq ($(origin CC),default)
CC := gcc
endif
# One line a file; make V=1 prints the commands.
SAY = $(if $(V),,@printf '  %-4s  %s\n' $(1) $@;)
BUILD ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
# The same folder by another name would be other targets to what was noted of headers.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wno-unused-parameter
WERROR ?= $(if $(CI),-Werror)
OPT    ?= -O2 -g
DEFS   := -D_GNU_SOURCE -DRAWTP_VERSION='"$(VERSION)"'
INC    := -Iinclude -Isrc
CFLAGS_ALL = -std=gnu11 $(OPT) $(WARN) $(WERROR) $(DEFS) $(INC) -fPIC -fvisibility=hidden \
	-fno-strict-aliasing $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -DRAWTP_SANITIZED) $(CFLAGS)
LDFLAGS_ALL = $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

include mk/deps.mk

ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1 | sed 's/aarch64/arm64/')

include mk/lib.mk
include mk/tools.mk
include mk/preload.mk
include mk/tests.mk
include mk/fuzz.mk
include mk/bench.mk
include mk/install.mk

.DEFAULT_GOAL := all
.PHONY: all clean
all: $(ALL)

clean:
	rm -rf build build-*

-include $(shell test -d $(BUILD) && find $(BUILD) -name '*.d')
