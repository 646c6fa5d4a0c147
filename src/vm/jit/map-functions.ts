import type { HashLayout } from '../engine.ts';
import { Code } from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';
import { wasm } from '../wasm/opcodes.ts';

/**
 * The operations of hash maps as functions of the module, one for each map and operation that the program uses, with
 * the map's places as constants. A key is passed as its 32-bit words; the chain is as HashLayout draws it.
 */
const errno = { ENOENT: 2, E2BIG: 7, EEXIST: 17, EINVAL: 22 } as const;
/** BPF_NOEXIST and BPF_EXIST (include/uapi/linux/bpf.h). */
const flags = { noExist: 1, exist: 2 } as const;

export class MapFunctions {
  readonly #builder: ModuleBuilder;
  readonly #made = new Map<string, number>();

  constructor(builder: ModuleBuilder) {
    this.#builder = builder;
  }

  /** (key words…) → offset of the element, or 0 */
  find(layout: HashLayout): number {
    return this.#once(`find ${layout.buckets}`, () => {
      const func = this.#declare(wordsOf(layout));
      this.#builder.define(func, findBody(layout));
      return func;
    });
  }

  /** (key words…) → 0 or a negative errno */
  delete(layout: HashLayout): number {
    return this.#once(`delete ${layout.buckets}`, () => {
      const func = this.#declare(wordsOf(layout));
      this.#builder.define(func, deleteBody(layout));
      return func;
    });
  }

  /** (key words…, offset of the value, flags) → 0 or a negative errno */
  update(layout: HashLayout): number {
    return this.#once(`update ${layout.buckets}`, () => {
      const func = this.#declare(wordsOf(layout) + 2);
      this.#builder.define(func, updateBody(layout));
      return func;
    });
  }

  #once(key: string, make: () => number): number {
    let func = this.#made.get(key);
    if (func === undefined) {
      func = make();
      this.#made.set(key, func);
    }
    return func;
  }

  #declare(params: number): number {
    return this.#builder.declare(this.#builder.type(new Array<'i32'>(params).fill('i32'), ['i32']));
  }
}

function wordsOf({ keySize }: HashLayout): number {
  return keySize / 4;
}

/** The locals of the words of the key that a function is given. */
function keyOf(layout: HashLayout): readonly number[] {
  return Array.from({ length: wordsOf(layout) }, (_, word) => word);
}

/** Sets a local to the hash of the key whose words are in some locals. */
export function hashInto(code: Code, key: readonly number[], hash: number): void {
  code.i32(key.length);
  for (const word of key) {
    code.get(word);
    code.op(wasm.i32Xor);
    code.i32(0x9e3779b1 | 0);
    code.op(wasm.i32Mul);
    code.tee(hash);
    code.get(hash);
    code.i32(15);
    code.op(wasm.i32ShrU);
    code.op(wasm.i32Xor);
  }
  code.i32(0x85ebca6b | 0);
  code.op(wasm.i32Mul);
  code.tee(hash);
  code.get(hash);
  code.i32(13);
  code.op(wasm.i32ShrU);
  code.op(wasm.i32Xor);
  code.set(hash);
}

/** Pushes the place of the bucket of a hash. */
export function pushBucket(code: Code, layout: HashLayout, hash: number): void {
  code.get(hash);
  code.i32(layout.bucketMask);
  code.op(wasm.i32And);
  code.i32(2);
  code.op(wasm.i32Shl);
  code.i32(layout.buckets);
  code.op(wasm.i32Add);
}

/** Branches to a mark when the key of an element is not the one whose words are in some locals. */
export function compareKey(code: Code, element: number, key: readonly number[], differs: number): void {
  for (const [index, word] of key.entries()) {
    code.get(element);
    code.memory(wasm.i32Load, 8 + index * 4);
    code.get(word);
    code.op(wasm.i32Ne);
    code.brIf(differs);
  }
}

/** Locals of a search: the key's hash and bucket, and in the chain the place of the word that leads to the element. */
type Found = Readonly<Record<'hash' | 'bucket' | 'link' | 'element', number>>;

/** Looks for the key that a function is given: `element` at the end holds it, or is 0. */
function seek(code: Code, layout: HashLayout): Found {
  const [hash, bucket, link, element] = [code.local('i32'), code.local('i32'), code.local('i32'), code.local('i32')];
  hashInto(code, keyOf(layout), hash);
  pushBucket(code, layout, hash);
  code.tee(bucket);
  code.set(link);
  walk(code, layout, { hash, bucket, link, element });
  return { hash, bucket, link, element };
}

function walk(code: Code, layout: HashLayout, { hash, link, element }: Found): void {
  const left = code.local('i32');
  // No chain is longer than there are elements, whatever a program that was not verified wrote into one.
  code.i32((layout.end - layout.data) / layout.stride);
  code.set(left);
  const done = code.open(wasm.block);
  const again = code.open(wasm.loop);
  code.get(link);
  code.memory(wasm.i32Load);
  code.tee(element);
  code.op(wasm.i32Eqz);
  code.brIf(done);
  const differs = code.open(wasm.block);
  code.get(element);
  code.memory(wasm.i32Load, 4);
  code.get(hash);
  code.op(wasm.i32Ne);
  code.brIf(differs);
  compareKey(code, element, keyOf(layout), differs);
  code.br(done);
  code.end();
  code.get(element);
  code.set(link);
  code.get(left);
  code.i32(1);
  code.op(wasm.i32Sub);
  code.tee(left);
  code.brIf(again);
  code.i32(0);
  code.set(element);
  code.end();
  code.end();
}

