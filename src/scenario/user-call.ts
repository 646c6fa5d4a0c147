/**
 * Calls in user space: a function of a program or library is called, does things, returns. What happens inside of it,
 * system calls and further calls, has it on its user stack.
 */
import { Observable } from 'rxjs';
import type { Nanoseconds } from '../base/index.ts';
import type { Argument, KernelEvent, UserStack } from '../events/index.ts';
import { CallTree, type Inside, playSteps, type Step, spanOfCall } from './call.ts';
import type { Context, Place } from './context.ts';
import { callSite } from './stacks.ts';

export interface UserCallOptions extends Place {
  /** In order, as the registers take them. */
  readonly args?: readonly Argument[];
  /** How long the call takes, ns; the sum of what is nested when absent. */
  readonly takes?: Nanoseconds;
  /** 0 when absent. */
  readonly returns?: Argument;
}

/** What a call holds: further calls, of functions or of the kernel, and moments. */
export type UserNested = UserCall | CallTree | Inside;

export class UserCall extends Observable<KernelEvent> {
  readonly context: Context;
  readonly binary: string;
  readonly function: string;
  readonly options: UserCallOptions;
  readonly nested: readonly UserNested[];
  /** How long it takes, ns. */
  readonly span: Nanoseconds;

  /** @throws InputError for one that is too short for what happens in it */
  constructor(context: Context, binary: string, name: string, options: UserCallOptions, nested: readonly UserNested[]) {
    super((subscriber) => {
      const steps: Step[] = [];
      this.layOut(0, this.context, steps);
      return playSteps(this.context, steps, subscriber);
    });
    this.context = context.on(options);
    this.binary = binary;
    this.function = name;
    this.options = options;
    this.nested = nested;
    this.span = spanOfCall(name, options.takes, innerSpan(nested));
  }

  /** Appends the steps of this call, begun at `begin` by `caller`. */
  layOut(begin: Nanoseconds, caller: Context, steps: Step[]): void {
    const { binary, function: name, options } = this;
    const { stack } = caller;
    const own = caller.on({ userStack: pushUser(caller, `${name}+0x0 [${binary}]`) });
    const inside = caller.on({ userStack: pushUser(caller, `${callSite(name, binary)} [${binary}]`) });
    const share = (this.span - innerSpan(this.nested)) / (this.nested.length + 1);
    steps.push({ offset: begin, stack, make: () => own.userEntry(binary, name, options.args ?? []) });
    let at = begin;
    for (const one of this.nested) {
      at += share;
      layOutNested(one, Math.round(at), inside, steps);
      at += spanOf(one);
    }
    steps.push({ offset: begin + this.span, stack, make: () => own.userExit(binary, name, options.returns ?? 0) });
  }
}

function layOutNested(one: UserNested, begin: Nanoseconds, inside: Context, steps: Step[]): void {
  if (one instanceof UserCall) one.layOut(begin, inside, steps);
  else if (one instanceof CallTree) {
    const { context } = one;
    const { userStack = [] } = inside;
    const own: Step[] = [];
    one.layOut(begin, context.stack, own);
    for (const { offset, stack, make } of own) {
      steps.push({ offset, stack, make: () => make(context.on({ stack, userStack })) });
    }
  } else steps.push({ offset: begin, stack: inside.stack, make: () => one(inside) });
}

function spanOf(one: UserNested): Nanoseconds {
  return one instanceof UserCall || one instanceof CallTree ? one.span : 0;
}

function innerSpan(nested: readonly UserNested[]): Nanoseconds {
  return nested.reduce((sum, one) => sum + spanOf(one), 0);
}

function pushUser(context: Context, frame: string): UserStack {
  return context.world.userStacks.push(context.userStack ?? [], frame);
}
