/* tentativeArr: 12 */
int g[]; int g[3];
u64 run(u64 *in) { return sizeof g; }
/* fnTypedefDecl: 6 */
typedef int F(int); static F f; static int f(int a) { return a + 2; }
u64 run(u64 *in) { return f(4); }
/* arrParamStatic: 4 */
static int f(int a[static 3], int n) { return a[2] + n; }
u64 run(u64 *in) { int a[3] = { 1, 2, 3 }; return f(a, 1); }
/* arrParamConst: 5 */
static int f(int a[const], int m[][2]) { return a[1] + m[1][0]; }
u64 run(u64 *in) { int a[3] = { 1, 2, 3 }, m[2][2] = { { 1, 2 }, { 3, 4 } }; return f(a, m); }
/* arrParamStar: 2 */
static int f(int n, int a[*]); static int f(int n, int a[]) { return a[1]; }
u64 run(u64 *in) { int a[3] = { 1, 2, 3 }; return f(3, a); }
/* arrParamVla: 2 */
static int f(int n, int a[n]) { return a[1]; }
u64 run(u64 *in) { int a[3] = { 1, 2, 3 }; return f(3, a); }
/* gnuInline: 3 */
extern inline __attribute__((gnu_inline)) int g(int a) { return a + 2; }
u64 run(u64 *in) { return g(1); }
/* globalWide: 9 */
static __int128 x = 5; static unsigned __int128 y = ((unsigned __int128)1 << 100);
u64 run(u64 *in) { return x + (u64)(y >> 98); }
/* globalAligned: 3 */
static u8 a = 1; static u8 b __attribute__((aligned(64))) = 2;
u64 run(u64 *in) { return a + b; }
/* globalCompound: 2 */
static struct box g = (struct box){ 1, 2 }; static int *p = (int[]){ 1, 2 };
u64 run(u64 *in) { return g.high; }
/* globalFlex: 3 */
static struct { int n; struct box b[]; } g = { 2, { { 1, 2 }, { 3, 4 } } };
u64 run(u64 *in) { return g.b[1].low; }
/* castToUnion: 5 */
union u { int a; long b; };
u64 run(u64 *in) { union u x = (union u)5L; return x.b; }
/* constructor: 3 */
typedef __builtin_va_list va_list;
u64 run(u64 *in) { return 3; }
/* prototypeWithin: 44 */
static int helper(int);
u64 run(u64 *in) {
  int g = 1, two;
  { int g(int x), h(void); int g(int); two = g(h()); }
  int helper(int);
  return g + two * 10 + helper(20);
}
int g(int x) { return x; }
int h(void) { return 2; }
static int helper(int x) { return x + 3; }
