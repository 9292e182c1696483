/* SPDX-License-Identifier: MIT */
/*
 * A libbpf tool that knows nothing of us: loads an object, attaches its programs, and prints what its
 * .bss holds once the first counter has reached a number.
 *
 *	typed OBJECT N
 */
#include <bpf/libbpf.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_link *links[8];
	struct bpf_map *map;
	unsigned long counters[64] = {0};
	int i, key = 0, n_links = 0;

	if (argc < 3)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object)
	{
		if (n_links == 8)
			return 1;
		links[n_links] = bpf_program__attach(program);
		if (!links[n_links++])
			return 1;
	}
	map = bpf_object__find_map_by_name(object, ".bss");
	if (!map || bpf_map__value_size(map) > sizeof(counters))
		return 1;
	puts("attached");
	fflush(stdout);
	for (i = 0; i < 2000 && counters[0] < strtoul(argv[2], NULL, 10); i++) {
		usleep(10000);
		if (bpf_map__lookup_elem(map, &key, sizeof(key), counters, bpf_map__value_size(map),
					 0))
			return 1;
	}
	for (i = 0; i < 7; i++)
		printf("%lu%s", counters[i], i < 6 ? " " : "\n");
	while (n_links)
		bpf_link__destroy(links[--n_links]);
	bpf_object__close(object);
	return 0;
}
