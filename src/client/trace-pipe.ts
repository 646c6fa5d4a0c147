import type { Kernel } from '../sys/index.ts';

/** One line of trace_pipe, as bpf_trace_printk writes it: `task-pid [cpu] flags seconds: bpf_trace_printk: message`. */
export interface TraceLine {
  readonly task: string;
  readonly pid: number;
  readonly cpu: number;
  /** irqs-off, need-resched, hardirq/softirq, preempt-depth: a character each. */
  readonly flags: string;
  /** Seconds since boot. */
  readonly time: number;
  readonly message: string;
}

const lineForm = /^\s*(.+)-(\d+)\s+(?:\([\d\s-]+\)\s+)?\[(\d+)\]\s+(\S+)\s+([\d.]+): [^:]+: (.*)$/;

/** The fields of a line; undefined for one that is no such line (a lost-events notice). */
export function parseTraceLine(line: string): TraceLine | undefined {
  const match = lineForm.exec(line);
  if (!match) return undefined;
  const [, task = '', pid, cpu, flags = '', time, message = ''] = match;
  return { task, pid: Number(pid), cpu: Number(cpu), flags, time: Number(time), message };
}

/** What programs wrote with trace_printk since the last call. */
export function readTraceLines(kernel: Kernel): TraceLine[] {
  return kernel
    .readTracePipe()
    .map(parseTraceLine)
    .filter((line) => line !== undefined);
}
