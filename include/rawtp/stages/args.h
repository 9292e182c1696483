/* SPDX-License-Identifier: MIT */
/*
 * Lists of arguments: how many there are, one thing for each, each as u64.
 *
 * RAWTP_COUNT(a, b, c) is 3; 13 stands for "more than 12".
 */
#ifndef RAWTP_STAGES_ARGS_H
#define RAWTP_STAGES_ARGS_H

#define RAWTP_CAT(a, b)  RAWTP_CAT_(a, b)
#define RAWTP_CAT_(a, b) a##b

/* clang-format off */
#define RAWTP_COUNT(...) \
	RAWTP_COUNT_(0 __VA_OPT__(, ) __VA_ARGS__, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, \
		     12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define RAWTP_COUNT_(zero, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, b1, b2, b3, b4, b5, \
		     b6, b7, b8, b9, b10, b11, b12, n, rest...) n
#define RAWTP_ANY(...) \
	RAWTP_COUNT_(0 __VA_OPT__(, ) __VA_ARGS__, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, \
		     N, N, 0)

/* The arguments behind the probe's data. An event without arguments has TP_PROTO(void), TP_ARGS(). */
#define RAWTP_DATA_PROTO(proto, args) RAWTP_CAT(RAWTP_DATA_PROTO_, RAWTP_ANY(args))(proto)
#define RAWTP_DATA_PROTO_0(proto)     void *__data
#define RAWTP_DATA_PROTO_N(proto...)  void *__data, proto
#define RAWTP_DATA_ARGS(data, args)   RAWTP_CAT(RAWTP_DATA_ARGS_, RAWTP_ANY(args))(data, args)
#define RAWTP_DATA_ARGS_0(data, args) data
#define RAWTP_DATA_ARGS_N(data, args...) data, args

#define RAWTP_TOO_MANY \
	"rawtp: a tracepoint has at most 12 arguments: pass a pointer to a structure"
#define RAWTP_TOO_LARGE \
	"rawtp: an argument of a tracepoint has 1, 2, 4 or 8 bytes: pass a pointer to it"

#define RAWTP_FOR_EACH_ARG(m, ...) \
	RAWTP_CAT(RAWTP_EACH_, RAWTP_COUNT(__VA_ARGS__))(m __VA_OPT__(, ) __VA_ARGS__)
#define RAWTP_EACH_0(m, none...)
#define RAWTP_EACH_1(m, a) m(a)
#define RAWTP_EACH_2(m, a, args...) m(a) RAWTP_EACH_1(m, args)
#define RAWTP_EACH_3(m, a, args...) m(a) RAWTP_EACH_2(m, args)
#define RAWTP_EACH_4(m, a, args...) m(a) RAWTP_EACH_3(m, args)
#define RAWTP_EACH_5(m, a, args...) m(a) RAWTP_EACH_4(m, args)
#define RAWTP_EACH_6(m, a, args...) m(a) RAWTP_EACH_5(m, args)
#define RAWTP_EACH_7(m, a, args...) m(a) RAWTP_EACH_6(m, args)
#define RAWTP_EACH_8(m, a, args...) m(a) RAWTP_EACH_7(m, args)
#define RAWTP_EACH_9(m, a, args...) m(a) RAWTP_EACH_8(m, args)
#define RAWTP_EACH_10(m, a, args...) m(a) RAWTP_EACH_9(m, args)
#define RAWTP_EACH_11(m, a, args...) m(a) RAWTP_EACH_10(m, args)
#define RAWTP_EACH_12(m, a, args...) m(a) RAWTP_EACH_11(m, args)
#define RAWTP_EACH_13(m, args...)

/* bpf_trace_run<n>(__data, each argument as u64) */
#define RAWTP_RUN(args...) RAWTP_CAT(RAWTP_RUN_, RAWTP_COUNT(args))(args)
#define RAWTP_RUN_0(none...) bpf_trace_run1(__data, 0)
#define RAWTP_RUN_1(a1) bpf_trace_run1(__data, RAWTP_U64(a1))
#define RAWTP_RUN_2(a1, a2) bpf_trace_run2(__data, RAWTP_U64(a1), RAWTP_U64(a2))
#define RAWTP_RUN_3(a1, a2, a3) bpf_trace_run3(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3))
#define RAWTP_RUN_4(a1, a2, a3, a4) bpf_trace_run4(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4))
#define RAWTP_RUN_5(a1, a2, a3, a4, a5) bpf_trace_run5(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5))
#define RAWTP_RUN_6(a1, a2, a3, a4, a5, a6) bpf_trace_run6(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6))
#define RAWTP_RUN_7(a1, a2, a3, a4, a5, a6, a7) bpf_trace_run7(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6), RAWTP_U64(a7))
#define RAWTP_RUN_8(a1, a2, a3, a4, a5, a6, a7, a8) bpf_trace_run8(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6), RAWTP_U64(a7), RAWTP_U64(a8))
#define RAWTP_RUN_9(a1, a2, a3, a4, a5, a6, a7, a8, a9) bpf_trace_run9(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6), RAWTP_U64(a7), RAWTP_U64(a8), RAWTP_U64(a9))
#define RAWTP_RUN_10(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10) bpf_trace_run10(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6), RAWTP_U64(a7), RAWTP_U64(a8), RAWTP_U64(a9), RAWTP_U64(a10))
#define RAWTP_RUN_11(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11) bpf_trace_run11(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6), RAWTP_U64(a7), RAWTP_U64(a8), RAWTP_U64(a9), RAWTP_U64(a10), \
	RAWTP_U64(a11))
