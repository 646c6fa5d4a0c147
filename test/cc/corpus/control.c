/* ifElse: 2 */ if (in[0] == 2) return 1; else if (in[0] == 1) return 2; else return 3;
/* danglingElse: 2 */ if (in[0]) if (!in[0]) return 1; else return 2; return 3;
/* whileLoop: 55 */ u32 n = 0, i = 10; while (i) { n += i; i--; } return n;
/* whileFalse: 5 */ u32 n = 5; while (0) n = 9; return n;
/* doWhileOnce: 1 */ u32 n = 0; do n++; while (0); return n;
/* doWhileContinue: 20 */ u32 n = 0, i = 0; do { i++; if (i & 1) continue; n += i; } while (i < 8); return n;
/* forWithoutParts: 7 */ u32 i = 0; for (;;) { if (++i == 7) break; } return i;
/* forWithComma: 55 */ u32 a, b; for (a = 0, b = 10; a < b; a++, b--) ; return a * 10 + b;
/* forDeclares: 5 */ u32 i = 5; for (u32 i = 0; i < 3; i++) ; return i;
/* nestedLoops: 65 */ u32 n = 0; for (int i = 0; i < 5; i++) for (int j = i; j < 5; j++) n += i * j; return n;
/* breakInner: 6 */ u32 n = 0; for (int i = 0; i < 4; i++) { for (int j = 0; j < 4; j++) { if (j == i) break; n++; } } return n;
/* continueOuter: 135 */ u32 n = 0; for (int i = 0; i < 6; i++) { if (i == 2 || i == 4) continue; n = n * 10 + i; } return n;
/* loopWithVariableBound: 72 */ u32 n = 0, m = in[7] & 63; for (u32 i = 0; i < m && i < 64; i++) n += 2; return n;
/* loopCountdown: 682 */ u32 n = 0; for (int i = 9; i >= 0; i--) n = n * 2 + (i & 1); return n;
/* loopSteps: 121 */ u32 n = 0; for (u32 i = 1; i < 100; i *= 3) n += i; return n;
/* earlyReturn: 5 */ for (int i = 0; i < 10; i++) if (i * i > 20) return i; return 99;
/* unrolled: 4294968156 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 6; i++) n = n * 3 + in[i & 7]; return n;
/* unrolledWithCount: 140 */ u64 n = 0;
#pragma unroll 4
for (int i = 0; i < 8; i++) n += i * i; return n;
/* unrolledWithBreak: 3 */ u64 n = 0;
#pragma clang loop unroll(full)
for (int i = 0; i < 8; i++) { if (in[i] == 3) break; n += in[i]; } return n;
/* switchPlain: 20 */ switch (in[1]) { case 1: return 10; case 2: return 20; case 3: return 30; } return 40;
/* switchDefault: 50 */ switch (in[7]) { case 1: return 10; default: return 50; case 2: return 20; }
/* switchDefaultFirst: 3 */ u32 n = 0; switch (in[2]) { default: n = 9; case 1: n += 1; break; case 3: n = 3; } return n;
/* switchFallThrough: 6 */ u32 n = 0; switch (in[1]) { case 1: n += 1; case 2: n += 2; case 3: n += 4; break; case 4: n += 8; } return n;
/* switchNone: 1 */ u32 n = 1; switch (in[7]) { case 5: n = 2; } return n;
/* switchNegative: 2 */ s32 x = -2; switch (x) { case -1: return 1; case -2: return 2; } return 3;
/* switchRanges: 3 */ switch (in[7]) { case 0 ... 9: return 1; case 10 ... 99: return 2; case 100 ... 999: return 3; default: return 4; }
/* switchWide: 1 */ switch (in[6]) { case 0x123456789abcdef0: return 1; default: return 2; }
/* switchOnByte: 8 */ u8 b = in[4]; switch (b) { case 0x80: return 8; case 0: return 0; } return 1;
/* switchOnEnum: 3 */ enum colour { RED, GREEN = 5, BLUE } c = BLUE; switch (c) { case RED: return 1; case GREEN: return 2; case BLUE: return 3; } return 4;
/* switchNested: 12 */ switch (in[0]) { case 1: switch (in[1]) { case 2: return 12; } return 1; } return 0;
/* switchInLoop: 422 */ u32 n = 0; for (int i = 0; i < 6; i++) { switch (i % 3) { case 0: n += 1; break; case 1: continue; default: n += 10; } n += 100; } return n;
/* switchWithDeclarations: 7 */ switch (in[0]) { case 1: { u32 t = 7; return t; } default: return 1; }
/* switchMany: 43 */ u32 n = 0; for (int i = 0; i < 10; i++) switch (i) { case 0: n += 3; break; case 1: n += 1; break; case 2: n += 4; break; case 3: n += 1; break; case 4: n += 5; break; case 5: n += 9; break; case 6: n += 2; break; default: n += 6; } return n;
/* gotoForward: 1 */ u32 n = 1; goto end; n = 2; end: return n;
/* gotoBackward: 5 */ u32 n = 0; again: n++; if (n < 5) goto again; return n;
/* gotoOutOfLoops: 13 */ u32 n = 0; for (int i = 0; i < 5; i++) for (int j = 0; j < 5; j++) { if (i * j == 6) goto found; n++; } found: return n;
/* gotoIntoBlock: 5 */ u32 n = 0; if (in[0] == 1) goto inside; n = 100; { n += 50; inside: n += 5; } return n;
/* gotoError: 11 */ u32 r = 0; if (in[0] != 1) goto fail; r = 1; if (in[1] != 3) goto undo; return 9; undo: r += 10; fail: return r;
/* labelBeforeBrace: 3 */ u32 n = 0; { n = 3; goto out; out: ; } return n;
/* conditionWithAssignment: 3 */ u32 n; if ((n = in[1])) return n + 1; return 0;
/* conditionOfPointer: 4 */ u64 x = 4, *p = &x; if (p) return *p; return 0;
/* emptyStatements: 3 */ ;;; if (in[0]) ; else ; return 3;
/* blockScope: 1 */ u32 a = 1; { u32 a = 2; { u32 a = 3; if (a != 3) return 99; } if (a != 2) return 98; } return a;
/* shadowInLoop: 33 */ u32 s = 0; for (int i = 0; i < 3; i++) { u32 s2 = i; { int i = 10; s2 += i; } s += s2; } return s;
/* collatz: 111 */ u64 x = 27; u32 n = 0; for (int i = 0; i < 200; i++) { if (x == 1) break; x = x & 1 ? 3 * x + 1 : x / 2; n++; } return n;
/* fibonacci: 12586269025 */ u64 a = 0, b = 1; for (int i = 0; i < 50; i++) { u64 t = a + b; a = b; b = t; } return a;
/* greatestDivisor: 21 */ u64 a = 1071, b = 462; for (int i = 0; i < 50 && b; i++) { u64 t = a % b; a = b; b = t; } return a;
/* primes: 17 */ u32 n = 0; for (u32 i = 2; i < 60; i++) { u32 p = 1; for (u32 j = 2; j < 8; j++) if (j < i && i % j == 0) { p = 0; break; } n += p; } return n;
/* bitCount: 32 */ u64 x = in[6]; u32 n = 0; for (int i = 0; i < 64; i++) { n += x & 1; x >>= 1; } return n;
/* parity: 0 */ u64 x = in[6]; x ^= x >> 32; x ^= x >> 16; x ^= x >> 8; x ^= x >> 4; return (0x6996 >> (x & 15)) & 1;
/* stateMachine: 133 */ enum { A, B, C } s = A; u32 n = 0; for (int i = 0; i < 7; i++) { switch (s) { case A: s = B; n += 1; break; case B: s = (in[2] >> i) & 1 ? C : A; n += 10; break; case C: s = A; n += 100; } } return n;
/* duffLike: 5 */ u32 n = 0, c = 5; switch (c & 3) { case 0: do { n++; case 3: n++; case 2: n++; case 1: n++; } while (--c > 3); } return n;
/* gotoInUnrolledLoop: 34 */
  u32 n = 0;
  #pragma unroll
  for (int i = 0; i < 4; i++) { if (in[i] == 2) goto next; n += 10; next: n++; }
  return n;
