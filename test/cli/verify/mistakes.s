.license "GPL"
.map hits, array, value=u64, entries=2
.map hash, hash, key=u64, value=u64, entries=2
.section "socket"
loop:
  r6 = r1
again:
  r0 = *(u32 *)(r6 + 0)
  if r0 > 5 goto again
  r0 = 0
  exit
.section "socket"
unset:
  r6 = *(u32 *)(r1 + 0)
  if r6 == 0 goto skip
  r7 = 5
skip:
  r0 = r7
  exit
.section "xdp"
packet:
  r2 = *(u32 *)(r1 + 0)
  r3 = *(u32 *)(r1 + 4)
  r4 = r2
  r4 += 10
  if r4 > r3 goto out
  r0 = *(u32 *)(r2 + 8)
out:
  r0 = 2
  exit
.section "socket"
index:
  r6 = *(u32 *)(r1 + 0)
  *(u32 *)(r10 - 4) = 1
  r1 = hits ll
  r2 = r10
  r2 += -4
  call bpf_map_lookup_elem
  if r0 == 0 goto out2
  *(u64 *)(r10 - 16) = r0
  if r6 > 4 goto out2
  r1 = *(u64 *)(r10 - 16)
  r6 <<= 1
  r1 += r6
  r0 = *(u64 *)(r1 + 0)
out2:
  exit
.section "socket"
clobber:
  r3 = 5
  call bpf_ktime_get_ns
  r0 = r3
  exit
.section "socket"
scalar:
  r2 = *(u32 *)(r1 + 0)
  r0 = *(u32 *)(r2 + 8)
  exit
.section "socket"
bad:
  exit
.section "cgroup_skb/egress"
ret:
  r0 = *(u32 *)(r1 + 0)
  exit
.section "socket"
reach:
  r0 = 0
  exit
  exit
.section "socket"
caller:
  r1 = 5
  r2 = r10
  call writes
  exit
writes:
  r3 = r1
  *(u8 *)(r3 + 0) = 1
  r0 = 0
  exit
