import { limits } from '../../uapi/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import type { Expression } from '../syntax/ast.ts';

/**
 * The format of a bpf_trace_printk that is written out: what it converts against what is given, and conversions that the
 * kernel answers with EINVAL when the program runs (kernel/trace/bpf_trace.c: bpf_trace_printk, bpf_bprintf_prepare).
 */
const mostValues = 3;
const conversion = /%(?:%|[-+ #0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z|t)?([a-zA-Z]?)([a-zA-Z0-9]*))/g;
const known = /[sduixXpcki]/;

export function checkPrintk(
  diagnostics: Diagnostics,
  at: Token,
  format: Uint8Array,
  values: readonly Expression[],
): void {
  if (format.length > limits.stack) {
    const message = `this format takes ${format.length} bytes of the stack, and a program has ${limits.stack}`;
    diagnostics.error(at, message, 'print it in pieces');
    return;
  }
  const text = Buffer.from(format).toString();
  if (values.length > mostValues) {
    const hint = 'print twice, or send a struct to a BPF_PERF_OUTPUT';
    diagnostics.error(
      values[mostValues]?.at ?? at,
      `bpf_trace_printk takes up to ${mostValues} values, not ${values.length}`,
      hint,
    );
    return;
  }
  let wanted = 0;
  for (const [spelling, letter] of text.matchAll(conversion)) {
    if (spelling === '%%') continue;
    wanted++;
    if (letter === undefined || !known.test(letter)) {
      const what =
        letter === undefined || letter === ''
          ? `incomplete format specifier '${spelling}'`
          : `invalid conversion specifier '${letter}'`;
      diagnostics.warning(
        at,
        what,
        'the kernel prints %d %i %u %x %lld %llx %p %s %c, and nothing of a format with another',
      );
    }
  }
  if (wanted > values.length) diagnostics.warning(at, "more '%' conversions than data arguments");
  else if (wanted < values.length) {
    diagnostics.warning(values[wanted]?.at ?? at, 'data argument not used by format string');
  }
}
