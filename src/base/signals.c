/* SPDX-License-Identifier: MIT */
/*
 * The handler of faults, and the record of what the program does with its signals.
 *
 * @actions holds what the program has set, for each signal whose handler is ours in the kernel. The
 * kernel is asked first: what it says is SIG_DFL or SIG_IGN is so, and the entry is not looked at.
 * For SIGSEGV and SIGBUS the entry is the truth. Flags and mask are given to the kernel as the program
 * wants them, so that stack, mask, restart and what else there is are the kernel's business.
 */
#include "base/signals.h"
#include "base/cpu/fault_copy.h"
#include "base/fault_copy.h"
#include "base/nofault.h"
#include "base/task_id.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__GLIBC__) && RAWTP_CPU_HAS_FAULT_COPY

#define N_SIGNALS       65
#define PAGE            4096 /* the smallest there is: larger ones do no harm */
#define PAGES_BELOW     16
#define PAGES_ABOVE     16
#define HANDLER_ROOM    2048 /* of our handler, the red zone, and then some */
#define FRAME_ROOM      4096 /* where the kernel does not say how large its frame is */
#define PAUSE_REFUSED   64
#define PAUSE_FAULT     16
#define BUS_MCEERR_LATE 5 /* BUS_MCEERR_AO: nothing has to be done now, nothing faults again */

/* libc's sigaction() by the name that nobody defines anew. */
extern int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);

__thread struct rawtp_signal_room rawtp_signal_room
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static struct sigaction actions[N_SIGNALS];
static bool is_trusted, is_armed, is_lost;
/*
 * The process that holds it, else 0. Held with all signals blocked: never by who is interrupted. A
 * child that inherits it held, by a thread that it has not, takes it from its parent.
 */
static uint32_t lock;

static bool is_fault_signal(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS;
}

/* The kernel's own set, without libc's exceptions. */
static void lock_actions(uint64_t *saved)
{
	uint32_t self = rawtp_task_id().tgid, holder = 0;
	uint64_t all = ~0ULL;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, saved, sizeof(all));
	while (!__atomic_compare_exchange_n(&lock, &holder, self, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (holder == self)
			holder = 0;
		sched_yield();
	}
}

static void unlock_actions(const uint64_t *saved)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, saved, NULL, sizeof(*saved));
}

void rawtp_signals_forget(void)
{
	struct rawtp_signal_room *room = &rawtp_signal_room;

	room->changes++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&room->span, 0, __ATOMIC_RELAXED);
	room->pause = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* What the kernel would have done with @info, had the program's action been its own. */
static void default_action(int sig, const siginfo_t *info)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	bool again = info->si_code > 0 && info->si_code != BUS_MCEERR_LATE;

	__atomic_store_n(&is_lost, true, __ATOMIC_RELAXED);
	__sigaction(sig, &standard, NULL);
	/* An instruction that faulted does so again when we return; what was sent is sent again. */
	if (!again)
		syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), sig, info);
}

static bool is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static void on_signal(int sig, siginfo_t *info, void *context);

/* What the kernel is to have for @wanted of the program. */
static struct sigaction kernel_action(int sig, const struct sigaction *wanted)
{
	struct sigaction action = *wanted;

	if (!is_handler(wanted) && !is_fault_signal(sig))
		return action;
	if (!is_handler(wanted)) {
		sigemptyset(&action.sa_mask);
		action.sa_flags = SA_RESTART | SA_ONSTACK;
	}
	action.sa_sigaction = on_signal;
	action.sa_flags |= SA_SIGINFO;
	/* Else the kernel would forget our handler with the program's. */
	if (is_fault_signal(sig))
		action.sa_flags &= ~(int)SA_RESETHAND;
	return action;
}

static void reset_action(int sig)
{
	struct sigaction standard = {.sa_handler = SIG_DFL}, action = kernel_action(sig, &standard);

	actions[sig] = standard;
	__sigaction(sig, &action, NULL);
}

static bool fault_signal_is_blocked(uint64_t mask)
{
	return mask & (1ULL << (SIGSEGV - 1) | 1ULL << (SIGBUS - 1));
}

