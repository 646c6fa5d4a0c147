import type { Nanoseconds } from '../../base/index.ts';
import type { Task } from '../../events/index.ts';

/** Lines that wait for a reader; the oldest go first, as the trace buffer overwrites. */
const mostLines = 16_384;

/**
 * trace_pipe of tracefs: what trace_printk wrote, as kernel/trace/trace_output.c prints it: comm in 16 columns and pid
 * in 7, CPU, flags, seconds with microseconds, event.
 *
 *            python3-26031   [000] d..31  2324.814941: bpf_trace_printk: text
 *
 * Flags: interrupts off, no reschedule wanted, no interrupt context, preemption and migration depth.
 */
export class TracePipe {
  #lines: string[] = [];
  #first = 0;

  write(task: Task, cpu: number, time: Nanoseconds, text: string): void {
    const comm = (task.pid === 0 ? '<idle>' : task.comm).padStart(16);
    const seconds = String(Math.floor(time / 1e9)).padStart(5);
    const micros = String(Math.floor((time % 1e9) / 1e3)).padStart(6, '0');
    const place = `${comm}-${String(task.pid).padEnd(7)} [${String(cpu).padStart(3, '0')}] d..31`;
    const whole = `${place} ${seconds}.${micros}: bpf_trace_printk: ${text}`;
    for (const line of whole.split('\n')) this.#lines.push(line);
    if (this.#lines.length - this.#first > mostLines) this.#first = this.#lines.length - mostLines;
    if (this.#first > mostLines) this.#compact();
  }

  /** What was written since the last call, oldest first. */
  read(): string[] {
    this.#compact();
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  #compact(): void {
    this.#lines.splice(0, this.#first);
    this.#first = 0;
  }
}
