import { forgetCallerSaved } from './calls.ts';
import type { Environment } from './environment.ts';
import { pointer, type Register } from './register.ts';
import { s64Max, s64Min } from './scalar.ts';
import { Frame } from './state.ts';
import { widenSince } from './widening.ts';

/** Calls of the program's own functions, and the way back (kernel/bpf/verifier.c: check_func_call, prepare_func_exit). */
const maxFrames = 8;

export function callLocal(env: Environment): void {
  const { state, slot } = env;
  const target = slot + 1 + (env.slots.imm[slot] as number);
  if (state.frames.length >= maxFrames)
    env.fail('E2BIG', `the call stack of ${state.frames.length + 1} frames is too deep`);
  const caller = state.frame;
  const callee = new Frame(slot, state.frames.length, env.subprogramAt(target));
  for (let number = 1; number <= 5; number++) callee.registers[number] = caller.register(number);
  callee.registers[10] = pointer('stack').draft();
  (callee.registers[10] as Register).frame = callee.number;
  forgetCallerSaved(env);
  state.frames.push(callee);
  env.slot = target;
  if (!env.log.detailed) return;
  env.say('caller:');
  env.sayFrame(callee.number - 1);
  env.say('callee:');
  env.sayFrame(callee.number);
  env.scratchAll();
}

/** Leaves a function: its r0 goes to the caller, that of a callback to the helper, which may call it again. */
export function returnLocal(env: Environment): void {
  const { state } = env;
  const callee = state.frame;
  const result = callee.register(0);
  if (result.kind === 'stack') env.fail('EINVAL', 'cannot return stack pointer to the caller');
  const isCallback = callee.callback !== undefined;
  if (isCallback) checkCallbackResult(env, result, callee.callback as NonNullable<Frame['callback']>);
  state.frames.pop();
  if (!isCallback) state.frame.registers[0] = result;
  env.slot = isCallback ? callee.callSite : callee.callSite + 1;
  if (env.log.detailed) {
    env.say('returning from callee:');
    state.frames.push(callee);
    env.sayFrame(callee.number);
    state.frames.pop();
    env.say(`to caller at ${env.slot}:`);
    env.sayFrame(state.depth);
  }
  if (isCallback) widenSince(env, callee.callSite);
}

/** The helper goes by what a callback returns. */
function checkCallbackResult(
  env: Environment,
  result: Register,
  range: { readonly min: number; readonly max: number },
): void {
  if (!result.isScalar) env.fail('EACCES', 'R0 not a scalar value');
  env.needsExact(0);
  checkScalarRange(env, result, range, 'At callback return', 'R0');
}

/** Refuses a number that may lie outside of a range, in the words of verbose_invalid_scalar. */
export function checkScalarRange(
  env: Environment,
  result: Register,
  range: { readonly min: number; readonly max: number },
  when: string,
  name: string,
): void {
  const { smin, smax } = result.scalar;
  if (smin >= BigInt(range.min) && smax <= BigInt(range.max)) return;
  const known = `${smin > s64Min ? ` smin=${smin}` : ''}${smax < s64Max ? ` smax=${smax}` : ''}`;
  env.fail(
    'EINVAL',
    `${when} the register ${name} has${known === '' ? ' unknown scalar value' : known} should have been in [${range.min}, ${range.max}]`,
  );
}
