/* integerPromotion: 18446744073709551615 */
  u8 a = 255; s8 b = a; return b;
/* unsignedWrap: 4294967295 */
  u32 a = 0; a--; return a;
/* signedDivision: 18446744073709551613 */
  return (s64)-7 / 2;
/* signedDivisionOfVariables: 18446744073709551566 */
  s64 a = in[3], b = in[7]; return a * b / 2;
/* signedModulo: 18446744073709551615 */
  s64 a = in[3]; return (a * 7) % 2;
/* shiftOfSigned: 18446744073709551615 */
  s32 a = (s32)in[5]; return (s64)(a >> 4);
/* bitFieldSigned: 18446744073709551615 */
  struct { s32 a : 3; u32 b : 5; } x = { 0 }; x.a = 7; return (s64)x.a;
/* bitFieldsBesideEachOther: 1311 */
  struct { u16 a : 4, b : 4, c : 8; } x = { .a = 15, .b = 1 }; x.c = 5; u16 *p = (u16 *)&x; return *p;
/* structAssignment: 203 */
  struct { u32 a; u8 b[3]; } x = { in[7], { 1, 2, 3 } }, y; y = x; x.a = 0; return y.a * 2 + y.b[2];
/* structByValue: 103 */
  struct box b = { in[7], 3 }; return sumBox(b) + swapBox(b).low - 3;
/* nestedDesignators: 9 */
  struct { struct { int a[3]; } in; int b; } x = { .in.a[1] = 4, .b = 5 }; return x.in.a[1] + x.b + x.in.a[2];
/* unionOfBytes: 52 */
  union { u32 word; u8 byte[4]; } x; x.word = 0x12345678; return x.byte[2];
/* compoundLiteral: 12 */
  struct box *p = &(struct box){ 5, 7 }; return p->low + p->high;
/* statementExpression: 30 */
  return ({ int a = 10; int b = a * 2; a + b; });
/* generic: 8 */
  return _Generic(in[0], int: 4, unsigned long long: 8, default: 1);
/* conditionalWithoutMiddle: 2 */
  return (in[0] - 1) ?: in[1];
/* switchFallsThrough: 11 */
  u64 r = 0; switch (in[1]) { case 1: r += 100; case 2: r += 1; case 3: r += 10; break; default: r = 7; } return r;
/* switchRange: 5 */
  switch (in[7]) { case 0 ... 50: return 4; case 51 ... 200: return 5; } return 0;
/* gotoOut: 4 */
  int i; for (i = 0; i < 10; i++) { if (i == 4) goto out; } return 99; out: return i;
/* doWhile: 5 */
  int i = 0; do { i++; } while (i < 5); return i;
/* unrolledSum: 28 */
  u64 s = 0;
  #pragma unroll
  for (int i = 0; i < 8; i++) s += i;
  return s;
/* continueAndBreak: 12 */
  u64 s = 0; for (int i = 0; i < 20; i++) { if (i & 1) continue; if (i > 6) break; s += i; } return s;
/* pointerToPointer: 7 */
  u32 a = 3; u32 *p = &a; u32 **q = &p; **q += 4; return a;
/* pointerDifference: 3 */
  u32 a[8] = { 0 }; u32 *p = &a[5], *q = &a[2]; return p - q;
/* arrayOfArrays: 6 */
  u32 a[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }; return a[1][2];
/* stringLiteral: 108 */
  char text[] = "hello"; return text[2] + sizeof(text) - 6;
/* noinlineCall: 107 */
  return noinlined(in[7], 7);
/* byteSwap: 62689 */
  return __builtin_bswap16((u16)(0xe1f4));
/* popcount: 32 */
  return __builtin_popcountll(in[6]);
/* trailingZeros: 4 */
  return __builtin_ctzll(in[6]);
/* leadingZeros: 3 */
  return __builtin_clzll(in[6]);
/* wideInteger: 3 */
  unsigned __int128 a = in[3]; a += 1; a <<= 1; return (u64)(a >> 64) + (a != 0);
/* volatileLocal: 5 */
  volatile int a = 4; a++; return a;
/* atomicAdd: 103 */
  u64 a = in[7]; u64 old = __sync_fetch_and_add(&a, 3); return a + old - 100;
/* macroPasting: 42 */
  #define JOIN(a, b) a##b
  int value42 = 42; return JOIN(value, 42);
/* macroVariadic: 6 */
  #define SUM(first, rest...) add3(first, ##rest)
  return SUM(1, 2, 3);
/* commaAndIncrement: 5 */
  int a = 1, b; b = (a++, a++, a + 2); return b;
/* typeofExpression: 1 */
  typeof(in[0] + 1) a = in[0]; typeof(a) b = a; return b;
