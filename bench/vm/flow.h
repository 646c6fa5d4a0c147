/* A flow dissector: Ethernet, up to two VLAN tags, IPv4 with options and fragments, IPv6 with extension headers, TCP,
 * UDP and ICMP; then a hash of the flow's key. Plain C, so that clang makes eBPF of it and gcc a function. */
#ifndef FLOW_H
#define FLOW_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define INLINE static inline __attribute__((always_inline))
#define SWAP16(x) ((u16)__builtin_bswap16(x))

struct flow_key {
  u32 source[4];
  u32 target[4];
  u16 source_port, target_port;
  u16 vlan;
  u8 protocol, version;
};

enum { NOT_A_FLOW = 0, ETHERNET = 14, MOST_VLANS = 2, MOST_EXTENSIONS = 2 };

INLINE u16 read16(const u8 *at) { return SWAP16(*(const u16 *)at); }
INLINE u32 read32(const u8 *at) { return *(const u32 *)at; }

INLINE int dissect_ports(const u8 *at, const u8 *end, struct flow_key *key) {
  if (key->protocol == 6 || key->protocol == 17) {
    if (at + 4 > end) return 0;
    key->source_port = read16(at);
    key->target_port = read16(at + 2);
  } else if (key->protocol == 1 || key->protocol == 58) {
    if (at + 2 > end) return 0;
    key->source_port = at[0];
    key->target_port = at[1];
  }
  return 1;
}

INLINE int dissect_ipv4(const u8 *at, const u8 *end, struct flow_key *key) {
  if (at + 20 > end) return 0;
  u32 length = (at[0] & 15) * 4;
  if ((at[0] >> 4) != 4 || length < 20) return 0;
  key->version = 4;
  key->protocol = at[9];
  key->source[0] = read32(at + 12);
  key->target[0] = read32(at + 16);
  if (read16(at + 6) & 0x1fff) return 1; /* a later fragment has no ports */
  return dissect_ports(at + length, end, key);
}

INLINE int dissect_ipv6(const u8 *at, const u8 *end, struct flow_key *key) {
  if (at + 40 > end) return 0;
  if ((at[0] >> 4) != 6) return 0;
  key->version = 6;
  u8 next = at[6];
  for (int i = 0; i < 4; i++) key->source[i] = read32(at + 8 + i * 4);
  for (int i = 0; i < 4; i++) key->target[i] = read32(at + 24 + i * 4);
  const u8 *rest = at + 40;
#pragma unroll
  for (int i = 0; i < MOST_EXTENSIONS; i++) {
    if (next != 0 && next != 43 && next != 60) break;
    if (rest + 8 > end) return 0;
    next = rest[0];
    rest += ((u32)(rest[1] & 15) + 1) * 8;
  }
  key->protocol = next;
  return dissect_ports(rest, end, key);
}

INLINE int dissect(const u8 *data, const u8 *end, struct flow_key *key) {
  if (data + ETHERNET > end) return 0;
  u16 type = read16(data + 12);
  const u8 *at = data + ETHERNET;
#pragma unroll
  for (int i = 0; i < MOST_VLANS; i++) {
    if (type != 0x8100 && type != 0x88a8) break;
    if (at + 4 > end) return 0;
    key->vlan = read16(at) & 0xfff;
    type = read16(at + 2);
    at += 4;
  }
  if (type == 0x0800) return dissect_ipv4(at, end, key);
  if (type == 0x86dd) return dissect_ipv6(at, end, key);
  return 0;
}

/* Bob Jenkins' lookup3, which is in the public domain and which Linux hashes flows with (jhash). */
#define ROTATE(x, by) (((x) << (by)) | ((x) >> (32 - (by))))
#define MIX(a, b, c)                                             \
  a -= c, a ^= ROTATE(c, 4), c += b, b -= a, b ^= ROTATE(a, 6),  \
  a += c, c -= b, c ^= ROTATE(b, 8), b += a, a -= c,             \
  a ^= ROTATE(c, 16), c += b, b -= a, b ^= ROTATE(a, 19), a += c, \
  c -= b, c ^= ROTATE(b, 4), b += a
#define FINISH(a, b, c)                                          \
  c ^= b, c -= ROTATE(b, 14), a ^= c, a -= ROTATE(c, 11), b ^= a, \
  b -= ROTATE(a, 25), c ^= b, c -= ROTATE(b, 16), a ^= c,        \
  a -= ROTATE(c, 4), b ^= a, b -= ROTATE(a, 14), c ^= b, c -= ROTATE(b, 24)

INLINE u32 fold(const u32 *address) { return address[0] ^ address[1] ^ address[2] ^ address[3]; }

INLINE u32 hash_of(const struct flow_key *key) {
  u32 a = 0xdeadbeef + 16, b = a, c = a;
  a += fold(key->source), b += fold(key->target), c += ((u32)key->source_port << 16) | key->target_port;
  MIX(a, b, c);
  a += ((u32)key->vlan << 16) | ((u32)key->protocol << 8) | key->version;
  FINISH(a, b, c);
  return c;
}

INLINE u32 flow_hash(const u8 *data, const u8 *end) {
  struct flow_key key = {};
  return dissect(data, end, &key) ? hash_of(&key) : NOT_A_FLOW;
}

INLINE u32 flow_parse(const u8 *data, const u8 *end) {
  struct flow_key key = {};
  if (!dissect(data, end, &key)) return NOT_A_FLOW;
  return ((u32)key.source_port << 16 | key.target_port) + key.protocol + key.vlan + key.source[0];
}

/* How many primes there are below `limit`, by trial division. */
INLINE u32 primes_below(u32 limit) {
  u32 count = 0;
  for (u32 n = 2; n < limit; n++) {
    u32 is_prime = 1;
    for (u32 d = 2; d * d <= n; d++) {
      if (n % d == 0) {
        is_prime = 0;
        break;
      }
    }
    count += is_prime;
  }
  return count;
}

#endif
