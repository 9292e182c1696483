/* SPDX-License-Identifier: MIT */
/*
 * The functions of libc that set handlers or what is blocked, defined anew: in librawtp.so alone, so
 * that a program that is linked with it, or has it preloaded, calls these. They do what libc's do;
 * beyond that, base/signals.h is told. That the program does call them is seen from what the dynamic
 * linker finds first under their names: where that is another (a sanitizer's, libc's in a program
 * that loaded us later), nothing is relied on. Neither is it where a Go runtime is, which makes the
 * system calls itself.
 */
#undef _FORTIFY_SOURCE
#include "base/signals.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

#if defined(__GLIBC__) && !defined(RAWTP_SANITIZED)

static uint64_t interrupting; /* siginterrupt(): a bit a signal */

static int own_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return rawtp_signals_action(sig, act, old);
}

static int own_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return rawtp_signals_mask(how, set, old);
}

static int own_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	int err = rawtp_signals_mask(how, set, old);

	if (!err)
		return 0;
	errno = err;
	return -1;
}

static bool is_signal(int sig)
{
	if (sig > 0 && sig < 65)
		return true;
	errno = EINVAL;
	return false;
}

static sighandler_t set_handler(int sig, sighandler_t handler, int flags, bool blocks_itself)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;

	if (!is_signal(sig) || handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&action.sa_mask);
	if (blocks_itself)
		sigaddset(&action.sa_mask, sig);
	return rawtp_signals_action(sig, &action, &old) ? SIG_ERR : old.sa_handler;
}

static sighandler_t own_signal(int sig, sighandler_t handler)
{
	uint64_t bit = is_signal(sig) ? 1ULL << (sig - 1) : 0;
	bool interrupts = __atomic_load_n(&interrupting, __ATOMIC_RELAXED) & bit;

	return set_handler(sig, handler, interrupts ? 0 : SA_RESTART, true);
}

static sighandler_t own_sysv_signal(int sig, sighandler_t handler)
{
	return set_handler(sig, handler, (int)(SA_RESETHAND | SA_NODEFER), false);
}

static int own_siginterrupt(int sig, int flag)
{
	struct sigaction action;
	uint64_t bit;

	if (!is_signal(sig) || rawtp_signals_action(sig, NULL, &action))
		return -1;
	bit = 1ULL << (sig - 1);
	if (flag)
		__atomic_fetch_or(&interrupting, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&interrupting, ~bit, __ATOMIC_RELAXED);
	action.sa_flags = flag ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
	return rawtp_signals_action(sig, &action, NULL);
}

static int change_one(int how, int sig, sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	if (!is_signal(sig) || sigaddset(&set, sig))
		return -1;
	return own_sigprocmask(how, &set, old);
}

static int own_sighold(int sig)
{
	return change_one(SIG_BLOCK, sig, NULL);
}

static int own_sigrelse(int sig)
{
	return change_one(SIG_UNBLOCK, sig, NULL);
}

static int own_sigignore(int sig)
{
	return set_handler(sig, SIG_IGN, 0, false) == SIG_ERR ? -1 : 0;
}

/* As in libc: SIG_HOLD says that the signal was blocked, or is to be. */
static sighandler_t own_sigset(int sig, sighandler_t handler)
{
	struct sigaction action;
	sighandler_t old;
	sigset_t mask;

	if (handler == SIG_HOLD) {
		if (change_one(SIG_BLOCK, sig, &mask) || rawtp_signals_action(sig, NULL, &action))
			return SIG_ERR;
		return sigismember(&mask, sig) ? SIG_HOLD : action.sa_handler;
	}
	old = set_handler(sig, handler, 0, false);
	if (old == SIG_ERR || change_one(SIG_UNBLOCK, sig, &mask))
		return SIG_ERR;
	return sigismember(&mask, sig) ? SIG_HOLD : old;
}

/* The first 32 signals, as bits of a number. */
static int change_old_mask(int how, int mask)
{
	uint64_t bits = (uint32_t)mask, old_bits;
	sigset_t set, old;

	sigemptyset(&set);
	memcpy(&set, &bits, sizeof(bits));
	if (own_sigprocmask(how, &set, &old))
		return -1;
	memcpy(&old_bits, &old, sizeof(old_bits));
	return (int)old_bits;
}

static int own_sigblock(int mask)
{
	return change_old_mask(SIG_BLOCK, mask);
}

