/* swap16: 61662 */ return __builtin_bswap16(in[6]);
/* swap32: 4041129114 */ return __builtin_bswap32(in[6]);
/* swap64: 17356517385562371090 */ return __builtin_bswap64(in[6]);
/* swapConstant: 1144210466 */ return __builtin_bswap32(0x11223344) + __builtin_bswap16(0x1122);
/* popcount: 1932 */ return __builtin_popcount(in[6]) * 100 + __builtin_popcountll(in[6]);
/* popcountOfAll: 96 */ return __builtin_popcountll(in[3]) + __builtin_popcount(in[3]);
/* trailingZeros: 704 */ return __builtin_ctz(in[4]) * 100 + __builtin_ctzll(in[6]);
/* leadingZeros: 2403 */ return __builtin_clz(in[4]) * 100 + __builtin_clzll(in[6]);
/* findFirst: 805 */ return __builtin_ffs(in[4]) * 100 + __builtin_ffs(0) + __builtin_ffsll(in[6]);
/* expect: 5 */ return __builtin_expect(in[0] == 1, 1) ? 5 : 6;
/* constantP: 10 */ return __builtin_constant_p(5) * 10 + __builtin_constant_p(in[0]);
/* typesCompatible: 10 */ return __builtin_types_compatible_p(int, s32) * 10 + __builtin_types_compatible_p(int, long);
/* chooseExpression: 5 */ return __builtin_choose_expr(1, 5, 6);
/* absolute: 100 */ return __builtin_abs(-(s32)in[7]);
/* stringLength: 5 */ return __builtin_strlen("hello");
/* addOverflowNone: 105 */ u32 r; return __builtin_add_overflow((u32)in[7], 5u, &r) * 1000 + r;
/* addOverflowUnsigned: 1001 */ u32 r; _Bool o = __builtin_add_overflow((u32)in[5], 2u, &r); return o * 1000 + r;
/* addOverflowSigned: 11 */ s32 r; _Bool o = __builtin_add_overflow(0x7fffffff, (s32)in[0], &r); return o * 10 + (r < 0);
/* addOverflowWide: 101 */ u64 r; _Bool o = __builtin_add_overflow(in[3], in[1], &r); return o * 100 + r;
/* addOverflowSignedWide: 11 */ s64 r; _Bool o = __builtin_add_overflow((s64)0x7fffffffffffffff, (s64)in[0], &r); return o * 10 + (r < 0);
/* addOverflowMixed: 1044 */ u8 r; _Bool o = __builtin_add_overflow(in[7], 200, &r); return o * 1000 + r;
/* addOverflowNegativeToUnsigned: 11 */ u32 r; _Bool o = __builtin_add_overflow(-5, (s32)in[0], &r); return o * 10 + (r == 0xfffffffc);
/* subOverflowUnsigned: 11 */ u32 r; _Bool o = __builtin_sub_overflow((u32)in[0], (u32)in[1], &r); return o * 10 + (r == 0xffffffff);
/* subOverflowNone: 98 */ u64 r; _Bool o = __builtin_sub_overflow(in[7], in[1], &r); return o * 1000 + r;
/* subOverflowSigned: 11 */ s32 r; _Bool o = __builtin_sub_overflow((s32)0x80000000, (s32)in[0], &r); return o * 10 + (r > 0);
/* subOverflowSignedWide: 1 */ s64 r; _Bool o = __builtin_sub_overflow((s64)in[0], (s64)in[1], &r); return o * 10 + (r == -1);
/* mulOverflowUnsigned: 11 */ u32 r; _Bool o = __builtin_mul_overflow((u32)in[5], (u32)in[1], &r); return o * 10 + (r == 0xfffffffe);
/* mulOverflowNone: 300 */ u32 r; _Bool o = __builtin_mul_overflow((u32)in[7], (u32)in[2], &r); return o * 1000 + r;
/* mulOverflowSigned: 11 */ s32 r; _Bool o = __builtin_mul_overflow((s32)0x40000000, (s32)in[1], &r); return o * 10 + (r < 0);
/* mulOverflowNarrow: 1044 */ u8 r; _Bool o = __builtin_mul_overflow((u8)in[7], 3, &r); return o * 1000 + r;
/* unsignedAddOverflow: 10 */ unsigned r; _Bool o = __builtin_uadd_overflow(in[5], 1, &r); return o * 10 + r;
/* signedAddOverflow: 1 */ int r; _Bool o = __builtin_sadd_overflow(0x7fffffff, 1, &r); return o;
/* fetchAndAdd: 85 */ u64 a = 5; u64 b = __sync_fetch_and_add(&a, 3); return a * 10 + b;
/* fetchAndAddUnused: 8 */ u64 a = 5; __sync_fetch_and_add(&a, 3); return a;
/* fetchAndAddNarrow: 2 */ u32 a = 0xffffffff; __sync_fetch_and_add(&a, 3); return a;
/* fetchAndSub: 25 */ u64 a = 5; u64 b = __sync_fetch_and_sub(&a, 3); return a * 10 + b;
/* fetchAndOr: 1305 */ u64 a = 5; u64 b = __sync_fetch_and_or(&a, 8); return a * 100 + b;
/* fetchAndAnd: 57 */ u64 a = 7; u64 b = __sync_fetch_and_and(&a, 5); return a * 10 + b;
/* fetchAndXor: 27 */ u64 a = 7; u64 b = __sync_fetch_and_xor(&a, 5); return a * 10 + b;
/* addAndFetch: 8 */ u64 a = 5; return __sync_add_and_fetch(&a, 3);
/* subAndFetch: 2 */ u64 a = 5; return __sync_sub_and_fetch(&a, 3);
/* testAndSet: 95 */ u64 a = 5; u64 b = __sync_lock_test_and_set(&a, 9); return a * 10 + b;
/* compareAndSwap: 95 */ u64 a = 5; u64 b = __sync_val_compare_and_swap(&a, 5, 9); return a * 10 + b;
/* compareAndSwapFails: 55 */ u64 a = 5; u64 b = __sync_val_compare_and_swap(&a, 4, 9); return a * 10 + b;
/* compareAndSwapNarrow: 95 */ u32 a = 5; u32 b = __sync_val_compare_and_swap(&a, 5, 9); return a * 10 + b;
/* boolCompareAndSwap: 109 */ u64 a = 5; return __sync_bool_compare_and_swap(&a, 5, 9) * 100 + a;
/* atomicExchange: 95 */ u64 a = 5; u64 b = __atomic_exchange_n(&a, 9, 5); return a * 10 + b;
/* atomicFetchAdd: 145 */ u64 a = 5; u64 b = __atomic_fetch_add(&a, 9, 5); return a * 10 + b;
/* memcpyOfScalar: 2596069104 */ u64 a = in[6]; u32 b; __builtin_memcpy(&b, &a, 4); return b;
/* memcpyReturns: 7 */ u32 a = 7, b; u32 *p = __builtin_memcpy(&b, &a, 4); return *p;
/* offsetOf: 8 */ return __builtin_offsetof(struct box, high);
/* objectSize: 16 */ u32 a[4]; return sizeof(a);
/* unreachable: 4 */ if (in[0] == 1) return 4; __builtin_unreachable();
/* parity: 3 */ return __builtin_parity(in[6]) + 2 * __builtin_parityl(in[4]) + 4 * __builtin_parityll(in[3]);
/* firstSetOfLong: 500 */ return __builtin_ffsl(in[6]) * 100 + __builtin_ffsl(0);
/* orAndFetch: 13 */ u64 a = 5; return __sync_or_and_fetch(&a, 8);
/* andAndFetch: 55 */ u32 a = 7; return __sync_and_and_fetch(&a, 5) * 10 + a;
/* xorAndFetch: 22 */ u64 a = 7; return __sync_xor_and_fetch(&a, 5) * 10 + a;
/* atomicAndFetch: 55 */ u64 a = 7; return __atomic_and_fetch(&a, 5, __ATOMIC_SEQ_CST) * 10 + a;
/* atomicOrders: 20 */ u32 a = 7; __atomic_store_n(&a, 6, __ATOMIC_RELEASE); return __atomic_load_n(&a, __ATOMIC_ACQUIRE) + __atomic_or_fetch(&a, 8, __ATOMIC_RELAXED);
/* atomicCompareExchange: 951 */ u64 a = 5, b = 5; _Bool c = __atomic_compare_exchange_n(&a, &b, 9, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED); return a * 100 + b * 10 + c;
/* atomicCompareExchangeFails: 550 */ u32 a = 5, b = 4; _Bool c = __atomic_compare_exchange_n(&a, &b, 9, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); return a * 100 + b * 10 + c;
/* expectIsLong: 13 */ u32 a = in[0]; return (-1 < __builtin_expect(a, 1)) + 2 * (sizeof(__builtin_expect(a, 1)) == 8) + 10 * (__builtin_expect(a, 0) == 1);
/* constantsInPlacesOfConstants: 1507 */
  enum { A = __builtin_popcount(0xff), B = __builtin_clzll(1), C = __builtin_ctz(64), D = __builtin_ffs(12), E = __builtin_bswap16(0x0102) };
  switch (in[7]) { case __builtin_bswap16(0x6400): return A + 2 * B + 3 * C + 4 * D + 5 * (E >> 1) - 1 - __builtin_parity(3) * 7 + __builtin_popcountl(-1) + __builtin_ffsl(0); }
  return 0;
