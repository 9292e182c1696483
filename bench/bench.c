/* SPDX-License-Identifier: MIT */
/*
 * The harness: bench [-r ROUNDS] [-m MILLISECONDS] [-t THREADS] [-f text|markdown|json] [NAME]
 * NAME: only the rows whose names contain it, and their bases.
 */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROWS   32
#define MAX_ROUNDS 1001

enum format { TEXT, MARKDOWN, JSON };

struct row {
	const struct bench_case *row;
	int base, err;
	char why[160];
	uint64_t events;
	double ns[MAX_ROUNDS]; /* per event, round by round */
	double low, median, high, above;
};

static struct {
	unsigned int rounds, milliseconds, threads;
	enum format format;
	const char *only;
} options = {31, 4, 0, TEXT, NULL};

static char why[160];
static cpu_set_t cpus;

int bench_why(int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	return err;
}

int bench_beside(char path[PATH_MAX], const char *file)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 32);

	path[n > 0 ? n : 0] = '\0';
	if (!strrchr(path, '/'))
		return bench_why(-ENOENT, "/proc is not mounted");
	strcpy(strrchr(path, '/') + 1, file);
	return 0;
}

/* What the thread computed, not what it waited for: others may use the machine meanwhile. */
static uint64_t cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The @index-th of the CPUs that this process may use. */
static void pin(unsigned int index)
{
	unsigned int cpu, n = 0, wanted = index % CPU_COUNT(&cpus);
	cpu_set_t one;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus) || n++ != wanted)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

struct worker {
	const struct bench_case *row;
	pthread_barrier_t *barrier;
	uint64_t events, took;
	unsigned int index;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	uint64_t start;

	pin(worker->index);
	if (worker->barrier)
		pthread_barrier_wait(worker->barrier);
	start = cpu_time();
	worker->row->work(worker->row, worker->events, worker->index);
	worker->took = cpu_time() - start;
	return NULL;
}

/* Nanoseconds that an event took, mean of the threads, each of which passed @events. */
static double run(const struct bench_case *row, uint64_t events, unsigned int threads)
{
	struct worker workers[BENCH_MAX_THREADS];
	pthread_t ids[BENCH_MAX_THREADS];
	pthread_barrier_t barrier;
	unsigned int i;
	double sum = 0;

	for (i = 0; i < threads; i++)
		workers[i] = (struct worker){row, threads > 1 ? &barrier : NULL, events, 0, i};
	if (threads == 1) {
		work(&workers[0]);
		return (double)workers[0].took / events;
	}
	pthread_barrier_init(&barrier, NULL, threads);
	for (i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, work, &workers[i]);
	for (i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum += (double)workers[i].took / events;
	}
	pthread_barrier_destroy(&barrier);
	return sum / threads;
}

static void fail(struct row *row, int err)
{
	row->err = err;
	memcpy(row->why, why, sizeof(why));
}

static double measure(struct row *row, unsigned int threads)
{
	double ns;
	int err;

	why[0] = '\0';
	err = row->row->begin ? row->row->begin(row->row) : 0;
	if (err) {
		fail(row, err);
		return 0;
	}
	ns = run(row->row, row->events, threads);
	if (row->row->end)
		row->row->end(row->row);
	return ns;
}

/* As many events as take the wanted time: few at first, more until the clock can tell. */
static void calibrate(struct row *row, unsigned int threads)
{
	double wanted = options.milliseconds * 1e6, ns;

	row->events = 1000;
	for (;;) {
		ns = measure(row, threads) * row->events;
		if (row->err)
			return;
		if (ns > wanted / 4)
			break;
		row->events *= 4;
	}
	row->events = row->events * wanted / ns + 1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const double *values, unsigned int n, unsigned int percent)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare);
	return sorted[(n - 1) * percent / 100];
}

static int find(const struct row *rows, unsigned int n, const char *name)
{
	unsigned int i;

	for (i = 0; name && i < n; i++)
		if (!strcmp(rows[i].row->name, name))
			return i;
	return -1;
}

