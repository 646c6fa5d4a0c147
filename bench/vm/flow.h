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

INLINE u32 mix(u32 hash, u32 word) {
  word *= 0xcc9e2d51;
  word = (word << 15) | (word >> 17);
  hash ^= word * 0x1b873593;
  hash = (hash << 13) | (hash >> 19);
  return hash * 5 + 0xe6546b64;
}

INLINE u32 hash_of(const struct flow_key *key) {
  u32 hash = 0x9e3779b9;
#pragma unroll
  for (int i = 0; i < 4; i++) hash = mix(hash, key->source[i]);
#pragma unroll
  for (int i = 0; i < 4; i++) hash = mix(hash, key->target[i]);
  hash = mix(hash, ((u32)key->source_port << 16) | key->target_port);
  hash = mix(hash, ((u32)key->vlan << 16) | ((u32)key->protocol << 8) | key->version);
  hash ^= hash >> 16;
  hash *= 0x85ebca6b;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35;
  return hash ^ (hash >> 16);
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