/* typesCompat: 13 */ return __builtin_types_compatible_p(int, const int) + 2 * __builtin_types_compatible_p(int *, const int *) + 4 * __builtin_types_compatible_p(typeof(in), u64 *) + 8 * __builtin_types_compatible_p(int[], int[5]) + 16 * __builtin_types_compatible_p(long, int);
/* objSize: 17 */ char b[10]; return __builtin_object_size(b, 0) + __builtin_object_size(&b[3], 1) + __builtin_object_size(in, 2);
/* objSizeStruct: 610 */ struct { char a[4], b[6]; } s; return __builtin_object_size(s.b, 1) * 100 + __builtin_object_size(s.a, 0);
/* dynObjSize: 10 */ char b[10]; return __builtin_dynamic_object_size(b, 0);
/* clzs: 15 */ return __builtin_clzs(1);
/* clrsb: 93 */ return __builtin_clrsb(1) + __builtin_clrsbl(-1);
/* strlenLit: 8 */ return __builtin_strlen("hello") + strlen("abc");
/* strcmpLit: 5 */ return __builtin_strcmp("abc", "abc") + 5;
/* expectP: 1 */ return __builtin_expect_with_probability(in[0] == 1, 1, 0.9);
/* unpredictable: 1 */ return __builtin_unpredictable(in[0] == 1);
/* assumeAligned: 1 */ u64 *p = __builtin_assume_aligned(in, 8); return *p;
/* absB: 12 */ return __builtin_abs(-3) + __builtin_labs(-4) + __builtin_llabs(-5);
/* rotl: 9264364802932851978 */ return __builtin_rotateleft32(in[6], 5) + __builtin_rotateright64(in[6], 5);
/* rotl8: 49155 */ return __builtin_rotateleft8(0x81, 1) + __builtin_rotateright16(0x8001, 1);
/* bitreverse: 9223372039002308736 */ return __builtin_bitreverse8(1) + __builtin_bitreverse32(1) + __builtin_bitreverse64(1) + __builtin_bitreverse16(3);
/* syncRelease: 1 */ u32 x = 5; __sync_lock_release(&x); return x + 1;
/* syncSwap: 12 */ u64 x = 5; return __sync_swap(&x, 7) + x;
/* atomLoadG: 5 */ u64 x = 5, y; __atomic_load(&x, &y, __ATOMIC_SEQ_CST); return y;
/* atomStoreG: 6 */ u64 x = 5, y = 6; __atomic_store(&x, &y, __ATOMIC_SEQ_CST); return x;
/* atomXchgG: 65 */ u64 x = 5, y = 6, z; __atomic_exchange(&x, &y, &z, __ATOMIC_SEQ_CST); return x * 10 + z;
/* atomCasG: 109 */ u64 x = 5, y = 5, z = 9; return __atomic_compare_exchange(&x, &y, &z, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) * 100 + x;
/* atomFence: 1 */ __atomic_thread_fence(__ATOMIC_SEQ_CST); __atomic_signal_fence(__ATOMIC_SEQ_CST); return 1;
/* atomClear: 0 */ _Bool f = 1; __atomic_clear(&f, 5); return f;
/* atomLockFree: 2 */ return __atomic_always_lock_free(8, 0) + __atomic_is_lock_free(8, 0);
/* hasBuiltin: 1 */
#if __has_builtin(__builtin_memcpy)
return 1;
#else
return 2;
#endif
/* hasAttr: 1 */
#ifdef __has_attribute
#if __has_attribute(packed)
return 1;
#endif
#endif
return 2;
/* hasInclude: 2 */
#if defined(__has_include) && __has_include(<nonexistent.h>)
return 1;
#else
return 2;
#endif
/* hasFeature: 1 */
#if defined __has_feature && __has_feature(c_static_assert)
return 1;
#endif
return 2;
/* prefetch: 1 */ __builtin_prefetch(in); __builtin_prefetch(in, 0, 3); return 1;
/* lineB: 1 */ return __builtin_LINE() > 0;
/* funcB: 114 */ return __builtin_FUNCTION()[0] + __builtin_FILE()[0] * 0;
/* strncmpB: 4 */ return __builtin_strncmp("abcd", "abce", 3) + 4;
/* bcmpB: 0 */ char a[4] = "abc", b[4] = "abc"; return __builtin_bcmp(a, b, 4);
/* bzeroB: 0 */ char a[4] = "abc"; __builtin_bzero(a, 4); return a[1];
/* vaList: 1 */ __builtin_va_list v; return sizeof(v) > 0;