function findBody(layout: HashLayout): Code {
  const code = new Code(wordsOf(layout));
  const { element } = seek(code, layout);
  code.get(element);
  return code;
}

/** Adds to a u32 cell. */
function addTo(code: Code, cell: number, by: number): void {
  code.i32(cell);
  code.i32(cell);
  code.memory(wasm.i32Load);
  code.i32(by);
  code.op(wasm.i32Add);
  code.memory(wasm.i32Store);
}

/** Copies the word at one place to another. */
function copyWord(code: Code, to: () => void, from: () => void): void {
  to();
  from();
  code.memory(wasm.i32Load);
  code.memory(wasm.i32Store);
}

function deleteBody(layout: HashLayout): Code {
  const code = new Code(wordsOf(layout));
  const { link, element } = seek(code, layout);
  code.get(element);
  code.op(wasm.i32Eqz);
  code.open(wasm.if);
  code.i32(-errno.ENOENT);
  code.op(wasm.return);
  code.end();
  const atElement = (): void => code.get(element);
  copyWord(code, () => code.get(link), atElement);
  copyWord(code, atElement, () => code.i32(layout.free));
  code.i32(layout.free);
  code.get(element);
  code.memory(wasm.i32Store);
  addTo(code, layout.count, -1);
  code.i32(0);
  return code;
}

function updateBody(layout: HashLayout): Code {
  const words = wordsOf(layout);
  const code = new Code(words + 2);
  const value = words;
  const flag = words + 1;
  const fresh = code.local('i32');
  const answer = (error: number): void => {
    code.open(wasm.if);
    code.i32(-error);
    code.op(wasm.return);
    code.end();
  };
  const isFlag = (expected: number): void => {
    code.get(flag);
    code.i32(expected);
    code.op(wasm.i32Eq);
  };
  code.get(flag);
  code.i32(flags.exist);
  code.op(wasm.i32GtU);
  answer(errno.EINVAL);
  const { hash, bucket, link, element } = seek(code, layout);
  code.get(element);
  code.open(wasm.if);
  isFlag(flags.noExist);
  answer(errno.EEXIST);
  replace(code, layout, { value, hash, link, element, bucket, fresh });
  code.i32(0);
  code.op(wasm.return);
  code.end();
  isFlag(flags.exist);
  answer(errno.ENOENT);
  take(code, layout, fresh);
  code.get(fresh);
  code.op(wasm.i32Eqz);
  answer(errno.E2BIG);
  fill(code, layout, { value, hash, fresh });
  copyWord(
    code,
    () => code.get(fresh),
    () => code.get(bucket),
  );
  code.get(bucket);
  code.get(fresh);
  code.memory(wasm.i32Store);
  addTo(code, layout.count, 1);
  code.i32(0);
  return code;
}

/** The spare, filled, goes to the head of the chain; the old element leaves it and is the spare. */
function replace(
  code: Code,
  layout: HashLayout,
  locals: Record<'value' | 'hash' | 'link' | 'element' | 'bucket' | 'fresh', number>,
): void {
  const { link, element, bucket, fresh } = locals;
  code.i32(layout.spare);
  code.memory(wasm.i32Load);
  code.set(fresh);
  fill(code, layout, locals);
  copyWord(
    code,
    () => code.get(link),
    () => code.get(element),
  );
  copyWord(
    code,
    () => code.get(fresh),
    () => code.get(bucket),
  );
  code.get(bucket);
  code.get(fresh);
  code.memory(wasm.i32Store);
  code.i32(layout.spare);
  code.get(element);
  code.memory(wasm.i32Store);
}

/** Sets `fresh` to an element that is in no chain, or 0 when all are taken. */
function take(code: Code, layout: HashLayout, fresh: number): void {
  code.i32(layout.free);
  code.memory(wasm.i32Load);
  code.tee(fresh);
  code.open(wasm.if);
  copyWord(
    code,
    () => code.i32(layout.free),
    () => code.get(fresh),
  );
  code.else();
  code.i32(layout.fresh);
  code.memory(wasm.i32Load);
  code.tee(fresh);
  code.i32(layout.end);
  code.op(wasm.i32Eq);
  code.open(wasm.if);
  code.i32(0);
  code.set(fresh);
  code.else();
  addTo(code, layout.fresh, layout.stride);
  code.end();
  code.end();
}

/** Writes hash, key and value of an element. */
function fill(
  code: Code,
  layout: HashLayout,
  { value, hash, fresh }: Record<'value' | 'hash' | 'fresh', number>,
): void {
  code.get(fresh);
  code.get(hash);
  code.memory(wasm.i32Store, 4);
  for (let word = 0; word < wordsOf(layout); word++) {
    code.get(fresh);
    code.get(word);
    code.memory(wasm.i32Store, 8 + word * 4);
  }
  for (let at = 0; at < layout.valueSize; ) {
    const rest = layout.valueSize - at;
    const [size, load, store] =
      rest >= 8
        ? ([8, wasm.i64Load, wasm.i64Store] as const)
        : rest >= 4
          ? ([4, wasm.i32Load, wasm.i32Store] as const)
          : ([1, wasm.i32Load8u, wasm.i32Store8] as const);
    code.get(fresh);
    code.get(value);
    code.memory(load, at);
    code.memory(store, layout.valueOffset + at);
    at += size;
  }
}
