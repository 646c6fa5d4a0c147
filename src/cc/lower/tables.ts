import { currentCpu, updateFlags } from '../../uapi/index.ts';
import { resolve, type Value } from '../ir/ir.ts';
import type { Expression, TableObject } from '../syntax/ast.ts';
import { alignOf, isAggregate, isScalar, printCType, sizeOf, types } from '../types/types.ts';
import type { Lowering } from './lowering.ts';

/** A table's methods as helper calls, the way BCC rewrites them. */
type Method = Extract<Expression, { kind: 'method' }>;

export class TableLowering {
  readonly #l: Lowering;

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  method(e: Method): Value {
    const { builder, calls } = this.#l;
    const { table } = e;
    const map = (): Value => builder.map(table);
    const value = (i: number): Value => this.#argument(e.args[i] as Expression);
    const constant = (n: number | bigint): Value => builder.constant(BigInt(n), 64);
    const int = (name: Parameters<typeof calls.helper>[0], ...args: Value[]): Value => calls.helper(name, args, 32);
    switch (e.method) {
      case 'lookup':
        return calls.helper('map_lookup_elem', [map(), value(0)]);
      case 'lookup_or_try_init':
      case 'lookup_or_init':
        return this.#lookupOrInit(e);
      case 'update':
        return int('map_update_elem', map(), value(0), value(1), constant(updateFlags.any));
      case 'insert':
        return int('map_update_elem', map(), value(0), value(1), constant(updateFlags.noExist));
      case 'delete':
        return int('map_delete_elem', map(), value(0));
      case 'increment':
      case 'atomic_increment':
        return this.#increment(e);
      case 'get_stackid':
        return int('get_stackid', value(0), map(), value(1));
      case 'perf_submit':
        return int('perf_event_output', value(0), map(), constant(currentCpu), value(1), value(2));
      case 'perf_submit_skb': {
        const length = builder.binary('lsh', value(1), constant(32));
        const flags = builder.binary('or', length, constant(currentCpu));
        return int('perf_event_output', value(0), map(), flags, value(2), value(3));
      }
      case 'perf_read':
        return calls.helper('perf_event_read', [map(), value(0)]);
      case 'perf_counter_value':
        return int('perf_event_read_value', map(), value(0), value(1), value(2));
      case 'ringbuf_output':
        return int('ringbuf_output', map(), value(0), value(1), value(2));
      case 'ringbuf_reserve':
        return calls.helper('ringbuf_reserve', [map(), value(0), constant(0)]);
      case 'ringbuf_submit':
        return calls.helper('ringbuf_submit', [value(0), value(1)]);
      case 'ringbuf_discard':
        return calls.helper('ringbuf_discard', [value(0), value(1)]);
      case 'ringbuf_query':
        return calls.helper('ringbuf_query', [map(), value(0)]);
      case 'push':
        return int('map_push_elem', map(), value(0), value(1));
      case 'pop':
        return int('map_pop_elem', map(), value(0));
      case 'peek':
        return int('map_peek_elem', map(), value(0));
      case 'call':
        return calls.helper('tail_call', [value(0), map(), value(1)]);
      case 'redirect_map':
        return int('redirect_map', map(), value(0), value(1));
      case 'check_current_task':
        return int('current_task_under_cgroup', map(), value(0));
      case 'sk_storage_get':
      case 'task_storage_get':
      case 'inode_storage_get':
        return calls.helper(e.method, [map(), value(0), value(1), value(2)]);
      case 'get_local_storage':
        return calls.helper('get_local_storage', [map(), value(0)]);
      case 'sk_storage_delete':
      case 'task_storage_delete':
      case 'inode_storage_delete':
        return int(e.method, map(), value(0));
      case 'sock_map_update':
      case 'sock_hash_update':
      case 'msg_redirect_map':
      case 'msg_redirect_hash':
      case 'sk_redirect_map':
      case 'sk_redirect_hash':
        return int(e.method, value(0), map(), value(1), value(2));
      default:
        throw new Error(`the table method ${e.method} is not lowered`);
    }
  }

