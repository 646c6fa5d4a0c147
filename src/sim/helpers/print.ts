import { errno } from '../../base/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { formatPrintk } from './format.ts';

/** MAX_BPRINTF_BUF: what one call prints at most, its NUL included. */
const longestLine = 1024;

/** trace_printk and trace_vprintk (kernel/trace/bpf_trace.c): lines of trace_pipe. */
export function printHelpers(environment: HelperEnvironment): HelperBodies {
  const { memory, current, pipe, passed } = environment;

  function print(formatHigh: number, format: number, size: number, args: readonly bigint[]): number {
    if (!memory.isMapped(formatHigh, format, size)) return -errno.EFAULT;
    const text = formatPrintk(environment, memory.bytes(format, size), args);
    if (typeof text === 'number') return text;
    pipe.write(current.task, current.cpu, current.now, text.slice(0, longestLine - 1));
    passed('bpf_trace:bpf_trace_printk');
    return text.length;
  }

  return {
    trace_printk(window) {
      const args = [window.whole(3), window.whole(4), window.whole(5)];
      window.answer(print(window.high(1), window.low(1), window.low(2), args));
    },
    trace_vprintk(window) {
      const bytes = window.low(4);
      const mapped = bytes === 0 || window.isMapped(3, bytes);
      if (bytes % 8 !== 0 || bytes > 12 * 8) {
        window.answer(-errno.EINVAL);
      } else if (!mapped) {
        window.answer(-errno.EFAULT);
      } else {
        const args = Array.from({ length: bytes / 8 }, (_, i) => memory.view.getBigUint64(window.low(3) + i * 8, true));
        window.answer(print(window.high(1), window.low(1), window.low(2), args));
      }
    },
  };
}
