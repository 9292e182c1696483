/* SPDX-License-Identifier: MIT */
/*
 * What is shown of a session: rates while it runs, records of ring buffers, and at its end the
 * totals and the maps.
 */
#ifndef RAWTP_CLI_MONITOR_H
#define RAWTP_CLI_MONITOR_H

#include "rings.h"
#include "session.h"
#include <sys/types.h>

struct rawtp_monitor {
	struct rawtp_session *session;
	struct rawtp_output *out;
	double seconds;       /* ends by itself after so many; 0: when it is stopped */
	double interval;      /* between two lines of rates, in seconds; 0: none */
	uint32_t max_entries; /* of a map, in text; 0: all */
	struct rawtp_rings_options rings;
	pid_t child;                /* ends when this child does; 0: none */
	struct rawtp_client *start; /* the child's, which waits for rawtp_client_go(); or NULL */
	int child_go;               /* the child's, of rawtp_spawn_held(); 0: none */
	int child_status;           /* as waitpid() has it */
	bool interrupted;           /* SIGINT has come once */
	double gone_at;             /* the child's link has ended, seen in these seconds */
	bool gone_told;             /* and was looked into */
	bool headed;                /* the columns have been named */
	struct rawtp_rings *open_rings; /* or NULL */
};

/*
 * Opens what the programs write to, before they run: a perf event array drops what comes earlier. 0
 * or an exit status. rawtp_monitor_run() does it where it was not done, and closes it.
 */
int rawtp_monitor_open(struct rawtp_monitor *monitor);

/* Runs to the end, detaches, prints. Returns an exit status. */
int rawtp_monitor_run(struct rawtp_monitor *monitor);

/*
 * From now on SIGINT, SIGTERM and SIGHUP end a monitor instead of the process, and a child that ends
 * is seen at once.
 */
void rawtp_monitor_catch_signals(void);
/* The signal that came, or 0. */
int rawtp_monitor_stopped(void);

#endif