/* unrolledBodyWithSlots: 38 */
  struct { u64 wide; s32 low; u16 field : 14; _Bool flag; } w = { };
  s8 b[8] = { in[4] };
  #pragma unroll
  for (int i = 0; i < 3; i++)
    w = ({ typeof(w) t = { 0, in[2], b[i], in[1] }; t.wide = takenAddress(w.low); t; });
  return 31 + w.flag + w.wide;
/* gotoInPointerLoop: 126 */
  u32 a[3] = { 1, 2, 3 }, s = 0;
  for (u32 *p = a; p < a + 3; p++) { u32 n = 0; again: s += *p * 7; if (++n < 3) goto again; }
  return s;
/* unrolledBehindDeadLabel: 115 */
  u32 n = 0;
  #pragma unroll
  for (int i = 0; i < 5; i++) n += afterDeadLabel(in[7] + i) + i;
  return n - 405;
/* counterChangedInSmallLoop: 26 */
  u64 s = 0;
  for (int i = 0; i < 8; i++) {
    if (in[i & 7] == 3)
      i++;
    s += i;
  }
  return s;
/* counterChangedInUnrolledLoop: 26 */
  u64 s = 0;
#pragma unroll(8)
  for (int i = 0; i < 8; i++) {
    if (in[i & 7] == 3)
      i++;
    s += i;
  }
  return s;
