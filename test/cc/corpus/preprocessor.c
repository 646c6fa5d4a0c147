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
