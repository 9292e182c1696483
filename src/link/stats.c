/* SPDX-License-Identifier: MIT */
/* The memory of a link's figures: made by the holder, mapped by both, believed by neither. */
#include "base/cpu/counter.h"
#include "base/err.h"
#include "link/raw_tracepoint.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int rawtp_link_stats_create(void)
{
	struct rawtp_link_stats *stats;
	int fd, err;

	fd = memfd_create("rawtp-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	/* fallocate(): memory that is short is an error here, and not a SIGBUS in the target. */
	if (fallocate(fd, 0, 0, sizeof(*stats)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		err = -errno;
		close(fd);
		return err;
	}
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (stats == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	stats->magic = RAWTP_STATS_MAGIC;
	stats->version = RAWTP_STATS_VERSION;
	munmap(stats, sizeof(*stats));
	return fd;
}

struct rawtp_link_stats *rawtp_link_stats_map(int stats_fd)
{
	struct rawtp_link_stats *stats;
	struct stat st;
	int seals;

	if (stats_fd < 0) {
		/* Shared: a forked child goes on counting in it, as it would in a memfd. */
		stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		return stats == MAP_FAILED ? rawtp_err_ptr(-ENOMEM) : stats;
	}
	seals = fcntl(stats_fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || seals & F_SEAL_WRITE || fstat(stats_fd, &st) ||
	    st.st_size < (off_t)sizeof(*stats))
		return rawtp_err_ptr(-EINVAL);
	if (fallocate(stats_fd, FALLOC_FL_KEEP_SIZE, 0, sizeof(*stats)))
		return rawtp_err_ptr(errno == EPERM ? -EINVAL : -ENOMEM);
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED, stats_fd, 0);
	if (stats == MAP_FAILED)
		return rawtp_err_ptr(errno == ENOMEM ? -ENOMEM : -EINVAL);
	if (stats->magic != RAWTP_STATS_MAGIC || stats->version != RAWTP_STATS_VERSION) {
		munmap(stats, sizeof(*stats));
		return rawtp_err_ptr(-EINVAL);
	}
	return stats;
}

void rawtp_link_stats_unmap(struct rawtp_link_stats *stats)
{
	munmap(stats, sizeof(*stats));
}

struct rawtp_stats_block rawtp_link_stats_sum(const struct rawtp_link_stats *stats)
{
	struct rawtp_stats_block sum = {0};
	unsigned int i;

	for (i = 0; i < RAWTP_STATS_BLOCKS; i++) {
		const struct rawtp_stats_block *block = &stats->block[i];

		sum.recursion_misses += rawtp_counter_read(&block->recursion_misses);
		sum.misses += __atomic_load_n(&block->misses, __ATOMIC_ACQUIRE);
		sum.hits += rawtp_counter_read(&block->hits);
		sum.timed += rawtp_counter_read(&block->timed);
		sum.nsecs += rawtp_counter_read(&block->nsecs);
	}
	return sum;
}
