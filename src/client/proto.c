/* SPDX-License-Identifier: MIT */
#include "client/proto.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* End of the parameter at @p: the next comma outside brackets, or the end. */
static const char *parameter_end(const char *p)
{
	int depth = 0;

	for (; *p && (*p != ',' || depth > 0); p++) {
		depth += *p == '(' || *p == '[' || *p == '{';
		depth -= *p == ')' || *p == ']' || *p == '}';
	}
	return p;
}

/* Where @name stands as a whole word between @p and @end, the last time; NULL: nowhere. */
static const char *find_word(const char *p, const char *end, const char *name)
{
	const char *start = p, *found = NULL;
	size_t n = strlen(name);

	for (; n && p + n <= end; p++)
		if (!strncmp(p, name, n) && (p == start || !is_word(p[-1])) &&
		    (p + n == end || !is_word(p[n])))
			found = p;
	return found;
}

/* The last word: the parameter's name where it is called otherwise than the argument. */
static const char *last_word(const char *p, const char *end)
{
	const char *word = end;

	while (word > p && !is_word(word[-1]))
		word--;
	while (word > p && is_word(word[-1]))
		word--;
	return word > p ? word : NULL;
}

static size_t append(char *to, size_t used, size_t size, const char *from, size_t n)
{
	if (used + n >= size)
		n = used + 1 < size ? size - 1 - used : 0;
	memcpy(to + used, from, n);
	return used + n;
}

void rawtp_proto_types(const char *proto, struct rawtp_client_arg *args, uint32_t n, char *types,
		       size_t size)
{
	const char *p = proto, *end, *word, *after;
	size_t used = 0, start;
	uint32_t i;

	for (i = 0; i < n; i++) {
		args[i].type = "?";
		while (isspace((unsigned char)*p))
			p++;
		if (!*p || used + 1 >= size)
			continue;
		end = parameter_end(p);
		word = find_word(p, end, args[i].name);
		if (!word)
			word = last_word(p, end);
		start = used;
		if (word) {
			for (after = word; after < end && is_word(*after); after++)
				;
			used = append(types, used, size, p, (size_t)(word - p));
			used = append(types, used, size, after, (size_t)(end - after));
		} else {
			used = append(types, used, size, p, (size_t)(end - p));
		}
		while (used > start && isspace((unsigned char)types[used - 1]))
			used--;
		types[used++] = '\0';
		args[i].type = types + start;
		p = *end ? end + 1 : end;
	}
}