static int own_sigsetmask(int mask)
{
	return change_old_mask(SIG_SETMASK, mask);
}

/* These restore what was blocked when the context was saved. */
typedef void (*jump_fn)(struct __jmp_buf_tag *env, int value);
typedef int (*setcontext_fn)(const ucontext_t *to);
typedef int (*swapcontext_fn)(ucontext_t *from, const ucontext_t *to);
static jump_fn real_longjmp, real_checked_longjmp;
static setcontext_fn real_setcontext;
static swapcontext_fn real_swapcontext;

/* Before our constructor too, if need be. */
static void *next(void **real, const char *name)
{
	if (!*real)
		*real = dlsym(RTLD_NEXT, name);
	return *real;
}

#define REAL(variable, name) ((__typeof__(variable))next((void **)&(variable), name))

__attribute__((noreturn)) static void own_longjmp(struct __jmp_buf_tag *env, int value)
{
	rawtp_signals_forget();
	REAL(real_longjmp, "siglongjmp")(env, value);
	__builtin_unreachable();
}

__attribute__((noreturn)) static void own_checked_longjmp(struct __jmp_buf_tag *env, int value)
{
	rawtp_signals_forget();
	REAL(real_checked_longjmp, "__longjmp_chk")(env, value);
	__builtin_unreachable();
}

static int own_setcontext(const ucontext_t *to)
{
	rawtp_signals_forget();
	return REAL(real_setcontext, "setcontext")(to);
}

static int own_swapcontext(ucontext_t *from, const ucontext_t *to)
{
	int ret;

	rawtp_signals_forget();
	ret = REAL(real_swapcontext, "swapcontext")(from, to);
	rawtp_signals_forget();
	return ret;
}

/* THE list: X(name, the function that it is). scripts/check-symbols reads it too. */
#define RAWTP_SIGNAL_FUNCTIONS(X)               \
	X(sigaction, own_sigaction)             \
	X(signal, own_signal)                   \
	X(bsd_signal, own_signal)               \
	X(ssignal, own_signal)                  \
	X(sysv_signal, own_sysv_signal)         \
	X(__sysv_signal, own_sysv_signal)       \
	X(sigset, own_sigset)                   \
	X(sigignore, own_sigignore)             \
	X(siginterrupt, own_siginterrupt)       \
	X(sigprocmask, own_sigprocmask)         \
	X(pthread_sigmask, own_pthread_sigmask) \
	X(sigblock, own_sigblock)               \
	X(sigsetmask, own_sigsetmask)           \
	X(sighold, own_sighold)                 \
	X(sigrelse, own_sigrelse)               \
	X(longjmp, own_longjmp)                 \
	X(_longjmp, own_longjmp)                \
	X(siglongjmp, own_longjmp)              \
	X(__longjmp_chk, own_checked_longjmp)   \
	X(setcontext, own_setcontext)           \
	X(swapcontext, own_swapcontext)

/* By the assembler, since each has a type and attributes of its own in libc's headers. */
#define DEFINE(name, own) __asm__(".globl " #name "\n\t.set " #name ", " #own);
RAWTP_SIGNAL_FUNCTIONS(DEFINE)
#undef DEFINE

static const struct {
	const char *name;
	const void *own;
} functions[] = {
#define ROW(name, own) {#name, (const void *)(own)},
	RAWTP_SIGNAL_FUNCTIONS(ROW)
#undef ROW
};

static int find_go(struct dl_phdr_info *info, size_t size, void *data)
{
	static const char go[] = "Go";
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const char *at = (const char *)(info->dlpi_addr + segment->p_vaddr);
		const ElfW(Nhdr) *note = (const void *)at;

		if (segment->p_type == PT_NOTE && segment->p_memsz >= sizeof(*note) + 4 &&
		    note->n_namesz == 4 && !memcmp(at + sizeof(*note), go, sizeof(go)))
			return 1;
	}
	return 0;
}

__attribute__((constructor)) static void look_who_is_called(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (dlsym(RTLD_DEFAULT, functions[i].name) != functions[i].own)
			return;
	if (dl_iterate_phdr(find_go, NULL) || !REAL(real_longjmp, "siglongjmp") ||
	    !REAL(real_checked_longjmp, "__longjmp_chk") || !REAL(real_setcontext, "setcontext") ||
	    !REAL(real_swapcontext, "swapcontext"))
		return;
	rawtp_signals_trust();
}

#endif
