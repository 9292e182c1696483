/* SPDX-License-Identifier: MIT */
/*
 * Maps that both sides of a mixed object use: arrays with BPF_F_MMAPABLE. The kernel makes them, and
 * processes map them (src/bpf/maps/kernel_array.h).
 */
#include "session.h"
#include "preload/route.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool rawtp_session_shares(const struct rawtp_object *object, const struct bpf_map *map)
{
	return object->mixed && bpf_map__type(map) == BPF_MAP_TYPE_ARRAY &&
	       bpf_map__map_flags(map) & BPF_F_MMAPABLE && !bpf_map__is_internal(map);
}

/* The kernel's map of this name and object, made when it is asked for first. Its fd or -errno. */
static int find_map(struct rawtp_session *session, const struct rawtp_object *object,
		    const struct bpf_map *map)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(map));
	struct rawtp_shared_map *shared, *grown;
	unsigned int i;

	for (i = 0; i < session->n_shared; i++) {
		shared = &session->shared[i];
		if (!strcmp(shared->path, object->path) &&
		    !strcmp(shared->name, bpf_map__name(map)))
			return shared->fd;
	}
	grown = realloc(session->shared, (session->n_shared + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	session->shared = grown;
	shared = &grown[session->n_shared];
	shared->path = object->path;
	shared->name = strdup(bpf_map__name(map));
	if (!shared->name)
		return -ENOMEM;
	shared->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, shared->name, bpf_map__key_size(map),
				    bpf_map__value_size(map), bpf_map__max_entries(map), &opts);
	if (shared->fd < 0) {
		free(shared->name);
		return shared->fd;
	}
	session->n_shared++;
	return shared->fd;
}

int rawtp_session_share(struct rawtp_session *session, const struct rawtp_object *object)
{
	struct bpf_map *map;
	int fd;

	/* Asking libbpf to take a descriptor makes it ask the kernel what that is. */
	rawtp_target_kernel(true);
	bpf_object__for_each_map(map, object->bpf)
	{
		if (!rawtp_session_shares(object, map))
			continue;
		fd = find_map(session, object, map);
		if (fd >= 0)
			fd = bpf_map__reuse_fd(map, fd);
		if (fd < 0)
			return rawtp_cli_error(session->cli,
					       "%s: map %s cannot be shared with the kernel: %s",
					       object->path, bpf_map__name(map), strerror(-fd));
	}
	return RAWTP_EXIT_OK;
}
