# SPDX-License-Identifier: MIT
# make install   PREFIX=/usr/local DESTDIR= : headers, library, command, preload libraries,
#                pkg-config file, man pages. make uninstall takes the same files away.

bindir       ?= $(PREFIX)/bin
includedir   ?= $(PREFIX)/include
libdir       ?= $(PREFIX)/lib
mandir       ?= $(PREFIX)/share/man
pkgconfigdir ?= $(libdir)/pkgconfig
# Libraries that rawtp preloads; nobody links them.
preloaddir   ?= $(libdir)/rawtp

INSTALL ?= install
HEADERS  = $(shell find include/rawtp include/compat -name '*.h' 2>/dev/null)
PAGES    = $(wildcard man/*.[1-8])
# Shared objects other than the library itself.
PRELOADS = $(filter-out $(LIB),$(filter %.so,$(ALL)))

# Always made anew: PREFIX may be another than the last time.
$(BUILD)/rawtp.pc: rawtp.pc.in FORCE
	@mkdir -p $(@D)
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@includedir@|$(includedir)|' -e 's|@libdir@|$(libdir)|' \
		-e 's|@version@|$(VERSION)|' $< >$@

.PHONY: install uninstall FORCE
install: all $(BUILD)/rawtp.pc
	for h in $(HEADERS:include/%=%); do \
		case $$h in rawtp/*) to=$$h ;; *) to=rawtp/$$h ;; esac; \
		$(INSTALL) -D -m 644 include/$$h "$(DESTDIR)$(includedir)/$$to" || exit 1; \
	done
	$(INSTALL) -D -m 755 $(LIB) "$(DESTDIR)$(libdir)/librawtp.so.$(VERSION)"
	ln -sf librawtp.so.$(VERSION) "$(DESTDIR)$(libdir)/librawtp.so.0"
	ln -sf librawtp.so.0 "$(DESTDIR)$(libdir)/librawtp.so"
	$(INSTALL) -D -m 644 $(LIB_A) "$(DESTDIR)$(libdir)/librawtp.a"
	$(INSTALL) -D -m 755 $(BUILD)/rawtp "$(DESTDIR)$(bindir)/rawtp"
	for p in $(PRELOADS); do \
		$(INSTALL) -D -m 755 $$p "$(DESTDIR)$(preloaddir)/$${p##*/}" || exit 1; \
	done
	$(INSTALL) -D -m 644 $(BUILD)/rawtp.pc "$(DESTDIR)$(pkgconfigdir)/rawtp.pc"
	for p in $(PAGES); do \
		$(INSTALL) -D -m 644 $$p "$(DESTDIR)$(mandir)/man$${p##*.}/$${p##*/}" || exit 1; \
	done

uninstall:
	rm -rf "$(DESTDIR)$(includedir)/rawtp" "$(DESTDIR)$(preloaddir)"
	rm -f "$(DESTDIR)$(libdir)"/librawtp.* "$(DESTDIR)$(bindir)/rawtp" "$(DESTDIR)$(pkgconfigdir)/rawtp.pc"
	for p in $(PAGES); do rm -f "$(DESTDIR)$(mandir)/man$${p##*.}/$${p##*/}"; done
