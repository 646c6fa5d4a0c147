/* offsetOfAndContainer: 8 */
  return offsetof(struct box, high);
/* log2OfValues: 7 */
  return bpf_log2l(in[7]);
/* minimum: 2 */
  return min(in[1], in[7]);
