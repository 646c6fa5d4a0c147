/* objectMacro: 10 */
#define N 5
return N + N;
/* functionMacro: 9 */
#define SQUARE(x) ((x) * (x))
return SQUARE(in[1] + 1);
/* macroOfMacros: 4 */
#define ONE 1
#define TWO (ONE + ONE)
return TWO * TWO;
/* stringify: 49 */
#define TEXT(x) #x
char t[] = TEXT(a + b); return sizeof(t) + t[2];
/* stringifyExpanded: 101 */
#define TEXT1(x) #x
#define TEXT2(x) TEXT1(x)
#define WHAT abc
char t[] = TEXT2(WHAT); return sizeof(t) + t[0];
/* paste: 56 */
#define VAR(n) v##n
u32 VAR(1) = 5, VAR(2) = 6; return v1 * 10 + v2;
/* pasteNumber: 271 */
#define HEX(n) 0x##n
return HEX(ff) + HEX(10);
/* variadic: 6 */
#define SUM(...) add3(__VA_ARGS__)
return SUM(1, 2, 3);
/* variadicNamed: 127 */
#define LIST(first, rest...) { first, ##rest }
u32 a[] = LIST(1, 2, 3), b[] = LIST(4); return sizeof(a) * 10 + sizeof(b) + a[2];
/* variadicEmpty: 13 */
#define COUNT(...) sizeof((u8[]){ 0, ##__VA_ARGS__ })
return COUNT() * 10 + COUNT(1, 2);
/* noRecursion: 7 */
#define add3(a, b, c) add3(a, b, (c) + 1)
return add3(1, 2, 3);
/* argumentsNested: 5 */
#define MAX(a, b) ((a) > (b) ? (a) : (b))
return MAX(MAX(1, 5), MAX(3, in[2]));
/* bracketsInArgument: 2 */
#define FIRST(a, b) (a)
return FIRST((1, 2), 3);
/* emptyArgument: 3 */
#define PLUS(a, b) (0 a b)
return PLUS(+ 1, ) + PLUS(, + 2);
/* overLines: 5 */
#define LONG(a) \
  ((a) + \
   1)
