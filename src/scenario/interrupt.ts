/** What happens on a CPU on behalf of nobody: interrupts and kernel workers, one after the other on each. */
import type { Observable } from 'rxjs';
import type { Nanoseconds } from '../base/index.ts';
import type { KernelEvent } from '../events/index.ts';
import type { CallTree } from './call.ts';
import type { Script } from './script.ts';

/** In `delay` ns there is work for a CPU, that of the call's context: made and begun when it has nothing else in hand. */
export function interrupt(script: Script, delay: Nanoseconds, make: () => CallTree): Observable<KernelEvent> {
  return script.after(delay, () => {
    const tree = make();
    const { world, cpu } = tree.context;
    // A moment between two, so that the last event of one and the first of the next are not of one time.
    const wait = world.interrupt(cpu, tree.span + 1);
    return wait === 0 ? tree : script.after(wait, tree);
  });
}
