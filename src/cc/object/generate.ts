import type { Btf } from '../../btf/index.ts';
import { encode, type InstructionBody, slotsOf } from '../../isa/index.ts';
import type { FunctionInfo, LineInfo, ProgramSpec, Relocation } from '../../object/index.ts';
import { limits } from '../../uapi/index.ts';
import { allocateRegisters } from '../codegen/allocate.ts';
import { type Emitted, emitFunction } from '../codegen/emit.ts';
import { layOutFrame } from '../codegen/frame.ts';
import { selectInstructions } from '../codegen/select.ts';
import type { Diagnostics } from '../diagnostics.ts';
import { callbackOf } from '../dialect/callbacks.ts';
import type { ProgramKind } from '../dialect/programs.ts';
import { argumentRegisters, registerOffsets, syscallRegisters } from '../dialect/registers.ts';
import { typedPointers } from '../dialect/typed-arguments.ts';
import { Builder } from '../ir/builder.ts';
import { countUses, type FrameScope, type IrFunction, resolve, type Value } from '../ir/ir.ts';
import { optimise } from '../ir/optimise.ts';
import { type Provenance, type ProvenanceOptions, provenanceOf } from '../ir/provenance.ts';
import { AggregateLowering } from '../lower/aggregates.ts';
import { AtomicLowering } from '../lower/atomics.ts';
import { CallLowering, recursion } from '../lower/calls.ts';
import { ExpressionLowering } from '../lower/expressions.ts';
import { LoopLowering } from '../lower/loops.ts';
import { type Frame, Lowering } from '../lower/lowering.ts';
import { OverflowLowering } from '../lower/overflow.ts';
import { PacketLowering } from '../lower/packets.ts';
import { PlaceLowering } from '../lower/places.ts';
import { StatementLowering } from '../lower/statements.ts';
import { TableLowering } from '../lower/tables.ts';
import { WideLowering } from '../lower/wide.ts';
import { askedBy, positionNear, positionOf, type Token } from '../preprocess/token.ts';
import type { FunctionObject } from '../syntax/ast.ts';
import { isScalar, types } from '../types/types.ts';
import type { DataSections } from './data.ts';
import type { ObjectTypes } from './object-types.ts';

/** One program: its function and the noinline ones that it calls, to the code of a ProgramSpec. */
export interface GenerateOptions {
  readonly diagnostics: Diagnostics;
  readonly data: DataSections;
  readonly usdtArgument: Lowering['usdtArgument'];
  readonly objectTypes: ObjectTypes;
  /** The types of the kernel. */
  readonly kernel: Btf;
}

const packetTypes: ReadonlySet<string> = new Set([
  'socket_filter',
  'sched_cls',
  'sched_act',
  'xdp',
  'cgroup_skb',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'sk_skb',
  'sk_msg',
]);

export function generateProgram(f: FunctionObject, kind: ProgramKind, options: GenerateOptions): ProgramSpec {
  const origin: ProvenanceOptions = {
    packets: packetTypes.has(kind.type),
    anyWidth: kind.type === 'kprobe' || kind.type === 'tracepoint',
    program: true,
    typed: typedPointers(options.kernel, kind, f),
  };
  const parts: Emitted[] = [];
  const starts = new Map<string, number>();
  const functions: FunctionInfo[] = [];
  let slot = 0;
  for (const [next, { emitted }] of generateAll(f, kind, origin, options)) {
    const own = next === f;
    starts.set(next.name, slot);
    const type = own ? options.objectTypes.program(next) : options.objectTypes.function(next);
    functions.push({ slot, name: next.name, type });
    parts.push(emitted);
    slot += emitted.slots;
  }
  return { ...join(f.name, kind, parts, starts, functions), at: positionOf(askedBy(f.at)) };
}

/**
 * The program's function and those that it calls, each once. What a called function's pointers are is known from its
 * callers; it is made again when a later one disagrees with what was taken to be so.
 */
function generateAll(
  f: FunctionObject,
  kind: ProgramKind,
  origin: ProvenanceOptions,
  options: GenerateOptions,
): Map<FunctionObject, Generated> {
  const made = new Map<FunctionObject, Generated>();
  const taken = new Map<FunctionObject, Provenance[]>();
  const pending: FunctionObject[] = [f];
  for (let next = pending.shift(); next; next = pending.shift()) {
    const own = next === f;
    const parameters = taken.get(next) ?? [];
    const result = generateFunction(next, own ? kind : undefined, { ...origin, program: own, parameters }, options);
    made.set(next, result);
    for (const [callee, args] of result.calls) {
      const known = taken.get(callee);
      const agreed = known ? args.map((one, i) => (one === known[i] ? one : 'unknown')) : args;
      taken.set(callee, agreed);
      if (agreed.join() !== known?.join() && !pending.includes(callee)) pending.push(callee);
    }
  }
  checkNoCycle(f, made, options.diagnostics);
  return made;
}

