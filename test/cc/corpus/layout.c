/* enumUnsignedMax: 4294967301 */ enum e { A = 0xffffffff } x = A; return (u64)x + sizeof(x) + _Generic(A, int: 1, unsigned: 2, long: 3, default: 4);
/* enumPacked: 1 */ enum __attribute__((packed)) e { A, B }; return sizeof(enum e);
/* enumPackedAfter: 2 */ enum e { A, B = 300 } __attribute__((packed)); return sizeof(enum e);
/* enumMode: 8 */ typedef int m __attribute__((mode(DI))); return sizeof(m);
/* bfMemberPacked: 653 */ struct { u8 a; u32 b:30 __attribute__((packed)); u8 c; } s = { 1, 2, 3 }; return sizeof s * 100 + s.c + __builtin_offsetof(struct { u8 a; u32 b:30 __attribute__((packed)); u8 c; }, c) * 10;
/* bfAligned: 1603 */ struct { u8 a; u32 b:5 __attribute__((aligned(8))); u8 c; } s = { 1, 2, 3 }; return sizeof s * 100 + s.c;
/* alignTypedef: 32 */ typedef u32 a32 __attribute__((aligned(16))); struct { u8 c; a32 x; } s; return sizeof s;
/* alignTypedefLess: 12 */ typedef u64 a64 __attribute__((aligned(4))); struct { u32 c; a64 x; } s; return sizeof s;
/* pragmaPack: 58 */
#pragma pack(push, 1)
struct pp { u8 a; u32 b; };
#pragma pack(pop)
struct pq { u8 a; u32 b; };
return sizeof(struct pp) * 10 + sizeof(struct pq);
/* pragmaPack2: 14 */
#pragma pack(2)
struct pp { u8 a; u32 b; u64 c; };
#pragma pack()
return sizeof(struct pp);
/* attrEmpty: 7 */ int x __attribute__(()) = 4; int y __attribute__((,unused,)) = 3; return x + y;
/* attrAligned: 16 */ struct s { char c; } __attribute__((aligned)); return sizeof(struct s);
