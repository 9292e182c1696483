# SPDX-License-Identifier: MIT
# Before anything is asked of the compiler: `make demo` and `make test` on a machine that has make
# and little else. A look at the files costs milliseconds; nothing is fetched when all is there.

DEPS_GOAL := $(firstword $(filter test demo bench,$(MAKECMDGOALS)))
DRY_RUN   := $(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS))))
ifneq ($(DEPS_GOAL),)
ifeq ($(DRY_RUN),)
ifneq ($(shell scripts/install-deps $(DEPS_GOAL) && echo done),done)
$(error something is missing on this machine; see above)
endif
endif
endif