/** @param sound functions whose calls lead to no cycle: many ways may lead to each */
function checkNoCycle(
  f: FunctionObject,
  made: ReadonlyMap<FunctionObject, Generated>,
  diagnostics: Diagnostics,
  callers: readonly FunctionObject[] = [],
  sound = new Set<FunctionObject>(),
): void {
  if (sound.has(f)) return;
  if (callers.includes(f)) {
    recursion(diagnostics, f.at, [...callers, f]);
    return;
  }
  for (const callee of made.get(f)?.calls.keys() ?? []) checkNoCycle(callee, made, diagnostics, [...callers, f], sound);
  sound.add(f);
}

interface Generated {
  readonly emitted: Emitted;
  /** The functions that it calls, and what their arguments are. */
  readonly calls: ReadonlyMap<FunctionObject, Provenance[]>;
}

function callsOf(ir: IrFunction, called: ReadonlySet<FunctionObject>, origin: ProvenanceOptions): Generated['calls'] {
  if (called.size === 0) return new Map();
  const byName = new Map([...called].map((one) => [one.name, one] as const));
  const calls = new Map<FunctionObject, Provenance[]>();
  const note = (name: string | undefined, args: readonly Provenance[]): void => {
    const callee = byName.get(name ?? '');
    if (!callee) return;
    const known = calls.get(callee);
    calls.set(callee, known ? known.map((one, i) => (one === args[i] ? one : 'unknown')) : [...args]);
  };
  countUses(ir);
  /** How often an address of a function goes to a helper at once: of others nobody knows who calls them with what. */
  const handedOver = new Map<Value, number>();
  for (const block of ir.blocks) {
    for (const value of block.values) {
      if (value.op === 'call') {
        note(
          value.callee,
          value.args.map((arg) => provenanceOf(arg, origin)),
        );
      }
      const callback = value.helper && callbackOf(value.helper);
      if (!callback) continue;
      const target = resolve(value.args[callback.at] as Value);
      if (target.op !== 'function') continue;
      handedOver.set(target, (handedOver.get(target) ?? 0) + 1);
      const args = callback.gets.map((one) =>
        typeof one === 'number' ? provenanceOf(value.args[one] as Value, origin) : one,
      );
      note(target.callee, args);
    }
  }
  for (const block of ir.blocks) {
    for (const value of block.values) {
      const callee = value.op === 'function' && value.uses > (handedOver.get(value) ?? 0);
      if (callee)
        note(
          value.callee,
          (byName.get(value.callee ?? '')?.parameters ?? []).map(() => 'unknown'),
        );
    }
  }
  return calls;
}

function join(
  name: string,
  kind: ProgramKind,
  parts: readonly Emitted[],
  starts: ReadonlyMap<string, number>,
  functions: readonly FunctionInfo[],
): ProgramSpec {
  const code: InstructionBody[] = [];
  const relocations: Relocation[] = [];
  const lines: LineInfo[] = [];
  let start = 0;
  for (const part of parts) {
    const before = code.length;
    for (const body of part.instructions) code.push(body);
    for (const { slot, map, offset } of part.relocations) {
      relocations.push({ slot: start + slot, map, ...(offset === undefined ? {} : { offset }) });
    }
    for (const { index, slot, callee } of part.calls) {
      const target = starts.get(callee);
      const body = code[before + index] as InstructionBody;
      if ((body.kind !== 'call' && body.kind !== 'loadImm64') || target === undefined) continue;
      code[before + index] = { ...body, imm: target - (start + slot) - 1 };
    }
    noteLines(part, start, lines);
    start += part.slots;
  }
  return { name, type: kind.type, section: kind.section, code: encode(code), relocations, lines, functions };
}

/** Adds where a function's instructions come from, line and column, as clang does. */
function noteLines({ instructions, at }: Emitted, start: number, lines: LineInfo[]): void {
  let slot = start;
  let last: Token | undefined;
  for (let i = 0; i < instructions.length; i++) {
    const token = at[i] as Token | undefined;
    const asked = token && askedBy(token);
    if (asked && (!last || asked.offset !== last.offset || asked.file !== last.file)) {
      lines.push({ slot, at: last ? positionNear(asked, last, (lines.at(-1) as LineInfo).at) : positionOf(asked) });
      last = asked;
    }
    slot += slotsOf(instructions[i] as InstructionBody);
  }
}

