import type { HelperName } from '../uapi/index.ts';
import type { Environment } from './environment.ts';
import type { HelperCall } from './helper-call.ts';
import { pointer, type Register, uninitialised, unknownScalar } from './register.ts';
import { Frame, State } from './state.ts';

/**
 * Functions of the program that a helper calls back: some times before it returns (bpf_loop and its like), or later on
 * its own (a timer). The first are walked like a loop that may end after any round; the second as a path of their own
 * with an empty stack (kernel/bpf/verifier.c: push_callback_call, set_*_callback_state).
 */
export interface CallbackRange {
  readonly min: number;
  readonly max: number;
}

const stopOrGo: CallbackRange = { min: 0, max: 1 };
const onlyZero: CallbackRange = { min: 0, max: 0 };

/** The function that a register points to, as its number among the subprograms. */
export function callbackProgram(register: Register): number {
  return register.frame;
}

export function startCallback(env: Environment, call: HelperCall): void {
  switch (call.name) {
    case 'for_each_map_elem':
      checkMapWalks(env, call);
      pushCallback(env, call.callback, 'for_each_map_elem', stopOrGo, eachElement(call, env.register(3)));
      break;
    case 'find_vma':
      pushCallback(env, call.callback, 'find_vma', stopOrGo, [
        env.register(1),
        env.kernelPointer('vm_area_struct'),
        env.register(4),
      ]);
      break;
    case 'user_ringbuf_drain':
      pushCallback(env, call.callback, 'user_ringbuf_drain', stopOrGo, [constantDynptr(env), env.register(3)]);
      break;
    case 'loop':
      startLoop(env, call);
      break;
    case 'timer_set_callback':
      pushAsync(env, call.callback, 'timer_set_callback', mapArguments(call.map));
      break;
    default:
  }
}

/** Helpers that `startCallback` knows. */
export const callbackHelpers: ReadonlySet<HelperName> = new Set([
  'for_each_map_elem',
  'find_vma',
  'user_ringbuf_drain',
  'loop',
  'timer_set_callback',
] as const);

const walkable: ReadonlySet<string> = new Set([
  'array',
  'percpu_array',
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
]);

function checkMapWalks(env: Environment, call: HelperCall): void {
  const type = call.map?.shape?.type ?? 'unspec';
  if (!walkable.has(type)) env.fail('ENOTSUPP', 'callback function not allowed for map');
}

function eachElement(call: HelperCall, context: Register): Register[] {
  return [...mapArguments(call.map), context];
}

/** The map, and a key and a value of it. */
export function mapArguments(from: Register | undefined): Register[] {
  return (['map', 'mapKey', 'mapValue'] as const).map((kind) => {
    const register = pointer(kind);
    register.shape = from?.shape;
    register.mapUid = from?.mapUid ?? 0;
    return register;
  });
}

function constantDynptr(env: Environment): Register {
  const register = pointer('dynptr');
  register.dynptr = 'local';
  register.isFirstSlot = true;
  register.id = env.freshId();
  return register;
}

function startLoop(env: Environment, call: HelperCall): void {
  const { frame } = env;
  const rounds = env.register(1);
  // A call without flags may be made a plain loop.
  if (env.register(4).isNull) env.needsExact(4);
  env.needsExact(1);
  if (BigInt(frame.callbackDepth) < rounds.scalar.umax) {
    pushCallback(env, call.callback, 'loop', stopOrGo, [unknownScalar, env.register(3)]);
    return;
  }
  frame.callbackDepth = 0;
  if (env.log.full) env.say(`frame${frame.number} bpf_loop iteration limit reached`);
}

const maxFrames = 8;

/** Puts aside the state in which the callback begins; the caller goes on as if it had been called often enough. */
export function pushCallback(
  env: Environment,
  program: number,
  helper: string,
  range: CallbackRange,
  args: readonly Register[],
): void {
  const subprogram = env.subprograms[program];
  if (!subprogram) return;
  const state = env.push(subprogram.start, env.slot);
  if (state.frames.length >= maxFrames)
    env.fail('E2BIG', `the call stack of ${state.frames.length + 1} frames is too deep`);
  const callee = new Frame(env.slot, state.frames.length, program);
  callee.registers = entryRegisters(args, callee.number);
  callee.callback = { helper, ...range };
  state.callbackUnroll++;
  state.frame.callbackDepth++;
  state.frames.push(callee);
  env.frame.callbackDepth = 0;
}

/** Puts aside a path that begins with an empty stack in the callback. */
export function pushAsync(
  env: Environment,
  program: number,
  helper: string,
  args: readonly Register[],
  sleepable = false,
): void {
  const subprogram = env.subprograms[program];
  if (!subprogram) return;
  subprogram.isCallback = true;
  env.asyncCallbacks.add(program);
  const state = new State();
  state.branches = 1;
  state.inSleepable = sleepable;
  const frame = new Frame(-1, 0, program);
  frame.registers = entryRegisters(args, 0);
  frame.callback = { helper, ...onlyZero, isAsync: true, entry: (env.frame.callback?.entry ?? 0) + 1 };
  state.frames.push(frame);
  env.pushState(state, subprogram.start, env.slot);
}

function entryRegisters(args: readonly Register[], frameNumber: number): Register[] {
  const registers: Register[] = new Array(11).fill(uninitialised);
  for (const [index, register] of args.entries()) registers[index + 1] = register;
  const stack = pointer('stack').draft();
  stack.frame = frameNumber;
  registers[10] = stack;
  return registers;
}
