import { errno } from '../../base/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** _NSIG */
const lastSignal = 64;

/** send_signal and send_signal_thread (kernel/trace/bpf_trace.c): to the process, or the thread, that is current. */
export function signalHelpers({ current, signals, passed }: HelperEnvironment): HelperBodies {
  function send(signal: number, thread: boolean): number {
    const { task } = current;
    // Kernel threads take none, and init would take the machine with it.
    if (task.pid === 0 || task.kernelThread === true || task.tgid === 1) return -errno.EPERM;
    if (signal > lastSignal) return -errno.EINVAL;
    if (signal === 0) return 0;
    signals.note({ time: current.now, task, signal, thread });
    passed('signal:signal_generate');
    return 0;
  }
  return {
    send_signal: (window) => window.answer(send(window.low(1), false)),
    send_signal_thread: (window) => window.answer(send(window.low(1), true)),
  };
}
