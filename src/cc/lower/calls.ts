import type { Size } from '../../isa/index.ts';
import { type HelperName, helperByName, helpers } from '../../uapi/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import { helperPrototype } from '../dialect/helper-prototypes.ts';
import { registerOffsets, usdtRegister } from '../dialect/registers.ts';
import type { Value } from '../ir/ir.ts';
import type { Token } from '../preprocess/token.ts';
import type { Expression, FunctionObject } from '../syntax/ast.ts';
import { type CType, isScalar, sizeOf, types } from '../types/types.ts';
import { widthOf } from './expressions.ts';
import type { Frame, Lowering } from './lowering.ts';
import type { OverflowOperation } from './overflow.ts';
import { mostCopied } from './pieces.ts';

/** Calls: of functions (inlined, or bpf-to-bpf), of helpers, of builtins. */
const deepestInlining = 64;
/** More values than this come only of functions that call others many times, and these others … */
const mostValues = 100_000;
const mostCalls = 20_000;

/** @param calls who calls whom, down to the function that is there already */
export function recursion(diagnostics: Diagnostics, at: Token, calls: readonly FunctionObject[]): void {
  const last = calls.at(-1) as FunctionObject;
  const cycle = calls.slice(calls.indexOf(last)).map((one) => one.name);
  const way = cycle.length > 2 ? `: ${cycle.join(' -> ')}` : '';
  diagnostics.error(at, `'${last.name}' calls itself, which BPF cannot${way}`, 'use a loop with a constant bound');
}

export class CallLowering {
  readonly #l: Lowering;
  #calls = 0;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  /** A call of a function of the text; undefined when it gives nothing. @param result where a struct is put */
  call(e: Extract<Expression, { kind: 'call' }>, result?: Value): Value | undefined {
    const { diagnostics, frames } = this.#l;
    const target = e.function;
    if (!target.body) {
      diagnostics.error(e.at, `'${target.name}' has no body here`, 'define it in this text: no other is linked to it');
      return undefined;
    }
    if (frames.some((one) => one.function === target)) {
      recursion(diagnostics, e.at, [...frames.map((one) => one.function), target]);
      return undefined;
    }
    if (frames.length > deepestInlining) {
      diagnostics.error(e.at, `calls nest more than ${deepestInlining} deep`);
      return undefined;
    }
    if (++this.#calls > mostCalls || this.#l.builder.count > mostValues) {
      diagnostics.abandon(
        e.at,
        `what is called in '${frames[0]?.function.name}' becomes too much code`,
        'make a function noinline',
      );
    }
    return target.noinline ? this.#callLocal(e) : this.#inline(e, result);
  }

  /** The address of a function, for a helper that calls it back: it becomes a function of the program's own. */
  address(e: Extract<Expression, { kind: 'function' }>): Value {
    const { builder, diagnostics } = this.#l;
    const target = e.function;
    const wrong = uncallable(target);
    if (wrong) {
      diagnostics.error(e.at, ...wrong);
      return builder.constant(0n, 64);
    }
    this.#l.called.add(target);
    builder.at = e.at;
    return builder.emit('function', 64, [], { callee: target.name });
  }

  #callLocal(e: Extract<Expression, { kind: 'call' }>): Value | undefined {
    const { builder, expressions, diagnostics } = this.#l;
    const target = e.function;
    if (e.args.length > 5 || e.args.some((arg) => !isScalar(arg.type)) || target.returns.kind === 'struct') {
      diagnostics.error(
        e.at,
        'a noinline function takes up to five integers or pointers, and gives one or nothing',
        'pass the address of a struct, or let it be inlined',
      );
      return undefined;
    }
    this.#l.called.add(target);
    const args = e.args.map((arg) => this.#wide(expressions.value(arg), arg.type));
    builder.at = e.at;
    const value = builder.emit('call', 64, args, { callee: target.name });
    if (target.returns.kind === 'void') return undefined;
    return widthOf(target.returns) === 64 ? value : expressions.extend(builder.trunc(value), target.returns);
  }

