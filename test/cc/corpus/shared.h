/* What the snippets share: types, functions of each shape, globals of each section. */
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;
#define apart __attribute__((__noinline__))

struct box { u64 low; u64 high; };
static const u32 globalTable[4] = { 10, 20, 30, 40 };
static u32 globalWord = 7;
static struct box globalBox = { 5, 6 };
static const char globalText[] = "text";

static inline u64 sumBox(struct box b) { b.low += b.high; return b.low; }
static inline struct box swapBox(struct box b) { struct box c = { b.high, b.low }; return c; }
static inline int add3(int a, int b, int c) { return a + b + c; }
static inline s8 narrowed(u64 a) { return a; }
static inline void swapWords(u64 *a, u64 *b) { u64 t = *a; *a = *b; *b = t; }
static inline void divide(u32 a, u32 b, u32 *quotient, u32 *rest) { *quotient = a / b; *rest = a % b; }
static inline u64 *larger(u64 *a, u64 *b) { return *a > *b ? a : b; }
static inline u32 sumOf(u32 a[4]) { return a[0] + a[1] + a[2] + a[3]; }
static apart u64 noinlined(u64 a, u32 b) { return a + b; }
static apart void addInto(u64 *a, u64 b) { *a += b; }
static apart u64 fiveArguments(u64 a, u64 b, u64 c, u64 d, u64 e) { return a + b * 10 + c * 100 + d * 1000 + e * 10000; }
static apart u64 innerCall(u64 a) { return a * 3; }
static apart u64 outerCall(u64 a) { return innerCall(a) + innerCall(a + 1); }
static apart s32 negated(s32 a) { return -a; }
static apart u8 lowByte(u64 a) { return a; }
static apart void doubled(u64 *a) { *a *= 2; }
static inline int firstSet(u32 a) { for (int i = 0; i < 32; i++) if (a & (1u << i)) return i; return -1; }
static inline void changed(u32 a) { a = 99; }
static inline u32 twoOf(u32 a, u32 b) { return a * 10 + b; }
static inline u32 counterTable(u32 i) { static const u8 t[4] = { 1, 2, 4, 8 }; return t[i & 3]; }
static inline u64 powerOf(u64 base, int n) { u64 r = 1; for (int i = 0; i < n; i++) r *= base; return r; }
static inline u32 kindOf(u32 a) { switch (a) { case 1: return 5; case 2: return 6; default: return 7; } }
static inline int searchFor(u32 a) { u32 t[4] = { 3, 5, 7, 9 }; int i; for (i = 0; i < 4; i++) if (t[i] == a) goto found; return -1; found: return i; }
static inline void tripled(u32 *a) { *a *= 3; }
static inline u64 scaleBox(struct box *b, u32 by) { b->low *= by; b->high *= by; return b->high; }
static inline struct box scaledCopy(struct box b, u32 by) { scaleBox(&b, by); return b; }
static inline _Bool isEven(u64 a) { return !(a & 1); }
static inline char asChar(int a) { return a; }
static inline u32 checksum(const u8 *p, int n) { u32 s = 0; for (int i = 0; i < 4 && i < n; i++) s = s * 31 + p[i]; return s; }
static inline u32 nested3(u32 a) { u32 b = a + 3; return b; }
static inline u32 nested2(u32 a) { u32 b = a + 2; return nested3(b) * b; }
static inline u32 nested1(u32 a) { u32 b = a + 1; return nested2(b) + b; }
static inline u64 declaredFirst(u64 a);
static inline u64 declaredFirst(u64 a) { return a * a; }
static inline struct box boxOf(u64 low, struct box b) { return (struct box){ low, b.low * 10 + b.high }; }
static inline u64 takenAddress(u32 a) { u32 *p = &a; return (a ?: 7) + *p; }
static inline u64 afterDeadLabel(u32 a) { if (1) return a; switch (a) { case 1: if (a) goto on; a++; on: a += 2; break; case 2: a = 5; } return a; }