  #argument(e: Expression): Value {
    const { builder, expressions } = this.#l;
    if (isAggregate(e.type)) {
      this.#l.diagnostics.error(
        e.at,
        `a table's method takes the address of a '${printCType(e.type)}'`,
        'put & before it',
      );
      return builder.constant(0n, 64);
    }
    const value = expressions.value(e);
    if (value.width === 64) return value;
    return e.type.kind === 'int' && e.type.signed ? builder.sext(value) : builder.zext(value);
  }

  /** Looks a key up; when it is missing, puts the value in, and looks again. */
  #lookupOrInit(e: Method): Value {
    const { builder, calls } = this.#l;
    const [key, initial] = e.args.map((arg) => this.#argument(arg)) as [Value, Value];
    const result = {};
    const missing = builder.block();
    const join = builder.block();
    const zero = builder.constant(0n, 64);
    const first = calls.helper('map_lookup_elem', [builder.map(e.table), key]);
    builder.write(result, first);
    builder.branch('ne', first, zero, 64, join, missing);
    builder.seal(missing);
    builder.current = missing;
    calls.helper('map_update_elem', [
      builder.map(e.table),
      key,
      initial,
      builder.constant(BigInt(updateFlags.noExist), 64),
    ]);
    const again = calls.helper('map_lookup_elem', [builder.map(e.table), key]);
    builder.write(result, again);
    if (e.method === 'lookup_or_init') this.#returnWhenMissing(again);
    builder.goto(join);
    builder.seal(join);
    builder.current = join;
    return builder.read(result, 64);
  }

  /** lookup_or_init returns from the function when there is no room. */
  #returnWhenMissing(value: Value): void {
    const { builder, frame } = this.#l;
    const leave = builder.block();
    const stay = builder.block();
    builder.branch('eq', value, builder.constant(0n, 64), 64, leave, stay);
    builder.seal(leave);
    builder.seal(stay);
    builder.current = leave;
    if (frame.returnTo) {
      builder.write(frame, builder.constant(0n, sizeOf(frame.function.returns) === 8 ? 64 : 32));
      builder.goto(frame.returnTo);
    } else leave.end = { kind: 'return', value: builder.constant(0n, 32), at: builder.at };
    builder.current = stay;
  }

  /** Adds to the leaf of a key; in a hash, makes it when it is missing. */
  #increment(e: Method): Value {
    const { builder, calls, expressions } = this.#l;
    const { table } = e;
    const zero = builder.constant(0n, 64);
    const leaf = table.leaf ?? types.ullong;
    if (!isScalar(leaf) || sizeOf(leaf) < 4) {
      this.#l.diagnostics.error(e.at, `the leaf of '${table.name}' is no number to add to`);
      return zero;
    }
    const size = sizeOf(leaf) as 4 | 8;
    const by = e.args[1]
      ? expressions.convert(expressions.value(e.args[1]), e.args[1].type, leaf)
      : builder.constant(1n, size === 8 ? 64 : 32);
    const key = this.#keyAddress(e.args[0] as Expression, table);
    const found = calls.helper('map_lookup_elem', [builder.map(table), key]);
    const there = builder.block();
    const join = builder.block();
    const missing = table.mapType === 'hash' ? builder.block() : join;
    builder.branch('ne', found, zero, 64, there, missing);
    builder.seal(there);
    builder.current = there;
    if (e.method === 'atomic_increment') builder.emit('atomic', by.width, [found, by], { atomic: 'fetchAdd', size });
    else builder.store(found, 0, size, builder.binary('add', builder.load(found, 0, size), by));
    builder.goto(join);
    if (missing !== join) {
      builder.seal(missing);
      builder.current = missing;
      const slot = builder.slot('', size, size);
      builder.store(builder.stack(slot), 0, size, by);
      const flags = builder.constant(BigInt(updateFlags.noExist), 64);
      calls.helper('map_update_elem', [builder.map(table), key, builder.stack(slot), flags]);
      builder.goto(join);
    }
    builder.seal(join);
    builder.current = join;
    return zero;
  }

  /** A key that is given by value, in memory. */
  #keyAddress(key: Expression, table: TableObject): Value {
    const { builder, places, expressions } = this.#l;
    const type = table.key ?? types.int;
    if (key.type.kind === 'struct' || isAggregate(type)) {
      if (sizeOf(key.type) !== sizeOf(type)) {
        this.#l.diagnostics.error(key.at, `the key is a '${printCType(type)}', not a '${printCType(key.type)}'`);
      }
      const place = places.memoryPlace(key);
      if (resolve(place.address).op === 'stack') return places.pointer(place);
      const slot = builder.slot('', sizeOf(type), alignOf(type));
      const copy = places.memory(builder.stack(slot), type);
      places.copy(copy, place, sizeOf(type));
      return places.pointer(copy);
    }
    if (key.kind === 'variable' && !places.inRegister(key.variable) && !key.variable.global) {
      if (sizeOf(key.type) === sizeOf(type)) return places.addressOf(key.variable);
    }
    const slot = builder.slot('', sizeOf(type), alignOf(type));
    const value = expressions.convert(expressions.value(key), key.type, type);
    places.write(places.memory(builder.stack(slot), type), type, value);
    return builder.stack(slot);
  }
}