  #inline(e: Extract<Expression, { kind: 'call' }>, result: Value | undefined): Value | undefined {
    const { builder, expressions } = this.#l;
    const target = e.function;
    // Literals whose address is passed live on behind the call.
    const args = e.args.map((arg) => (isScalar(arg.type) ? expressions.value(arg) : undefined));
    return builder.inScope(() => {
      const returnTo = builder.block();
      const frame: Frame = { function: target, slots: new Map(), labels: new Map(), returnTo, result, loops: [] };
      this.#l.frames.push(frame);
      for (const [i, parameter] of target.parameters.entries()) {
        if (!args[i]) this.#bindStruct(parameter, e.args[i] as Expression);
      }
      // Behind the structs, among which may be a call of this very function.
      for (const [i, parameter] of target.parameters.entries()) {
        const value = args[i];
        if (value) this.bind(parameter, value);
      }
      this.#l.statements.lower(target.body as NonNullable<FunctionObject['body']>);
      builder.goto(returnTo);
      for (const block of frame.labels.values()) builder.seal(block);
      builder.seal(returnTo);
      builder.current = returnTo;
      this.#l.frames.pop();
      builder.at = e.at;
      if (target.returns.kind === 'void' || target.returns.kind === 'struct') return undefined;
      return builder.read(frame, widthOf(target.returns));
    });
  }

  /** Gives a parameter its value, in a register or in memory. */
  bind(parameter: FunctionObject['parameters'][number], value: Value): void {
    const { builder, places } = this.#l;
    if (places.inRegister(parameter)) builder.write(parameter, value);
    else builder.store(places.addressOf(parameter), 0, sizeOf(parameter.type) as Size, value);
  }

  #bindStruct(parameter: FunctionObject['parameters'][number], arg: Expression): void {
    const { builder, places } = this.#l;
    const to = places.memory(builder.stack(places.slotOf(parameter)), parameter.type);
    // The argument's variables are the caller's.
    const own = this.#l.frames.pop() as Frame;
    places.assignAggregate(to, arg);
    this.#l.frames.push(own);
  }

  /** An argument as the 64 bits of a register. */
  #wide(value: Value, type: CType): Value {
    const { builder } = this.#l;
    if (value.width === 64) return value;
    return type.kind === 'int' && type.signed ? builder.sext(value) : builder.zext(value);
  }

  /** A helper by name with arguments that are ready. */
  helper(name: HelperName, args: Value[], width: 32 | 64 = 64): Value {
    const { builder } = this.#l;
    const wide = args.map((arg) => (arg.width === 64 ? arg : builder.zext(arg)));
    const value = builder.emit('helper', 64, wide, { helper: name, imm: helpers[name].id });
    return width === 64 ? value : builder.trunc(value);
  }

  helperCall(e: Extract<Expression, { kind: 'helper' }>): Value {
    const { builder, expressions } = this.#l;
    const name = helperByName(e.name)?.name as HelperName;
    const args = e.args.map((arg) => {
      if (arg.type.kind === 'int' && arg.type.size === 16) return this.#l.wide.value(arg)[0];
      return this.#wide(expressions.value(arg), arg.type);
    });
    builder.at = e.at;
    const { returns } = helperPrototype(name);
    return this.helper(name, args, returns.kind === 'void' || widthOf(returns) === 64 ? 64 : 32);
  }

  builtin(e: Extract<Expression, { kind: 'builtin' }>): Value {
    const { builder, expressions, diagnostics } = this.#l;
    const { name, args } = e;
    const value = (i: number): Value => expressions.value(args[i] as Expression);
    if (/^__(sync|atomic)_/.test(name)) return this.#l.atomics.lower(e);
    if (name.startsWith('absent:')) return builder.emit('call', 64, [], { callee: name });
    if (name.startsWith('overflow:')) return this.#l.overflow.lower(name.slice(9) as OverflowOperation, args);
    switch (name) {
      case '__builtin_memcpy':
      case '__builtin_memmove':
      case '__builtin_memset':
      case '__builtin_memcmp':
        return this.#memory(e);
      case '__builtin_bswap16':
        return builder.swap(value(0), 16);
      case '__builtin_bswap32':
        return builder.swap(value(0), 32);
      case '__builtin_bswap64':
        return builder.swap(value(0), 64);
      case '__builtin_abs': {
        const x = value(0);
        const sign = builder.binary('arsh', x, builder.constant(31n, 32));
        return builder.binary('sub', builder.binary('xor', x, sign), sign);
      }
      case '__builtin_strlen': {
        const text = args[0] as Expression;
        if (text.kind === 'address' && text.base.kind === 'string') {
          return builder.constant(BigInt(text.base.bytes.indexOf(0)), 64);
        }
        diagnostics.error(e.at, 'the length of a text that is not constant', 'read it with bpf_probe_read_kernel_str');
        return builder.constant(0n, 64);
      }
      case '__builtin_trap':
      case '__builtin_unreachable':
        builder.current.end ??= { kind: 'unreachable' };
        return builder.constant(0n, 32);
      case 'bpf_usdt_readarg':
      case 'bpf_usdt_readarg_p':
        return this.#usdt(e);
      case '__builtin_packet':
        return this.#l.packets.packet();
      case 'load_byte':
      case 'load_half':
      case 'load_word': {
        const size = ({ load_byte: 1, load_half: 2, load_word: 4 } as const)[name];
        return builder.emit('packet', 64, [value(0), builder.zext(value(1))], { size });
      }
      default:
        return this.#bits(e);
    }
  }

  /** memcpy, memset and memcmp of a constant size, in words. */
  #memory(e: Extract<Expression, { kind: 'builtin' }>): Value {
    const { builder, expressions, places, diagnostics } = this.#l;
    const [to, from, count] = e.args as [Expression, Expression, Expression];
    const address = expressions.value(to);
    const size = count.kind === 'number' ? Number(count.value) : -1;
    if (size < 0 || size > mostCopied) {
      diagnostics.error(count.at, `${e.name} wants a constant size of up to ${mostCopied} bytes`);
      return address;
    }
    const place = places.memory(address, targetOf(to));
    if (e.name === '__builtin_memset') {
      if (from.kind === 'number') places.fill(place, size, Number(from.value & 0xffn));
      else {
        const byte = expressions.value(from);
        for (let i = 0; i < size; i++) builder.store(address, i, 1, byte);
      }
      return address;
    }
    const source = places.memory(expressions.value(from), targetOf(from));
    if (e.name === '__builtin_memcmp') return this.#compareBytes(address, source.address, size);
    places.copy(place, source, size);
    return address;
  }

  /** Differing bytes from the first on decide; as clang, the difference of the first pair that differs. */
  #compareBytes(a: Value, b: Value, size: number): Value {
    const { builder } = this.#l;
    const join = builder.block();
    const result = {};
    for (let i = 0; i < size; i++) {
      const difference = builder.binary('sub', builder.load(a, i, 1), builder.load(b, i, 1));
      builder.write(result, difference);
      const next = builder.block();
      builder.branch('ne', difference, builder.constant(0n, 32), 32, join, next);
      builder.seal(next);
      builder.current = next;
    }
    builder.write(result, builder.constant(0n, 32));
    builder.goto(join);
    builder.seal(join);
    builder.current = join;
    return builder.read(result, 32);
  }

  /** popcount, parity, ctz, clz, ffs by halves, without a loop or a branch. */
  #bits(e: Extract<Expression, { kind: 'builtin' }>): Value {
    const { builder, expressions } = this.#l;
    const { name } = e;
    const x = expressions.value(e.args[0] as Expression);
    const { width } = x;
    const constant = (n: bigint): Value => builder.constant(n, width);
    const count = (value: Value): Value => {
      const pattern = (byte: string): Value => constant(BigInt(`0x${byte.repeat(8)}`));
      const half = builder.binary('and', builder.binary('rsh', value, constant(1n)), pattern('55'));
      const pairs = builder.binary('sub', value, half);
      const high = builder.binary('and', builder.binary('rsh', pairs, constant(2n)), pattern('33'));
      const nibbles = builder.binary('add', builder.binary('and', pairs, pattern('33')), high);
      const sum = builder.binary('add', nibbles, builder.binary('rsh', nibbles, constant(4n)));
      const bytes = builder.binary('mul', builder.binary('and', sum, pattern('0f')), pattern('01'));
      return builder.binary('rsh', bytes, constant(BigInt(width - 8)));
    };
    const narrow = (value: Value): Value => (value.width === 64 ? builder.trunc(value) : value);
    if (name.includes('popcount')) return narrow(count(x));
    if (name.includes('parity')) return builder.binary('and', narrow(count(x)), builder.constant(1n, 32));
    if (name.includes('clz')) {
      let smeared = x;
      for (let by = 1; by < width; by *= 2) {
        smeared = builder.binary('or', smeared, builder.binary('rsh', smeared, constant(BigInt(by))));
      }
      return narrow(count(builder.binary('xor', smeared, constant(-1n))));
    }
    // The bits below the lowest one that is set: ~x & (x - 1).
    const below = builder.binary(
      'and',
      builder.binary('xor', x, constant(-1n)),
      builder.binary('add', x, constant(-1n)),
    );
    const zeros = narrow(count(below));
    if (name.includes('ctz')) return zeros;
    const some = builder.compare('ne', x, constant(0n));
    return builder.binary('mul', builder.binary('add', zeros, builder.constant(1n, 32)), some);
  }

  /** An argument of the probe, out of where the process's notes say it lies. */
  #usdt(e: Extract<Expression, { kind: 'builtin' }>): Value {
    const { builder, expressions, diagnostics, frames } = this.#l;
    const [index, context, to, length] = e.args as [Expression, Expression, Expression, Expression | undefined];
    const program = frames[0]?.function.name ?? '';
    const argument = index.kind === 'number' ? this.#l.usdtArgument(program, Number(index.value)) : undefined;
    if (!argument) {
      diagnostics.error(index.at, 'the probe has no such argument');
      return builder.constant(0n, 32);
    }
    const value = this.#usdtValue(argument, expressions.value(context), e);
    if (e.name === 'bpf_usdt_readarg_p') {
      const size = expressions.value(length as Expression);
      return this.helper('probe_read_user', [expressions.value(to), size, value], 32);
    }
    const target = targetOf(to);
    const size = Math.min(8, sizeOf(target) || 8) as Size;
    const stored = size === 8 ? value : builder.trunc(value);
    builder.store(expressions.value(to), 0, size, stored);
    return builder.constant(0n, 32);
  }

  #usdtValue(
    argument: NonNullable<ReturnType<Lowering['usdtArgument']>>,
    context: Value,
    e: Extract<Expression, { kind: 'builtin' }>,
  ): Value {
    const { builder, expressions, diagnostics } = this.#l;
    if (argument.constant !== undefined) return builder.constant(argument.constant, 64);
    const register = usdtRegister(argument.register ?? '');
    if (!register) {
      diagnostics.error(e.at, `the probe's argument lies in '${argument.register ?? ''}', which is no register`);
      return builder.constant(0n, 64);
    }
    let value = builder.load(context, registerOffsets[register], 8);
    const type = [
      types.schar,
      types.short,
      types.int,
      types.long,
      types.uchar,
      types.ushort,
      types.uint,
      types.ulong,
    ].find((one) => one.size === argument.size && one.signed === argument.signed) as CType;
    if (argument.memory !== undefined) {
      const slot = builder.slot('', 8, 8);
      const address = builder.binary('add', value, builder.constant(BigInt(argument.memory), 64));
      this.helper('probe_read_user', [builder.stack(slot), builder.constant(BigInt(argument.size), 64), address]);
      const read = builder.load(builder.stack(slot), 0, argument.size);
      value = read.width === 64 ? read : this.#wide(expressions.extend(read, type), type);
      return value;
    }
    return argument.size === 8 ? value : this.#wide(expressions.extend(builder.trunc(value), type), type);
  }
}

/** Why a function cannot be called back by the kernel. */
function uncallable(target: FunctionObject): [message: string, hint: string] | undefined {
  const { name } = target;
  if (!target.body) return [`'${name}' has no body here`, 'define it in this text: no other is linked to it'];
  if (!target.static) return [`the kernel calls no '${name}' back that is not static`, "put 'static' before it"];
  const plain = target.parameters.length <= 5 && target.parameters.every((one) => isScalar(one.type));
  if (plain && target.returns.kind !== 'struct') return undefined;
  return [`'${name}' takes or gives what fits no register`, 'a callback takes up to five integers or pointers'];
}

/** What a pointer expression points to; through casts to void, what it pointed to before. */
export function targetOf(pointer: Expression): CType {
  if (pointer.type.kind === 'pointer' && pointer.type.target.kind !== 'void') return pointer.type.target;
  if (pointer.kind === 'cast') return targetOf(pointer.base);
  return types.char;
}
