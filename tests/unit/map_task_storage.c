/* SPDX-License-Identifier: MIT */
/* A value for each thread: its own, also after fork(), and where thread ids come again. */
#include "bpf/maps/task_storage.h"
#include "harness.h"

#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rawtp_map *shared;

static struct rawtp_map *make_storage(uint32_t value_size)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_TASK_STORAGE,
			       .key_size = 4,
			       .value_size = value_size,
			       .map_flags = BPF_F_NO_PREALLOC,
			       .btf_key_type_id = 1,
			       .btf_value_type_id = 2};
	int fd = rawtp_map_create(&attr);
	struct rawtp_map *map = rawtp_map_open(fd);

	CHECK(!rawtp_is_err(map));
	close(fd);
	return map;
}

static uint64_t *own(bool create)
{
	return rawtp_task_storage_get(shared, NULL, create);
}

static void *thread(void *data)
{
	uint64_t i, bad = own(false) != NULL, *value = own(true);

	if (!value || *value)
		return (void *)1;
	for (i = 1; i <= 1000; i++) {
		value = own(false);
		bad += !value || *value != i - 1;
		if (value)
			*value = i;
	}
	return (void *)(uintptr_t)bad;
}

TEST(task_storage_of_threads)
{
	pthread_t threads[4];
	unsigned int round, i;
	void *bad;

	shared = make_storage(8);
	CHECK(own(false) == NULL);
	*own(true) = 99;
	/* Thread ids of earlier rounds come again; what their values were does not. */
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, thread, NULL);
		for (i = 0; i < 4; i++) {
			pthread_join(threads[i], &bad);
			CHECK_EQ((uintptr_t)bad, 0);
		}
	}
	CHECK_EQ(*own(false), 99);
	CHECK_EQ(rawtp_task_storage_delete(shared), 0);
	CHECK_EQ(rawtp_task_storage_delete(shared), -ENOENT);
	CHECK(own(false) == NULL);
	rawtp_map_put(shared);
}

TEST(task_storage_after_fork)
{
	int status;
	pid_t pid;

	shared = make_storage(5000);
	*own(true) = 7;
	pid = fork();
	if (!pid) {
		bool good = !own(false) && own(true) && *own(false) == 0;

		*own(false) = 8;
		_exit(good ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(*own(false), 7);
	rawtp_map_put(shared);
}

/* More threads than there is room for: those that ended give way, and the one that asks has its own. */
TEST(task_storage_many_threads)
{
	pthread_t one;
	unsigned int i;
	void *bad;

	shared = make_storage(8);
	*own(true) = 5;
	for (i = 0; i < 20000; i++) {
		if (pthread_create(&one, NULL, thread, NULL))
			test_skip("threads cannot be made here");
		pthread_join(one, &bad);
		CHECK_EQ((uintptr_t)bad, 0);
		if (!own(false) || *own(false) != 5)
			break;
	}
	CHECK_EQ(i, 20000);
	rawtp_map_put(shared);
}

TEST(task_storage_attributes)
{
	static const union bpf_attr good = {.map_type = BPF_MAP_TYPE_TASK_STORAGE,
					    .key_size = 4,
					    .value_size = 8,
					    .map_flags = BPF_F_NO_PREALLOC,
					    .btf_key_type_id = 1,
					    .btf_value_type_id = 2};
	union bpf_attr attr = good;

	attr.max_entries = 1;
	CHECK_EQ(rawtp_map_create(&attr), -EINVAL);
	attr = good;
	attr.map_flags = 0;
	CHECK_EQ(rawtp_map_create(&attr), -EINVAL);
	attr = good;
	attr.key_size = 8;
	CHECK_EQ(rawtp_map_create(&attr), -EINVAL);
	attr = good;
	attr.value_size = 0;
	CHECK_EQ(rawtp_map_create(&attr), -EINVAL);
	attr = good;
	attr.btf_key_type_id = 0;
	CHECK_EQ(rawtp_map_create(&attr), -EINVAL);
	attr = good;
	attr.value_size = 1 << 20;
	CHECK_EQ(rawtp_map_create(&attr), -E2BIG);
}