function generateFunction(
  f: FunctionObject,
  kind: ProgramKind | undefined,
  origin: ProvenanceOptions,
  options: GenerateOptions,
): Generated {
  const { diagnostics } = options;
  const builder = new Builder(f.at);
  const lowering = new Lowering(builder, diagnostics, options.data, origin, options.usdtArgument);
  lowering.expressions = new ExpressionLowering(lowering);
  lowering.aggregates = new AggregateLowering(lowering);
  lowering.places = new PlaceLowering(lowering);
  lowering.calls = new CallLowering(lowering);
  lowering.statements = new StatementLowering(lowering);
  lowering.loops = new LoopLowering(lowering);
  lowering.tables = new TableLowering(lowering);
  lowering.wide = new WideLowering(lowering);
  lowering.overflow = new OverflowLowering(lowering, lowering.wide);
  lowering.atomics = new AtomicLowering(lowering);
  lowering.packets = new PacketLowering(lowering);
  const frame: Frame = {
    function: f,
    slots: new Map(),
    labels: new Map(),
    returnTo: undefined,
    result: undefined,
    loops: [],
  };
  lowering.frames.push(frame);
  bindParameters(lowering, f, kind);
  if (f.body) lowering.statements.lower(f.body);
  if (!builder.current.end) {
    builder.current.end = { kind: 'return', value: builder.constant(0n, 32), at: f.at };
  }
  for (const block of frame.labels.values()) builder.seal(block);
  const ir: IrFunction = {
    name: f.name,
    entry: builder.entry,
    blocks: builder.blocks,
    frame: builder.frame,
    parameters: f.parameters.length,
  };
  const empty: Emitted = { instructions: [], at: [], slots: 0, relocations: [], calls: [] };
  if (diagnostics.failed) return { emitted: empty, calls: new Map() };
  optimise(ir, origin);
  if (namesAbsent(ir, diagnostics)) return { emitted: empty, calls: new Map() };
  let machine = selectInstructions(ir, layOutFrame(ir, true));
  allocateRegisters(machine);
  // A function and its caller share the stack.
  const shares = f.noinline || lowering.called.size > 0;
  if (machine.frame > (shares ? limits.stack / 2 : limits.stack)) {
    machine = selectInstructions(ir, layOutFrame(ir, false));
    allocateRegisters(machine);
  }
  if (machine.frame > limits.stack) {
    const largest = largestSlots(ir.frame).map(({ name, size }) => `'${name}' ${size}`);
    const which = largest.length === 0 ? '' : `; the largest variables: ${largest.join(', ')}`;
    diagnostics.error(
      f.at,
      `'${f.name}' takes ${machine.frame} bytes of stack, and BPF has ${limits.stack}${which}`,
      'keep large structs in a BPF_PERCPU_ARRAY of one entry',
    );
    return { emitted: empty, calls: new Map() };
  }
  return { emitted: emitFunction(machine), calls: callsOf(ir, lowering.called, origin) };
}

/** Whether the program reaches what this kernel has not; told. What no path leads to is gone by now. */
function namesAbsent(ir: IrFunction, diagnostics: Diagnostics): boolean {
  let some = false;
  for (const { values } of ir.blocks) {
    for (const { op, callee, at } of values) {
      const absent = op === 'call' && callee?.startsWith('absent:') ? callee.slice('absent:'.length) : undefined;
      if (absent === undefined) continue;
      some = true;
      diagnostics.error(at, `the kernel has no ${absent}`, 'ask bpf_core_field_exists() before');
    }
  }
  return some;
}

/** The three variables that take most of the stack. */
function largestSlots(scope: FrameScope): { name: string; size: number }[] {
  const all = (one: FrameScope): { name: string; size: number }[] => [...one.slots, ...one.inner.flatMap(all)];
  const named = all(scope).filter(({ name }) => name !== '');
  return named.sort((a, b) => b.size - a.size).slice(0, 3);
}

function registersOf({ parameters }: ProgramKind): readonly (keyof typeof registerOffsets)[] {
  if (parameters === 'result') return ['ax'];
  return parameters === 'syscall' ? syscallRegisters : argumentRegisters;
}

/** The first parameter is the context; what the others are, the kind of program says. */
function bindParameters(l: Lowering, f: FunctionObject, kind: ProgramKind | undefined): void {
  const { builder, calls, diagnostics } = l;
  const parameter = (index: number): ReturnType<Builder['emit']> => builder.emit('parameter', 64, [], { imm: index });
  if (!kind) {
    for (const [i, one] of f.parameters.entries()) {
      if (isScalar(one.type)) calls.bind(one, l.expressions.convert(parameter(i), types.ulong, one.type));
    }
    return;
  }
  const [context, ...others] = f.parameters;
  if (!context) return;
  const start = parameter(0);
  calls.bind(context, start);
  if (others.length === 0) return;
  if (kind.parameters === 'none') {
    diagnostics.error(others[0]?.at as Token, `a ${kind.type} program has its context alone as parameter`);
    return;
  }
  const registers = registersOf(kind);
  const inner = kind.parameters === 'syscall' ? builder.load(start, registerOffsets.di, 8) : undefined;
  for (const [i, one] of others.entries()) {
    if (!one.used) continue;
    builder.at = one.at;
    if (!isScalar(one.type)) {
      diagnostics.error(one.at, 'a parameter that is no integer or pointer does not come in a register');
      continue;
    }
    const register = registers[i];
    if (kind.parameters !== 'array' && !register) {
      diagnostics.error(one.at, `only the first ${registers.length} arguments come in registers`);
      continue;
    }
    const offset = kind.parameters === 'array' ? i * 8 : registerOffsets[register as keyof typeof registerOffsets];
    const value = builder.load(inner ?? start, offset, 8);
    calls.bind(one, l.expressions.convert(value, types.ulong, one.type));
  }
}
