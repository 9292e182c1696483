/* SPDX-License-Identifier: MIT */
/* Nearest names: optimal string alignment distance (insert, delete, replace, swap of neighbours). */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#define MAX_LENGTH 127

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][MAX_LENGTH + 1], *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n_a = strlen(a), n_b = strlen(b), i, j;
	unsigned int *spare;

	if (n_a > MAX_LENGTH || n_b > MAX_LENGTH)
		return 2 * MAX_LENGTH;
	for (j = 0; j <= n_b; j++)
		last[j] = (unsigned int)j;
	memset(before, 0, sizeof(rows[0]));
	for (i = 1; i <= n_a; i++) {
		now[0] = (unsigned int)i;
		for (j = 1; j <= n_b; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1,
				      last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[n_b];
}

void rawtp_nearest_init(struct rawtp_nearest *nearest, const char *wanted)
{
	memset(nearest, 0, sizeof(*nearest));
	nearest->wanted = wanted;
}

void rawtp_nearest_offer(struct rawtp_nearest *nearest, const char *name)
{
	const unsigned int max = sizeof(nearest->best) / sizeof(nearest->best[0]);
	size_t length = strlen(nearest->wanted);
	unsigned int d = distance(nearest->wanted, name), i;

	/* One name inside the other ("malloc", "libc_malloc") is near too. */
	if (length >= 3 && (strstr(name, nearest->wanted) || strstr(nearest->wanted, name)) &&
	    d > 2)
		d = 2;
	if (d > 2 && d > length / 3)
		return;
	for (i = 0; i < nearest->n; i++)
		if (!strcmp(nearest->best[i].name, name))
			return;
	for (i = nearest->n; i && nearest->best[i - 1].distance > d; i--)
		if (i < max)
			nearest->best[i] = nearest->best[i - 1];
	if (i == max)
		return;
	snprintf(nearest->best[i].name, sizeof(nearest->best[i].name), "%s", name);
	nearest->best[i].distance = d;
	if (nearest->n < max)
		nearest->n++;
}

const char *rawtp_nearest_text(const struct rawtp_nearest *nearest, char *text, size_t size)
{
	size_t used;
	unsigned int i;

	text[0] = '\0';
	if (!nearest->n)
		return text;
	snprintf(text, size, "; nearest:");
	for (i = 0; i < nearest->n; i++) {
		used = strlen(text);
		snprintf(text + used, size - used, "%s %s", i ? "," : "", nearest->best[i].name);
	}
	return text;
}