/*
 * Inside the program's handler other signals may be blocked, and the stack may be another. When it
 * returns, the kernel restores what was, unless the handler has changed that.
 */
static void call_handler(int sig, siginfo_t *info, void *context, const struct sigaction *action)
{
	struct rawtp_signal_room *room = &rawtp_signal_room, before = *room;
	uint64_t mask;

	rawtp_signals_forget();
	action->sa_sigaction(sig, info, context);
	rawtp_signals_forget();
	memcpy(&mask, &((ucontext_t *)context)->uc_sigmask, sizeof(mask));
	if (!fault_signal_is_blocked(mask)) {
		room->low = before.low;
		room->span = before.span;
		room->pause = before.pause;
	}
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct sigaction action;

	if (is_fault_signal(sig) && info->si_code > 0 && rawtp_fault_resume(context))
		return;
	action = actions[sig];
	if (action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (!is_handler(&action)) {
		default_action(sig, info);
		return;
	}
	if (is_fault_signal(sig) && action.sa_flags & SA_RESETHAND)
		reset_action(sig);
	call_handler(sig, info, context, &action);
}

/* What the program has set, where the kernel says @kernel. */
static struct sigaction program_action(int sig, const struct sigaction *kernel)
{
	struct sigaction action = *kernel;

	if (kernel->sa_sigaction != on_signal)
		return action;
	if (is_fault_signal(sig))
		return actions[sig];
	action.sa_sigaction = actions[sig].sa_sigaction;
	if (!(actions[sig].sa_flags & SA_SIGINFO))
		action.sa_flags &= ~SA_SIGINFO;
	return action;
}

static int set_action(int sig, const struct sigaction *wanted)
{
	struct sigaction action = *wanted, before = actions[sig];

	if (is_armed) {
		action = kernel_action(sig, wanted);
		if (action.sa_sigaction == on_signal)
			actions[sig] = *wanted;
	}
	if (__sigaction(sig, &action, NULL) == 0)
		return 0;
	actions[sig] = before;
	return -1;
}

int rawtp_signals_action(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction kernel, wanted, was;
	uint64_t saved;
	int ret;

	if (sig <= 0 || sig >= N_SIGNALS)
		return __sigaction(sig, act, old);
	if (act)
		wanted = *act;
	lock_actions(&saved);
	ret = __sigaction(sig, NULL, &kernel);
	if (ret == 0) {
		was = program_action(sig, &kernel);
		if (act && is_armed && rawtp_in_vfork_child()) {
			/* Its actions are its own, but @actions and what is known are its parent's. */
			rawtp_signals_forget();
			ret = __sigaction(sig, &wanted, NULL);
		} else if (act) {
			ret = set_action(sig, &wanted);
		}
	}
	unlock_actions(&saved);
	if (ret == 0 && old)
		*old = was;
	return ret;
}

int rawtp_signals_mask(int how, const sigset_t *set, sigset_t *old)
{
	/* What libc keeps for itself is never blocked. */
	const uint64_t internal = 1ULL << 31 | 1ULL << 32;
	uint64_t mask = 0, was = 0;
	int saved = errno, err = 0;

	if (set) {
		memcpy(&mask, set, sizeof(mask));
		mask &= ~internal;
		rawtp_signals_forget();
	}
	if (syscall(SYS_rt_sigprocmask, how, set ? &mask : NULL, &was, sizeof(mask)) != 0)
		err = errno;
	if (set)
		rawtp_signals_forget();
	if (old && !err)
		memcpy(old, &was, sizeof(was));
	errno = saved;
	return err;
}

static bool handlers_are_ours(void)
{
	struct sigaction segv, bus;

	return __sigaction(SIGSEGV, NULL, &segv) == 0 && __sigaction(SIGBUS, NULL, &bus) == 0 &&
	       segv.sa_sigaction == on_signal && bus.sa_sigaction == on_signal;
}

/* From now on each handler of the program runs inside ours. */
static void arm(void)
{
	struct sigaction kernel, action;
	uint64_t saved;
	int sig;

	lock_actions(&saved);
	for (sig = 1; !is_armed && sig < N_SIGNALS; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP || __sigaction(sig, NULL, &kernel) != 0)
			continue;
		action = kernel_action(sig, &kernel);
		if (action.sa_sigaction != on_signal)
			continue;
		actions[sig] = kernel;
		__sigaction(sig, &action, NULL);
	}
	__atomic_store_n(&is_armed, true, __ATOMIC_RELEASE);
	unlock_actions(&saved);
}

