/* The programs of the bench as eBPF. Each stands here twice: on a packet's context, as tracebed runs it, and in a loop
 * over a map full of packets, as the kernel is timed. Build: bench/vm/build.py. */
#include "flow.h"

#define SECTION(name) __attribute__((section(name), used))

struct context {
  u32 before[19];
  u32 data, data_end;
};

/* Filled in by the loader. */
extern char packets, counters, flows;

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*loop)(u32 count, void *callback, void *argument, u64 flags) = (void *)181;

enum { PACKET_BYTES = 128, PACKETS_MASK = 0x1fffff, PRIMES_BELOW = 200 };

INLINE u32 count_array(const u8 *data, const u8 *end) {
  if (data + ETHERNET > end) return 0;
  u32 key = data[5];
  u64 *value = map_lookup(&counters, &key);
  if (!value) return 0;
  return ++*value;
}

INLINE u32 count_hash(const u8 *data, const u8 *end) {
  if (data + 34 > end) return 0;
  u64 key = ((u64)read32(data + 26) << 32) | read32(data + 30);
  u64 *value = map_lookup(&flows, &key);
  if (!value) return 0;
  return ++*value;
}

INLINE u32 count_update(const u8 *data, const u8 *end) {
  if (data + 34 > end) return 0;
  u64 key = ((u64)read32(data + 26) << 32) | read32(data + 30);
  u64 value = key;
  return map_update(&flows, &key, &value, 0);
}

INLINE u32 count_primes(const u8 *data, const u8 *end) {
  return data < end ? primes_below(PRIMES_BELOW) : 0;
}

/* What the kernel's loop works on: the step from packet to packet (0: always the first), and the sum of answers. */
struct work {
  u64 packets;
  u64 step;
  u64 sum;
};

#define PROGRAM(name, body)                                                                            \
  SECTION("run/" #name) int name(struct context *context) {                                            \
    return body((u8 *)(long)context->data, (u8 *)(long)context->data_end);                             \
  }                                                                                                    \
  SECTION("loop/" #name) static int name##_one(u32 index, struct work *work) {                         \
    u32 zero = 0;                                                                                      \
    u8 *all = map_lookup(&packets, &zero);                                                             \
    if (!all) return 1;                                                                                \
    u64 at = (index * work->step) & PACKETS_MASK;                                                      \
    u8 *data = all + 64 + at;                                                                          \
    work->sum += body(data, data + PACKET_BYTES);                                                      \
    return 0;                                                                                          \
  }                                                                                                    \
  SECTION("loop/" #name) int name##_loop(struct context *context) {                                    \
    u32 zero = 0;                                                                                      \
    u64 *head = map_lookup(&packets, &zero);                                                           \
    if (!head) return 0;                                                                               \
    struct work work = {0, head[1], 0};                                                                \
    loop(head[0], name##_one, &work, 0);                                                               \
    return work.sum;                                                                                   \
  }

PROGRAM(flow, flow_hash)
PROGRAM(parse, flow_parse)
PROGRAM(primes, count_primes)
PROGRAM(array, count_array)
PROGRAM(hash, count_hash)
PROGRAM(update, count_update)