/* The loop's own time is taken off round by round, but for its own row. */
static void evaluate(struct row *rows, unsigned int n, int loop)
{
	double above[MAX_ROUNDS];
	unsigned int i, round;

	for (i = 0; i < n; i++) {
		if (rows[i].err || (int)i == loop)
			continue;
		for (round = 0; loop >= 0 && round < options.rounds; round++)
			rows[i].ns[round] -= rows[loop].ns[round];
	}
	for (i = 0; i < n; i++) {
		struct row *row = &rows[i], *base = row->base < 0 ? NULL : &rows[row->base];

		if (row->err)
			continue;
		row->low = percentile(row->ns, options.rounds, 10);
		row->median = percentile(row->ns, options.rounds, 50);
		row->high = percentile(row->ns, options.rounds, 90);
		if (!base || base->err)
			continue;
		/* The loop is off already. */
		for (round = 0; round < options.rounds; round++)
			above[round] = row->ns[round] - (row->base == loop ? 0 : base->ns[round]);
		row->above = percentile(above, options.rounds, 50);
	}
}

static void machine(char *text, size_t size)
{
	char line[256], cpu[128] = "unknown CPU";
	FILE *file = fopen("/proc/cpuinfo", "re");
	struct utsname system;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "model name : %127[^\n]", cpu) == 1)
			break;
	if (file)
		fclose(file);
	uname(&system);
	snprintf(text, size, "%s, %ld CPUs, %s %s %s, %s %d.%d", cpu, sysconf(_SC_NPROCESSORS_ONLN),
		 system.sysname, system.release, system.machine,
#ifdef __clang__
		 "clang", __clang_major__, __clang_minor__);
#else
		 "gcc", __GNUC__, __GNUC_MINOR__);
#endif
}

static void print_row(const struct row *row, const struct row *rows, bool last)
{
	const char *base = row->base < 0 ? "" : rows[row->base].row->name;
	char above[32] = "";

	if (row->base >= 0 && !rows[row->base].err)
		snprintf(above, sizeof(above), "%+.1f", row->above);
	if (options.format == JSON) {
		printf("    {\"name\": \"%s\"", row->row->name);
		if (row->err)
			printf(", \"skipped\": \"%s\"", row->why);
		else
			printf(", \"ns\": %.2f, \"p10\": %.2f, \"p90\": %.2f", row->median,
			       row->low, row->high);
		if (!row->err && *above)
			printf(", \"base\": \"%s\", \"above\": %.2f", base, row->above);
		printf("}%s\n", last ? "" : ",");
	} else if (row->err) {
		printf(options.format == TEXT ? "%-60s left out: %s\n"
					      : "| %s | left out: %s | | | |\n",
		       row->row->name, row->why);
	} else if (options.format == TEXT) {
		printf("%-60s %8.1f  %6.1f - %-6.1f %7s  %s\n", row->row->name, row->median,
		       row->low, row->high, above, base);
	} else {
		printf("| %s | %.1f | %.1f - %.1f | %s | %s |\n", row->row->name, row->median,
		       row->low, row->high, above, base);
	}
}

static void print_table(const struct bench_table *table, const struct row *rows, unsigned int n,
			unsigned int threads)
{
	unsigned int i;

	if (options.format == JSON) {
		printf("  {\"title\": \"%s\", \"threads\": %u, \"rows\": [\n", table->title,
		       threads);
	} else {
		printf("\n%s%s, %u thread%s: ns per event\n\n",
		       options.format == TEXT ? "" : "### ", table->title, threads,
		       threads == 1 ? "" : "s at once, each");
		if (options.format == TEXT)
			printf("%-60s %8s  %-16s %6s  %s\n", "", "median", "10 % - 90 %", "above",
			       "what it is set against");
		else
			puts("| what | median | 10 % - 90 % | above | what it is set against |\n"
			     "| --- | --: | --: | --: | --- |");
	}
	for (i = 0; i < n; i++)
		print_row(&rows[i], rows, i == n - 1);
	if (options.format == JSON)
		printf("  ]}");
	if (options.format == TEXT && table->loop)
		printf("The time of the %s is taken off the other rows.\n", table->loop);
}

