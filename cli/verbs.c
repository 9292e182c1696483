/* SPDX-License-Identifier: MIT */
#include "verbs.h"

#include <getopt.h>
#include <string.h>

int rawtp_verbs_read(struct rawtp_cli *cli, int argc, char **argv, const char *const *verbs,
		     struct rawtp_verbs *read)
{
	struct rawtp_nearest nearest;
	char text[512];
	uint64_t number;
	int id, i;

	*read = (struct rawtp_verbs){.verb = verbs[0], .max_entries = 100};
	while ((id = rawtp_cli_option(cli, argc, argv, false)) != -1) {
		read->kernel |= id == 'k';
		if (id == 'p' && rawtp_cli_pid(optarg, &read->pid))
			return rawtp_cli_usage(cli, "-p %s is no process number", optarg);
		if (id != RAWTP_OPTION_MAX_ENTRIES)
			continue;
		if (rawtp_cli_u64(optarg, 10, &number) || number > UINT32_MAX)
			return rawtp_cli_usage(cli, "--max-entries %s is no number", optarg);
		read->max_entries = (uint32_t)number;
	}
	if (read->kernel && read->pid)
		return rawtp_cli_usage(cli, "-k and -p: one of them at a time");
	if (optind < argc)
		read->verb = strcmp(argv[optind], "show") ? argv[optind] : verbs[0];
	rawtp_nearest_init(&nearest, read->verb);
	for (i = 0; verbs[i] && strcmp(verbs[i], read->verb); i++)
		rawtp_nearest_offer(&nearest, verbs[i]);
	if (!verbs[i])
		return rawtp_cli_usage(cli, "%s is nothing to do%s", read->verb,
				       rawtp_nearest_text(&nearest, text, sizeof(text)));
	if (optind + 1 < argc)
		read->wanted = argv[optind + 1];
	if (optind + 2 < argc)
		return rawtp_cli_usage(cli, "%s is one operand too many", argv[optind + 2]);
	if (i && !read->wanted)
		return rawtp_cli_usage(cli, "%s: name an id%s", read->verb,
				       strcmp(read->verb, "detach") ? " or a name" : "");
	return RAWTP_EXIT_OK;
}