/* smallLoopOfCallsThatReturns: 6 */
  for (int i = 7; i > 0; i -= 2)
    for (int k = 0; k < 3; k++)
      if (in[i] * k == 200)
        return k + 2 + (in[i - 1] == 0x80);
      else if (in[i - 1] == in[6] && k == 1)
        return 6;
  return 0;
/* labelInUnrolled: 11 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 5; i++) { if (i == 2) goto next; n += in[i & 1]; next: n++; } return n;
/* labelBackInRound: 6 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 3; i++) { int k = 0; again: n++; if (++k < 2) goto again; } return n;
/* labelEntered: 34 */ u64 n = 0; int i = 0; if (in[0] == 1) goto inside;
for (; i < 4; i++) { n += 10; inside: n++; } return n;
/* labelEnteredBehind: 56 */ u64 n = 0, t = 0; int i = 0;
for (; i < 4; i++) { n += 10; inside: n++; } if (t++ == 0) { i = 2; goto inside; } return n;
/* labelNestedLoops: 328 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 3; i++) { 
#pragma unroll
for (int j = 0; j < 3; j++) { if (j == 1) goto skip; if (i == 2) goto out; n += j + 1; skip: ; } n += 10; out: n += 100; } return n;
/* labelOutOfLoop: 15 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 9; i++) { n += i; if (n > 10) goto done; } done: return n;
/* localLabelInUnrolled: 13 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 3; i++) { __label__ x; if (in[i] == 2) goto x; n += 5; x: n++; } return n;
/* labelInInlinedLoop: 32 */ return searchFor(7) + searchFor(9) * 10;
/* caseIntoLoop: 304 */ u64 n = 0; int i = 0; switch (in[1]) { case 1: for (i = 0; i < 4; i++) { n += 100; case 2: n++; } } return n;
/* switchInUnrolled: 311 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 4; i++) { switch (i) { case 1: n += 1; break; case 2: n += 10; default: n += 100; } } return n;
/* stmtExprLabelUnrolled: 5 */ u64 n = 0;
#pragma unroll
for (int i = 0; i < 3; i++) n += ({ u64 r = 1; if (i == 1) goto o; r = 2; o: r; }); return n;
