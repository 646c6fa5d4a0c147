// Times functions: the entry keeps the time, the return takes the difference into a log2 histogram.

.license "GPL"

// What the tool's options set.
.equ FACTOR,   1        // ns in one unit: 1, 1000 or 1000000
.equ PROCESS,  -1       // only this process (a tgid); -1 is any
.equ BY_NAME,  0        // 1: a histogram for each function, else one for all

.struct one_call
  u64  pid_tgid
  u64  ip                // the function's address
.end

.struct hist_key
  u64  ip                // 0 when all functions share one histogram
  u64  slot
.end

.map start,  hash,  key=one_call,      value=u64,  entries=10240
.map dist,   hash,  key=hist_key,  value=u64,  entries=10240
.map avg,    array,                value=u64,  entries=2      // 0: ns in all, 1: calls

.section "kprobe"
.local call_key, one_call
.local time, u64

function_entry:
  r6 = r1
  call bpf_get_current_pid_tgid
  *(u64 *)(r10 + call_key.pid_tgid) = r0
  r0 >>= 32
  r1 = PROCESS
  if r1 == -1 goto wanted
  if w0 != w1 goto out
wanted:
  r1 = r6
  call bpf_get_func_ip
  *(u64 *)(r10 + call_key.ip) = r0
  call bpf_ktime_get_ns
  *(u64 *)(r10 + time) = r0
  r1 = start ll
  r2 = r10
  r2 += call_key
  r3 = r10
  r3 += time
  r4 = 0
  call bpf_map_update_elem
out:
  r0 = 0
  exit

.section "kretprobe"
.local call_key, one_call
.local hist, hist_key
.local one, u64

function_return:
  r6 = r1
  call bpf_get_current_pid_tgid
  *(u64 *)(r10 + call_key.pid_tgid) = r0
  r1 = r6
  call bpf_get_func_ip
  r7 = r0
  *(u64 *)(r10 + call_key.ip) = r7
  call bpf_ktime_get_ns
  r6 = r0
  r1 = start ll
  r2 = r10
  r2 += call_key
  call bpf_map_lookup_elem
  if r0 == 0 goto out                 // entered before the probe, or in a process that is not wanted
  r1 = *(u64 *)(r0 + 0)
  r6 -= r1
  r1 = start ll
  r2 = r10
  r2 += call_key
  call bpf_map_delete_elem

  // The sum and the number of calls.
  r1 = 0
  *(u32 *)(r10 + one) = r1
  r1 = avg ll
  r2 = r10
  r2 += one
  call bpf_map_lookup_elem
  if r0 == 0 goto out
  lock *(u64 *)(r0 + 0) += r6
  r1 = 1
  *(u32 *)(r10 + one) = r1
  r1 = avg ll
  r2 = r10
  r2 += one
  call bpf_map_lookup_elem
  if r0 == 0 goto out
  r1 = 1
  lock *(u64 *)(r0 + 0) += r1

  // The slot is bpf_log2l: 1 for 0 and 1, 2 for 2 and 3, 3 for 4 to 7.
  r6 /= FACTOR
  r1 = 1
  r2 = r6
  r2 >>= 32
  if r2 == 0 goto low_half
  r6 = r2
  r1 = 33
low_half:
  r2 = r6
  r2 >>= 16
  if r2 == 0 goto below_16
  r6 = r2
  r1 += 16
below_16:
  r2 = r6
  r2 >>= 8
  if r2 == 0 goto below_8
  r6 = r2
  r1 += 8
below_8:
  r2 = r6
  r2 >>= 4
  if r2 == 0 goto below_4
  r6 = r2
  r1 += 4
below_4:
  r2 = r6
  r2 >>= 2
  if r2 == 0 goto below_2
  r6 = r2
  r1 += 2
below_2:
  r6 >>= 1
  r1 += r6
  *(u64 *)(r10 + hist.slot) = r1

  r1 = BY_NAME
  if r1 != 0 goto named
  r7 = 0
named:
  *(u64 *)(r10 + hist.ip) = r7
  r1 = dist ll
  r2 = r10
  r2 += hist
  call bpf_map_lookup_elem
  if r0 != 0 goto count
  *(u64 *)(r10 + one) = r0             // 0
  r1 = dist ll
  r2 = r10
  r2 += hist
  r3 = r10
  r3 += one
  r4 = 1                               // BPF_NOEXIST: another CPU may have put it there
  call bpf_map_update_elem
  r1 = dist ll
  r2 = r10
  r2 += hist
  call bpf_map_lookup_elem
  if r0 == 0 goto out
count:
  r1 = 1
  lock *(u64 *)(r0 + 0) += r1
out:
  r0 = 0
  exit
