/* indexOfQuotient: 4 */ u32 a[4] = { 1, 2, 3, 4 }, i = (u32)in[7] / (u32)(in[5] >> 27); return i < 4 ? a[i] : 9;
/* indexOfRemainder: 3 */ u32 a[4] = { 1, 2, 3, 4 }, i = (u32)in[7] % (u32)in[7]; if (in[0]) i += 2; return i < 4 ? a[i] : 9;
/* indexOfShift: 3 */ u32 a[4] = { 1, 2, 3, 4 }, i = (u32)in[0] << (in[0] & 31); return i < 4 ? a[i] : 9;
/* indexOfSwappedBytes: 2 */ u32 a[4] = { 1, 2, 3, 4 }, i = __builtin_bswap32((u32)in[0] << 24); return i < 4 ? a[i] : 9;
/* indexOfEitherShift: 5 */ u32 a[4] = { 1, 2, 3, 5 }, i = in[0] ? (u32)in[2] << (in[7] & 3) : (u32)in[1] / (u32)in[7]; return i < 4 ? a[i] : 9;
/* indexExtendedBeforeItsTest: 12 */ u32 a[4] = { 1, 2, 3, 4 }; s32 i = in[1]; s64 wide = i; u64 s = wide * 4; if (i >= 0 && i < 4) s += a[i] + 1; return s;
/* indexTestedInPart: 6 */ u32 a[4] = { 1, 2, 3, 4 }; s64 wide = (s32)in[1]; s32 i = wide; if (i < 0 || i > 3) return 9; return a[i] * wide;
/* maskOfShiftedTruth: 2 */ u32 a[2] = { 1, 2 }; u64 b = (u64)(in[0] < in[1]) >> (in[0] & in[1]); return a[b & 1];
/* packedBehindLabel: 66 */
  struct { u8 a; u64 b; } __attribute__((packed)) x = { 1, in[7] }, *p = &x;
  for (int i = 0; i < 3; i++) { if (in[0]) goto next; x.a++; next: ; }
  return p->b - 34;
/* packedOfEither: 102 */
  struct { u8 a; u32 b; } __attribute__((packed)) x = { 1, in[7] }, y = { 2, 3 }, *p = &x;
  for (int i = 0; i < 3; i++) { p->b++; if (in[7] == 99 + i) p = &y; }
  return x.b + (p == &x);
/* pointerDownAnArray: 4321 */ u32 a[4] = { 1, 2, 3, 4 }, s = 0, *p = a + 4; while (p != a) s = s * 10 + *--p; return s;
/* pointerOverMember: 3210 */
  struct { u32 n; u32 list[4]; } x = { 0, { 3, 2, 1, 0 } }, *o = &x;
  u32 *p = o->list;
  while (p < o->list + 4) o->n = o->n * 10 + *p++;
  return o->n;
/* pointersWithinOne: 13 */ u32 a[4] = { 0 }, *p = a + 1, *q = a + 3; return (p < q) + (p >= q) * 2 + (p + 2 == q) * 4 + (q != p) * 8;
/* counterInMemory: 10 */ u32 s = 0; for (u32 i = 0; i < 5; i++) { u32 *p = &i; s += *p; } return s;
/* boundOfWhatLiesInMemory: 4 */ u32 a[4] = { 1, 2, 3, 4 }, i = in[2], *p = &i; if (i >= 4) return 9; if (in[0]) *p ^= in[3] >> 63 ^ 1; return i < 4 ? a[i] : 7;
/* unrolledCounterInMemory: 15 */
  u32 s = 0;
  #pragma unroll
  for (u32 i = 0; i < 5; i++) { u32 *p = &i; s += *p + 1; }
  return s;
