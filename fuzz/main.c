/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer.
 *
 *	replay-NAME                  every input of fuzz/corpus/NAME.pack: a test, from the project's folder
 *	replay-NAME FILE...          these inputs
 *	replay-NAME --unpack FOLDER  the pack as a folder of inputs, for the fuzzer
 *	replay-NAME --pack FOLDER    and back; the same inputs make the same pack
 *
 * A pack is its inputs one after the other, each behind its length (u32, lowest byte first).
 */
#include "fuzz.h"

#include <dirent.h>

#define LARGEST (1 << 20)

static uint8_t data[LARGEST];
static char pack_path[256];

__attribute__((noreturn)) static void fail(const char *path)
{
	perror(path);
	exit(1);
}

static size_t read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		fail(path);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return size;
}

/* From a copy of its own size, so that a byte too many is noticed. */
static void run(size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static bool next_input(FILE *pack, size_t *size)
{
	uint8_t head[4];

	if (fread(head, 1, sizeof(head), pack) != sizeof(head))
		return false;
	*size = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
	if (*size > sizeof(data) || fread(data, 1, *size, pack) != *size)
		fail(pack_path);
	return true;
}

static FILE *open_pack(const char *mode)
{
	FILE *pack = fopen(pack_path, mode);

	if (!pack)
		fail(pack_path);
	return pack;
}

static void unpack(const char *folder)
{
	FILE *pack = open_pack("rb"), *file;
	unsigned int i;
	char path[512];
	size_t size;

	for (i = 0; next_input(pack, &size); i++) {
		snprintf(path, sizeof(path), "%s/%04u", folder, i);
		file = fopen(path, "wb");
		if (!file || fwrite(data, 1, size, file) != size || fclose(file))
			fail(path);
	}
	fclose(pack);
}

static void pack_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort), i;
	FILE *pack = open_pack("wb");
	char path[512];

	for (i = 0; i < n; i++) {
		size_t size;
		uint8_t head[4];

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		size = read_file(path);
		head[0] = (uint8_t)size;
		head[1] = (uint8_t)(size >> 8);
		head[2] = (uint8_t)(size >> 16);
		head[3] = (uint8_t)(size >> 24);
		fwrite(head, 1, sizeof(head), pack);
		fwrite(data, 1, size, pack);
		free(names[i]);
	}
	free(names);
	if (n < 0 || fclose(pack))
		fail(folder);
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "replay-");
	unsigned int n = 0;
	size_t size;
	FILE *pack;
	int i;

	snprintf(pack_path, sizeof(pack_path), "fuzz/corpus/%s.pack", name ? name + 7 : "");
	if (argc == 3 && !strcmp(argv[1], "--unpack")) {
		unpack(argv[2]);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "--pack")) {
		pack_folder(argv[2]);
		return 0;
	}
	for (i = 1; i < argc; i++)
		run(read_file(argv[i]));
	if (argc > 1)
		return 0;
	pack = open_pack("rb");
	for (; next_input(pack, &size); n++)
		run(size);
	fclose(pack);
	printf("# %u inputs\n%s fuzz_%s\n", n, n ? "ok" : "not ok", name + 7);
	return !n;
}
