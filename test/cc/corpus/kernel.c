/* offsetOfAndContainer: 8 */
  return offsetof(struct box, high);
/* log2OfValues: 7 */
  return bpf_log2l(in[7]);
/* minimum: 2 */
  return min(in[1], in[7]);
/* powersOfTwo: 199 */
  return roundup_pow_of_two(100) + rounddown_pow_of_two(100) + ilog2(64) + is_power_of_2(4);
/* powersOfTwoOfValues: 135 */
  return roundup_pow_of_two(in[7]) + ilog2(in[7]) + is_power_of_2(in[1]);
/* bytesOf128Bits: 4611686018427387905 */
  unsigned __int128 v = bpf_ntoh128((unsigned __int128)0x0102030405060708 << 64 | 0x40);
  return (u64)(v >> 64) | (v == bpf_hton128(v)) | (bpf_ntoh128(v) >> 64 == 0x0102030405060708);