/* Rows that were asked for and what they are set against. */
static unsigned int choose(const struct bench_table *table, struct row *rows)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < table->n_rows && n < MAX_ROWS; i++) {
		const struct bench_case *row = &table->rows[i];
		bool wanted = !options.only || strstr(row->name, options.only) ||
			      (table->loop && !strcmp(row->name, table->loop));

		for (j = 0; !wanted && j < table->n_rows; j++)
			wanted = strstr(table->rows[j].name, options.only) && table->rows[j].base &&
				 !strcmp(table->rows[j].base, row->name);
		if (wanted)
			rows[n++] = (struct row){.row = row};
	}
	for (i = 0; i < n; i++)
		rows[i].base = find(rows, n, rows[i].row->base);
	return n;
}

static int run_table(const struct bench_table *table, unsigned int threads)
{
	static struct row rows[MAX_ROWS];
	unsigned int i, round, n = choose(table, rows);

	for (i = 0; i < n; i++) {
		int err;

		why[0] = '\0';
		err = rows[i].row->setup ? rows[i].row->setup(rows[i].row) : 0;
		if (err)
			fail(&rows[i], err);
		else
			calibrate(&rows[i], threads);
	}
	for (round = 0; round < options.rounds; round++)
		for (i = 0; i < n; i++)
			if (!rows[i].err)
				rows[i].ns[round] = measure(&rows[i], threads);
	evaluate(rows, n, find(rows, n, table->loop));
	print_table(table, rows, n, threads);
	return 0;
}

static int usage(void)
{
	fputs("usage: bench [-r ROUNDS] [-m MILLISECONDS] [-t THREADS] [-f text|markdown|json] "
	      "[NAME]\n",
	      stderr);
	return 2;
}

static int parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "r:m:t:f:")) != -1) {
		if (option == 'r')
			options.rounds = strtoul(optarg, NULL, 10);
		else if (option == 'm')
			options.milliseconds = strtoul(optarg, NULL, 10);
		else if (option == 't')
			options.threads = strtoul(optarg, NULL, 10);
		else if (option == 'f' && !strcmp(optarg, "markdown"))
			options.format = MARKDOWN;
		else if (option == 'f' && !strcmp(optarg, "json"))
			options.format = JSON;
		else if (option != 'f' || strcmp(optarg, "text"))
			return -EINVAL;
	}
	options.only = argv[optind];
	if (!options.rounds || options.rounds > MAX_ROUNDS || !options.milliseconds ||
	    options.threads > BENCH_MAX_THREADS)
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct bench_table *const tables[] = {&bench_path, &bench_kernel,
							   &bench_kernel_two, &bench_peers};
	unsigned int i, threads, last, n = 0;
	char text[512];

	if (parse(argc, argv))
		return usage();
	sched_getaffinity(0, sizeof(cpus), &cpus);
	machine(text, sizeof(text));
	if (options.format == JSON)
		printf("{\"machine\": \"%s\", \"rounds\": %u, \"tables\": [\n", text,
		       options.rounds);
	else
		printf("%s\nmedian of %u rounds, rows in turn, CPU time of threads bound to CPUs\n",
		       text, options.rounds);
	last = CPU_COUNT(&cpus) > 1 ? 2 : 1;
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (threads = options.threads ? options.threads : 1;
		     threads <= (options.threads ? options.threads : last); threads++) {
			if (tables[i]->threads && tables[i]->threads != threads)
				continue;
			if (options.format == JSON && n++)
				puts(",");
			run_table(tables[i], threads);
			fflush(stdout);
		}
	}
	if (options.format == JSON)
		puts("\n]}");
	return 0;
}