/* How many pages can be read, one after the other, from @at on in steps of @step. */
static int readable_pages(uintptr_t at, intptr_t step, int n)
{
	struct iovec remote[PAGES_BELOW > PAGES_ABOVE ? PAGES_BELOW : PAGES_ABOVE];
	char bytes[sizeof(remote) / sizeof(remote[0])];
	struct iovec local = {bytes, (size_t)n};
	ssize_t done;
	int i;

	for (i = 0; i < n; i++)
		remote[i] = (struct iovec){(void *)(at + (uintptr_t)(i * step)), 1};
	done = process_vm_readv((pid_t)rawtp_task_id().tid, &local, 1, remote, (unsigned long)n, 0);
	if (done >= 0 || errno == EFAULT)
		return done < 0 ? 0 : (int)done;
	/* A sandbox may refuse the call: one page after the other then, by another way. */
	for (i = 0; i < n && !rawtp_nofault_read(bytes, remote[i].iov_base, 1); i++)
		;
	return i;
}

/* A signal needs room below the stack pointer. Bounds what is known to this stack, too. */
static void measure_stack(uintptr_t sp, uintptr_t *low, uintptr_t *high)
{
	uintptr_t page = sp & ~(uintptr_t)(PAGE - 1);
	unsigned long frame = getauxval(AT_MINSIGSTKSZ);
	int below = readable_pages(page, -PAGE, PAGES_BELOW);
	int above = readable_pages(page + PAGE, PAGE, PAGES_ABOVE);

	*low = page - (uintptr_t)(below - 1) * PAGE + (frame ? frame : FRAME_ROOM) + HANDLER_ROOM;
	*high = below ? page + (uintptr_t)(above + 1) * PAGE : 0;
}

static bool ask(struct rawtp_signal_room *room)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0), low, high;
	uint32_t changes = room->changes;
	uint64_t mask = ~0ULL;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* A vfork() child's mask is its own, but @room is its parent's. */
	if (rawtp_in_vfork_child())
		return false;
	if (!__atomic_load_n(&is_armed, __ATOMIC_ACQUIRE))
		arm();
	if (!handlers_are_ours() ||
	    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)) != 0 ||
	    fault_signal_is_blocked(mask))
		return false;
	measure_stack(sp, &low, &high);
	if (low >= high)
		return false;
	room->low = low;
	room->span = high - low;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* A handler may have run in between. */
	if (room->changes != changes)
		room->span = 0;
	return room->span && rawtp_fault_is_survived();
}

bool rawtp_signals_ask(void)
{
	struct rawtp_signal_room *room = &rawtp_signal_room;
	int saved = errno;
	bool known;

	if (!is_trusted || __atomic_load_n(&is_lost, __ATOMIC_RELAXED))
		return false;
	if (room->pause) {
		room->pause--;
		return false;
	}
	known = ask(room);
	if (!known)
		room->pause = PAUSE_REFUSED;
	errno = saved;
	return known;
}

void rawtp_signals_fault_seen(void)
{
	rawtp_signals_forget();
	rawtp_signal_room.pause = PAUSE_FAULT;
}

void rawtp_signals_trust(void)
{
	const char *way = secure_getenv("RAWTP_FAULT_HANDLER");

	is_trusted = !way || strcmp(way, "0") != 0;
}

#else

__thread struct rawtp_signal_room rawtp_signal_room
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

bool rawtp_signals_ask(void)
{
	return false;
}

void rawtp_signals_fault_seen(void)
{
}

#endif
