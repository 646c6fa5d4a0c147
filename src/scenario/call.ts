/**
 * Call trees: a function call, what it calls, and how long each takes. A tree is laid out once as a flat list of
 * steps with their offsets, and played by one scheduled action that walks it.
 */
import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';
import { formatDuration, InputError, type Nanoseconds } from '../base/index.ts';
import type { Argument, Arguments, KernelEvent, KernelStack, Task } from '../events/index.ts';
import type { Context, Place } from './context.ts';
import { callSite } from './stacks.ts';

export interface CallOptions extends Place {
  /** How long the call takes, ns; the sum of what is nested when absent. */
  readonly takes?: Nanoseconds;
  /** 0 when absent. */
  readonly returns?: Argument;
  /** The task that it returns in, where it became another on the way: execve(2). The caller's when absent. */
  readonly returnsIn?: Task;
  /** When nested: how long after what came before, ns; when absent the caller's own time is spread evenly. */
  readonly after?: Nanoseconds;
}

/** What happens at one moment inside a call: given the context there, the events. */
export type Inside = (inside: Context) => KernelEvent | readonly KernelEvent[];

/** What a call holds: further calls, and moments. */
export type Nested = CallTree | Inside;

/** One step of a laid out tree: what happens `offset` ns after the tree began. */
export interface Step {
  readonly offset: Nanoseconds;
  /** The calls that it happens in. */
  readonly stack: KernelStack;
  readonly make: Inside;
}

export class CallTree extends Observable<KernelEvent> {
  readonly context: Context;
  readonly function: string;
  readonly args: Arguments;
  readonly options: CallOptions;
  readonly nested: readonly Nested[];

  /** How long it takes, ns. */
  readonly span: Nanoseconds;

  constructor(context: Context, name: string, args: Arguments, options: CallOptions, nested: readonly Nested[]) {
    super((subscriber) => playSteps(this.context, this.steps(), subscriber));
    this.context = context.on(options);
    this.function = name;
    this.args = args;
    this.options = options;
    this.nested = nested;
    this.span = spanOfCall(name, options.takes, innerSpan(nested));
  }

  /** The steps of a call by itself, on its context's stack. */
  steps(): Step[] {
    const steps: Step[] = [];
    this.layOut(0, this.context.stack, steps);
    return steps;
  }

  /** Appends the steps of this call, begun at `begin` on the stack `below`. */
  layOut(begin: Nanoseconds, below: KernelStack, steps: Step[]): void {
    const { stacks } = this.context.world;
    const { function: name, args, options } = this;
    const returns = options.returns ?? 0;
    steps.push({ offset: begin, stack: below, make: (inside) => inside.entry(name, args) });
    const own = this.span - innerSpan(this.nested);
    const share = own / (this.nested.filter((one) => afterOf(one) === undefined).length + 1);
    let at = begin;
    for (const one of this.nested) {
      at += afterOf(one) ?? share;
      const callee = one instanceof CallTree ? one.function : 'trace';
      const stack = stacks.push(below, callSite(name, callee));
      if (one instanceof CallTree) {
        one.layOut(Math.round(at), stack, steps);
        at += one.span;
      } else {
        steps.push({ offset: Math.round(at), stack, make: one });
      }
    }
    steps.push({
      offset: begin + this.span,
      stack: below,
      make: (inside) => returning(inside, options).exit(name, returns),
    });
  }
}

/** Where a call returns. */
export function returning(inside: Context, { returnsIn }: CallOptions): Context {
  return returnsIn === undefined ? inside : inside.on({ task: returnsIn });
}

function afterOf(nested: Nested): Nanoseconds | undefined {
  return nested instanceof CallTree ? nested.options.after : undefined;
}

/** What nested calls take together, with the gaps that they ask for. */
function innerSpan(nested: readonly Nested[]): Nanoseconds {
  return nested.reduce((sum, one) => sum + (one instanceof CallTree ? one.span + (one.options.after ?? 0) : 0), 0);
}

/**
 * How long a call takes of which that is said, or not, and in which `inner` passes, ns.
 * @throws InputError for one that is too short for what happens in it
 */
export function spanOfCall(name: string, takes: Nanoseconds | undefined, inner: Nanoseconds): Nanoseconds {
  const span = takes ?? inner;
  if (span >= inner && Number.isFinite(span)) return span;
  throw new InputError(`${name} takes ${formatDuration(span)}, what it calls takes ${formatDuration(inner)}`, {
    hint: 'a call lasts at least as long as what happens in it',
  });
}

/** Plays steps from now on: all of one moment at once, then waits for the next. */
export function playSteps(
  context: Context,
  steps: readonly Step[],
  subscriber: Subscriber<KernelEvent>,
): TeardownLogic {
  const { scheduler } = context.world;
  const begin = scheduler.now();
  let index = 0;
  return scheduler.schedule(function () {
    const elapsed = scheduler.now() - begin;
    for (; index < steps.length && steps[index]!.offset <= elapsed; index++) {
      const step = steps[index]!;
      const made = step.make(context.on({ stack: step.stack }));
      if (Array.isArray(made)) for (const event of made) subscriber.next(event);
      else subscriber.next(made as KernelEvent);
    }
    if (index < steps.length) this.schedule(undefined, steps[index]!.offset - elapsed);
    else subscriber.complete();
  });
}
