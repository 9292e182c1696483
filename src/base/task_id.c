/* SPDX-License-Identifier: MIT */
#include "base/task_id.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define NO_SUCH_ADVICE (-1)

/* Lies in the page that is wiped: zeroes mean "a new process". */
struct process_id {
	uint32_t tgid;
	uint32_t fork;
};

struct thread_id {
	uint32_t tid;
	uint32_t fork; /* the generation in which tid is true; 0: none */
};

static struct process_id *process_page; /* NULL: not made yet; MAP_FAILED: cannot be made */
static uint32_t last_fork;              /* inherited, unlike the page */
static __thread struct thread_id thread_id __attribute__((tls_model("initial-exec")));

static struct process_id *make_page(void)
{
	struct process_id *page, *expected = NULL;

	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	/* Who takes advice that does not exist (qemu-user) does not heed what exists either. */
	if (page != MAP_FAILED && (madvise(page, sizeof(*page), NO_SUCH_ADVICE) == 0 ||
				   madvise(page, sizeof(*page), MADV_WIPEONFORK) != 0)) {
		munmap(page, sizeof(*page));
		page = MAP_FAILED;
	}
	if (!__atomic_compare_exchange_n(&process_page, &expected, page, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		if (page != MAP_FAILED)
			munmap(page, sizeof(*page));
		page = expected;
	}
	return page;
}

/* Several threads may come here at once: the generation only has to differ from the parent's. */
static uint32_t refresh_process(struct process_id *page)
{
	uint32_t fork = __atomic_add_fetch(&last_fork, 1, __ATOMIC_RELAXED), none = 0;

	__atomic_store_n(&page->tgid, (uint32_t)getpid(), __ATOMIC_RELAXED);
	if (!__atomic_compare_exchange_n(&page->fork, &none, fork, false, __ATOMIC_RELEASE,
					 __ATOMIC_ACQUIRE))
		fork = none;
	return fork;
}

static struct rawtp_task_id slow_id(void)
{
	struct rawtp_task_id id;
	struct process_id *page = __atomic_load_n(&process_page, __ATOMIC_ACQUIRE);
	int saved = errno;

	if (!page)
		page = make_page();
	if (page == MAP_FAILED) {
		id.tgid = (uint32_t)getpid();
		id.tid = (uint32_t)gettid();
		id.fork = id.tgid;
		errno = saved;
		return id;
	}
	id.fork = __atomic_load_n(&page->fork, __ATOMIC_ACQUIRE);
	if (!id.fork)
		id.fork = refresh_process(page);
	id.tgid = __atomic_load_n(&page->tgid, __ATOMIC_RELAXED);
	id.tid = (uint32_t)gettid();
	/* A vfork() child has the memory of a thread that goes on after it, under another number. */
	if (id.tgid == (uint32_t)getpid()) {
		/* In this order: a signal handler between the two finds the old generation. */
		__atomic_store_n(&thread_id.tid, id.tid, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		__atomic_store_n(&thread_id.fork, id.fork, __ATOMIC_RELAXED);
	}
	errno = saved;
	return id;
}

struct rawtp_task_id rawtp_task_id(void)
{
	struct process_id *page = __atomic_load_n(&process_page, __ATOMIC_ACQUIRE);
	struct rawtp_task_id id;

	if (!page || page == MAP_FAILED)
		return slow_id();
	id.fork = __atomic_load_n(&page->fork, __ATOMIC_ACQUIRE);
	if (!id.fork || thread_id.fork != id.fork)
		return slow_id();
	id.tgid = __atomic_load_n(&page->tgid, __ATOMIC_RELAXED);
	id.tid = thread_id.tid;
	return id;
}

bool rawtp_task_id_places(struct rawtp_task_id_places *places)
{
	const struct process_id *page;

	rawtp_task_id();
	page = __atomic_load_n(&process_page, __ATOMIC_ACQUIRE);
	if (!page || page == MAP_FAILED)
		return false;
	*places = (struct rawtp_task_id_places){&page->tgid, &page->fork, &thread_id.tid,
						&thread_id.fork};
	return true;
}

bool rawtp_in_vfork_child(void)
{
	return rawtp_task_id().tgid != (uint32_t)getpid();
}