return LONG(
  4
);
/* conditionals: 2 */
#define FEATURE 2
#if FEATURE == 1
return 1;
#elif FEATURE == 2 && !defined(OTHER)
return 2;
#else
return 3;
#endif
/* conditionalsNested: 2 */
#if 1
#if 0
return 1;
#else
return 2;
#endif
#endif
return 3;
/* ifdef: 4 */
#define HERE
#ifdef HERE
#ifndef THERE
return 4;
#endif
#endif
return 5;
/* ifExpression: 1 */
#if (1 << 4) + 3 * 2 == 22 && ~0 == -1 && 'A' == 65 && (2 > 1 ? 1 : 0)
return 1;
#else
return 2;
#endif
/* undef: 2 */
#define GONE 1
#undef GONE
#ifdef GONE
return 1;
#endif
return 2;
/* redefine: 12 */
#define AGAIN 1
u32 a = AGAIN;
#undef AGAIN
#define AGAIN 2
return a * 10 + AGAIN;
/* commentsAreBlanks: 4 */
return 1/* 2 */+/**/3// 4
;
/* lineContinuation: 12 */
return 1\
2;
/* lineMacro: 1 */
u32 a = __LINE__; u32 b = __LINE__;
u32 c = __LINE__; return (b - a) * 10 + (c - b);
/* counterMacro: 1 */
u32 a = __COUNTER__; u32 b = __COUNTER__; return b - a;
/* macroInMacroArgument: 4 */
#define INC(x) ((x) + 1)
return INC(INC(INC(1)));
/* functionMacroWithoutBrackets: 3 */
#define F(x) x
u32 F = 3; return F;
/* macroNamesParameter: 6 */
#define SET(name, value) name = value
u32 a; SET(a, 6); return a;
/* doWhileMacro: 4 */
#define STEP(x) do { x++; x *= 2; } while (0)
u32 a = 1; if (in[0]) STEP(a); else STEP(a); return a;
/* xMacro: 6 */
#define ITEMS(X) X(a, 1) X(b, 2) X(c, 3)
#define DECLARE(name, value) u32 name = value;
ITEMS(DECLARE)
#define ADD(name, value) + name
return 0 ITEMS(ADD);
/* pasteThenExpand: 42 */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define AB 42
return CAT(A, B);
/* stringifyQuotes: 6 */
#define TEXT(x) #x
char t[] = TEXT("a\n"); return sizeof(t);
/* hasHashInside: 7 */
#define HASH_HASH # ## #
#define MK(a) #a
char t[] = MK(x ## y); return sizeof(t);
/* optionalArguments: 33 */
#define SUM(first, ...) (first __VA_OPT__(+ (__VA_ARGS__)) + 1)
return SUM(10) + SUM(10, 11);
/* optionalArgumentsEmpty: 5 */
#define LIST(...) { __VA_OPT__(__VA_ARGS__,) 5 }
u64 a[] = LIST(); return a[0];
/* rescan1: 54 */
#define f(a) a*g
#define g(a) f(a)
int g = 3; return f(2)(9);
/* rescan2: 18446744072053173987 */
#define x 3
#define f(a) f(x * (a))
#undef x
#define x 2
#define g f
#define z z[0]
#define h g(~
#define m(a) a(w)
#define w 0,1
#define t(a) a
#define str(...) #__VA_ARGS__
#define xstr(...) str(__VA_ARGS__)
const char *s = xstr(f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);); int n = 0; for (int i = 0; i < sizeof(xstr(f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);)); i++) n = n * 31 + xstr(f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);)[i]; return n;
/* hideset1: 14 */
#define A() B
#define B() A() C
#define C 1
#define str(...) #__VA_ARGS__
#define xstr(...) str(__VA_ARGS__)
return sizeof(xstr(A()()())) + sizeof(xstr(B()()()));
/* hideset2: 352 */
#define NIL(xxx) xxx
#define G_0(arg) NIL(G_1)(arg)
#define G_1(arg) NIL(arg)
#define str(...) #__VA_ARGS__
#define xstr(...) str(__VA_ARGS__)
return sizeof(xstr(G_0(42))) * 100 + xstr(G_0(42))[0];
/* stringLit: 22 */
#define s(x) #x
return sizeof(s("a\n" '\'' '"' "\"" \n)) ;
/* stringVarargs: 12 */
#define s(...) #__VA_ARGS__
return sizeof(s(a, b,c , d)) + sizeof(s());
/* pasteHashHash: 7 */
#define hash_hash # ## #
#define mkstr(a) # a
#define in_between(a) mkstr(a)
#define join(c, d) in_between(c hash_hash d)
return sizeof(join(x, y));
/* pasteString: 113 */
#define W(s) L ## s
return sizeof(W("abc")) + W('a');
/* pasteU8: 12 */
#define W(p, s) p ## s
return sizeof(W(u8, "abc")) + sizeof(W(u, "abc"));
/* vaOptPaste: 21 */
#define f(x, ...) x ## __VA_OPT__(b)
int a = 1, ab = 2; return f(a) + f(a, 1) * 10;
/* vaOptStr: 41 */
#define f(...) #__VA_OPT__(a __VA_ARGS__)
return sizeof(f()) + sizeof(f(1)) * 10;
/* vaOptNested: 62 */
#define f(x, ...) x __VA_OPT__(+ (__VA_ARGS__ + x))
return f(1) + f(1, 5) * 10;
/* vaOptEmptyMacro: 1 */
#define E
#define f(x, ...) x __VA_OPT__(+ 5)
return f(1, E);
/* dateTime: 21 */ return sizeof(__DATE__) + sizeof(__TIME__);
/* stdc: 201113 */ return __STDC__ + __STDC_VERSION__ + __STDC_HOSTED__ * 0;
/* predefs: 1 */
#if defined(__GNUC__) && defined(__clang__) && defined(__bpf__) && defined(__BPF__) && defined(__LP64__) && defined(__INT_MAX__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && __SIZEOF_POINTER__ == 8
return 1;
#else
return 2;
#endif
/* predefs2: 889 */ return __SIZEOF_INT__ + __SIZEOF_LONG__ * 10 + __CHAR_BIT__ * 100 + (__INT_MAX__ == 2147483647) + (__LONG_MAX__ > 0) + (__SCHAR_MAX__ == 127) + (__SHRT_MAX__ == 32767) + (__LONG_LONG_MAX__ > 5);
/* predefTypes: 40 */ __SIZE_TYPE__ a = 1; __UINT32_TYPE__ b = 2; __INT64_TYPE__ c = 3; __UINTPTR_TYPE__ d = 4; __PTRDIFF_TYPE__ e = 5; __UINT8_TYPE__ f = 6; __WCHAR_TYPE__ g = 7; __CHAR16_TYPE__ h = 8; return a + b + c + d + e + f + g + h + sizeof g;
/* definedByMacro: 1 */
#define HAS_X defined(X)
#define X 1
#if HAS_X
return 1;
#else
return 2;
#endif
/* ifTernary: 1 */
#if (1 ? 2 : (0/0)) == 2
return 1;
#endif
return 0;
/* ifShort: 2 */
#if 0 && (1/0)
return 1;
#elif 1 || (1/0)
return 2;
#endif
/* ifUnsigned: 1 */
#if -1 > 0u
return 1;
#else
return 2;
#endif
/* ifUnsigned2: 1 */
#if 0xffffffffffffffff > 0 && -1 < 0 && (2 - 3) < 0 && (2 - 3u) > 0 && 18446744073709551615u == -1
return 1;
#else
return 2;
#endif
/* ifShift: 1 */
#if (-1 >> 63) == -1 && (0xffffffffffffffffu >> 63) == 1 && (1 << 62) > 0
return 1;
#else
return 2;
#endif
/* ifDivU: 1 */
#if -1 / 2 == 0 && -1u / 2 == 0x7fffffffffffffff
return 1;
#else
return 2;
#endif
/* ifChar: 1 */
#if 'a' == 97 && '\n' == 10 && '\377' < 0 && 'ab' == 24930 && L'a' == 97
return 1;
#else
return 2;
#endif
/* ifComma: 1 */
#if (0, 1)
return 1;
#endif
return 2;
/* elifdef: 2 */
#define X
#ifdef Y
return 1;
#elifdef X
return 2;
#else
return 3;
#endif
/* elifndef: 2 */
#ifdef Y
return 1;
#elifndef X
return 2;
#endif
return 3;
/* digraph: 2 */
int a<:2:> = <% 1, 2 %>; return a<:1:>;
/* digraphHash: 4 */
%:define X 4
return X;
/* digraphPaste: 12 */
%:define c(a,b) a %:%: b
return c(1,2);
/* pragmaPushMacro: 21 */
#define X 1
#pragma push_macro("X")
#undef X
#define X 2
int a = X;
#pragma pop_macro("X")
return a * 10 + X;
/* pragmaOp: 3 */ _Pragma("GCC diagnostic push") int x = 3; _Pragma("GCC diagnostic pop") return x;
/* pragmaOpMacro: 3 */
#define NOWARN _Pragma("GCC diagnostic ignored \"-Wall\"")
NOWARN int x = 3; return x;
/* identDir: 1 */
#ident "x"
#sccs "y"
return 1;
/* argDirective: 13 */
#define f(a, b) a * 10 + b
return f(1,
#ifdef NOPE
2
#else
3
#endif
);
/* argDirectiveDefine: 4 */
#define f(a) a
return f(
#define Z 4
Z
);
/* unicodeStr: 3 */
#define s(x) #x
return sizeof(s(é));
