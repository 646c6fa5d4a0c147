/* The bench's functions as a compiler for the machine makes them. It reads the packets' file, then lines
 * "name count step" and answers "ns sum". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "flow.h"

enum { HEAD = 64, PACKET_BYTES = 128, PACKETS_MASK = 0x1fffff, PRIMES_BELOW = 200 };

#define LOOP(body)                                               \
  for (u32 i = 0; i < count; i++) {                              \
    const u8 *data = packets + HEAD + ((i * step) & PACKETS_MASK); \
    sum += body;                                                 \
  }

static u64 run(const char *name, const u8 *packets, u32 count, u64 step) {
  u64 sum = 0;
  if (!strcmp(name, "flow")) LOOP(flow_hash(data, data + PACKET_BYTES))
  else if (!strcmp(name, "parse")) LOOP(flow_parse(data, data + PACKET_BYTES))
  else if (!strcmp(name, "primes")) LOOP(data[0] < 256 ? primes_below(PRIMES_BELOW) : 0)
  return sum;
}

int main(int argc, char **argv) {
  FILE *file = argc > 1 ? fopen(argv[1], "rb") : 0;
  if (!file) return 1;
  u8 *packets = calloc(1, HEAD + PACKETS_MASK + 1 + PACKET_BYTES);
  if (fread(packets, 1, HEAD + PACKETS_MASK + 1, file) == 0) return 1;
  char name[32];
  u32 count;
  u64 step;
  while (scanf("%31s %u %llu", name, &count, &step) == 3) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    u64 sum = run(name, packets, count, step);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%lld %llu\n", (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec, sum);
    fflush(stdout);
  }
  return 0;
}