#define RAWTP_RUN_12(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12) bpf_trace_run12(__data, \
	RAWTP_U64(a1), RAWTP_U64(a2), RAWTP_U64(a3), RAWTP_U64(a4), RAWTP_U64(a5), \
	RAWTP_U64(a6), RAWTP_U64(a7), RAWTP_U64(a8), RAWTP_U64(a9), RAWTP_U64(a10), \
	RAWTP_U64(a11), RAWTP_U64(a12))
#define RAWTP_RUN_13(args...) RAWTP_ASSERT(0, RAWTP_TOO_MANY)
/* clang-format on */

RAWTP_C_BEGIN
#pragma GCC visibility push(default)
/*
 * The other end of the thunks: @data is the probe's. Run the programs' machine code on the
 * arguments. Called by thunks only, inside the tracepoint's read-side section.
 */
void bpf_trace_run1(void *data, uint64_t);
void bpf_trace_run2(void *data, uint64_t, uint64_t);
void bpf_trace_run3(void *data, uint64_t, uint64_t, uint64_t);
void bpf_trace_run4(void *data, uint64_t, uint64_t, uint64_t, uint64_t);
void bpf_trace_run5(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void bpf_trace_run6(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void bpf_trace_run7(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		    uint64_t);
void bpf_trace_run8(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		    uint64_t, uint64_t);
void bpf_trace_run9(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		    uint64_t, uint64_t, uint64_t);
void bpf_trace_run10(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		     uint64_t, uint64_t, uint64_t, uint64_t);
void bpf_trace_run11(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		     uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void bpf_trace_run12(void *data, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		     uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#pragma GCC visibility pop
RAWTP_C_END

static inline __attribute__((always_inline, unused)) uint64_t rawtp_bytes_u64(const void *src,
									      size_t size)
{
	uint8_t as_8;
	uint16_t as_16;
	uint32_t as_32;
	uint64_t as_64 = 0;

	switch (size) {
	case 1:
		__builtin_memcpy(&as_8, src, sizeof(as_8));
		return as_8;
	case 2:
		__builtin_memcpy(&as_16, src, sizeof(as_16));
		return as_16;
	case 4:
		__builtin_memcpy(&as_32, src, sizeof(as_32));
		return as_32;
	case 8:
		__builtin_memcpy(&as_64, src, sizeof(as_64));
		return as_64;
	default:
		return 0;
	}
}

#define RAWTP_SIZE_OK(size) ((size) == 1 || (size) == 2 || (size) == 4 || (size) == 8)

/* What __builtin_classify_type() says, the same for gcc and clang. */
#define RAWTP_CLASS_POINTER 5
#define RAWTP_CLASS_RECORD  12
#define RAWTP_CLASS_UNION   13

#ifdef __cplusplus
#include <type_traits>
template <class T, bool is_enum> struct rawtp_sign_of {
	enum { value = std::is_integral<T>::value && std::is_signed<T>::value };
};
template <class T> struct rawtp_sign_of<T, true> {
	enum { value = std::is_signed<typename std::underlying_type<T>::type>::value };
};
template <class T> static inline __attribute__((always_inline)) uint64_t rawtp_u64(const T &src)
{
	static_assert(RAWTP_SIZE_OK(sizeof(T)), RAWTP_TOO_LARGE);
	return rawtp_bytes_u64(&src, sizeof(T));
}
#define RAWTP_U64(x) rawtp_u64(x)
template <class T> struct rawtp_flags_of {
	typedef typename std::remove_cv<typename std::remove_reference<T>::type>::type type;
	enum {
		value = (rawtp_sign_of<type, std::is_enum<type>::value>::value ? RAWTP_ARG_SIGNED
									       : 0u) |
			(std::is_pointer<type>::value ? RAWTP_ARG_POINTER : 0u) |
			(std::is_floating_point<type>::value ? RAWTP_ARG_FLOAT : 0u) |
			(std::is_class<type>::value || std::is_union<type>::value ? RAWTP_ARG_STRUCT
										  : 0u)
	};
};
#define RAWTP_ARG_FLAGS(x) rawtp_flags_of<__typeof__(x)>::value
#else
#define RAWTP_U64(x)                                                               \
	__extension__({                                                            \
		__typeof__(x) rawtp_src = (x);                                     \
		_Static_assert(RAWTP_SIZE_OK(sizeof(rawtp_src)), RAWTP_TOO_LARGE); \
		rawtp_bytes_u64(&rawtp_src, sizeof(rawtp_src));                    \
	})
#define RAWTP_ARG_SIGN(x)                                                                      \
	_Generic((x), char                                                                     \
		 : (char)-1 < 0, signed char : 1, short : 1, int : 1, long : 1, long long : 1, \
		   default : 0)
/* Not so: real, complex, vector. */
#define RAWTP_ARG_CLASS_IS_WORD(x) \
	(__builtin_classify_type(x) > 0 && __builtin_classify_type(x) <= RAWTP_CLASS_POINTER)
#define RAWTP_ARG_CLASS(x, class) (__builtin_classify_type(x) == RAWTP_CLASS_##class)
#define RAWTP_ARG_FLAGS(x)                                                           \
	((RAWTP_ARG_SIGN(x) ? RAWTP_ARG_SIGNED : 0) |                                \
	 (RAWTP_ARG_CLASS(x, POINTER) ? RAWTP_ARG_POINTER : 0) |                     \
	 (RAWTP_ARG_CLASS(x, RECORD) || RAWTP_ARG_CLASS(x, UNION) ? RAWTP_ARG_STRUCT \
	  : RAWTP_ARG_CLASS_IS_WORD(x)                            ? 0                \
								  : RAWTP_ARG_FLOAT))
#endif

#define RAWTP_ARG_RECORD(x) \
	{RAWTP_STRING_(x), (uint8_t)sizeof(x), (uint8_t)(RAWTP_ARG_FLAGS(x)), {0, 0, 0, 0, 0, 0}},

#endif
