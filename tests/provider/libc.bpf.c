/* SPDX-License-Identifier: MIT */
/* Counts each tracepoint of the libc provider, and checks what can be checked of its arguments. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long long mallocs, frees, callocs, reallocs, reads, writes, locks;
unsigned long long malloc_bytes, calloc_bytes, realloc_bytes, read_bytes, written_bytes;
unsigned long long failed_reads, slow, null_frees;

#define ADD(counter, n) __sync_fetch_and_add(&(counter), n)

SEC("raw_tp/libc_malloc") int on_malloc(struct bpf_raw_tracepoint_args *ctx)
{
	ADD(mallocs, 1);
	ADD(malloc_bytes, ctx->args[0]);
	return 0;
}

SEC("raw_tp/libc_free") int on_free(struct bpf_raw_tracepoint_args *ctx)
{
	ADD(frees, 1);
	if (!ctx->args[0])
		ADD(null_frees, 1);
	return 0;
}

SEC("raw_tp/libc_calloc") int on_calloc(struct bpf_raw_tracepoint_args *ctx)
{
	ADD(callocs, 1);
	ADD(calloc_bytes, ctx->args[0] * ctx->args[1]);
	return 0;
}

SEC("raw_tp/libc_realloc") int on_realloc(struct bpf_raw_tracepoint_args *ctx)
{
	ADD(reallocs, 1);
	ADD(realloc_bytes, ctx->args[1]);
	return 0;
}

SEC("raw_tp/libc_read") int on_read(struct bpf_raw_tracepoint_args *ctx)
{
	long long result = (long long)ctx->args[3];

	ADD(reads, 1);
	if (result < 0)
		ADD(failed_reads, 1);
	else
		ADD(read_bytes, result);
	if (ctx->args[4] > 1000000000000ULL)
		ADD(slow, 1);
	return 0;
}

SEC("raw_tp/libc_write") int on_write(struct bpf_raw_tracepoint_args *ctx)
{
	ADD(writes, 1);
	ADD(written_bytes, ctx->args[3]);
	return 0;
}

SEC("raw_tp/libc_pthread_mutex_lock") int on_lock(struct bpf_raw_tracepoint_args *ctx)
{
	ADD(locks, 1);
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
