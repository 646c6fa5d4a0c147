/* autoType: 7 */ __auto_type a = in[0]; __auto_type b = (short)6; return a + b;
/* autoTypeInMacro: 3 */
#define LARGER(a, b) ({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
return LARGER(in[1], in[2]);
/* localLabels: 8 */ __label__ out; u64 a = 8; if (in[0]) goto out; a = 9; out: return a;
/* fallthroughAttribute: 3 */ u64 n = 0; switch (in[0]) { case 1: n += 1; __attribute__((fallthrough)); case 2: n += 2; break; default: n = 9; } return n;
/* pragmaOperator: 3 */ u64 n = 0; _Pragma("clang loop unroll(full)") for (int i = 0; i < 3; i++) n += i; return n;
/* addressOfGlobal: 4 */ static u64 x = 4; static u64 *p = &x; return *p;
/* addressOfGlobalWritten: 9 */ static u64 x = 4; static u64 *p = &x; *p = 9; return x;
/* textOfGlobal: 98 */ static const char *name = "abc"; return name[1];
/* textsOfGlobal: 100 */ static const char *const names[] = { "ab", "cd" }; return names[1][1];
/* textInStruct: 104 */ static const struct { u64 n; const char *name; } rows[2] = { { 1, "fg" }, { 2, "hi" } }; return rows[1].name[0];
/* localLabelMacro: 12 */
#define L(x) ({ __label__ out; int r = 1; if (x) goto out; r = 2; out: r; })
return L(in[0]) * 10 + L(!in[0]);
/* stmtExprLastLabel: 3 */ return ({ int r = 3; if (in[0]) goto l; r = 4; l: r; });
/* regVar: 5 */ register u64 x asm("r3") = 5; return x;
/* atomicSpec: 4 */ _Atomic(int) x = 4; return x;
/* restrictP: 2 */ u64 *restrict p = in; u64 *__restrict__ q = in; return *p + *q;
/* signedKw: 6 */ __signed x = -1; __signed__ char y = -2; __const int z = 4; __volatile int w = 5; return x + y + z + w;
/* int128Inc: 102 */ __int128 a = in[3]; a++; ++a; a += 2; a--; return (a >> 64) * 100 + (u64)a;
