/* SPDX-License-Identifier: MIT */
/* The C types in a tracepoint's prototype. */
#ifndef RAWTP_CLIENT_PROTO_H
#define RAWTP_CLIENT_PROTO_H

#include "client/client.h"
#include <stddef.h>

/*
 * Splits "const struct net_device *dev, u32 act" and sets args[].type of the @n arguments, whose
 * names are known, to "const struct net_device *" and "u32". The texts lie in @types, cut where
 * @size is too small. An argument for which the prototype has no parameter gets "?".
 */
void rawtp_proto_types(const char *proto, struct rawtp_client_arg *args, uint32_t n, char *types,
		       size_t size);

#endif
