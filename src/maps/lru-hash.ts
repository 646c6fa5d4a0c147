import { errno } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { mapFlags, updateFlags } from '../uapi/index.ts';
import { allCpus, HashMap } from './hash.ts';
import { LruList } from './lru-list.ts';
import type { MapShape } from './map.ts';

/**
 * lru_hash and lru_percpu_hash (kernel/bpf/hashtab.c): never full, an update of a new key evicts another. A program's
 * look-up counts as use, bpf(2)'s does not, so that dumping a map changes nothing. As in the kernel an update takes
 * its element first and looks at the flags after: one that fails with EEXIST may have evicted an element.
 */
export class LruHashMap extends HashMap {
  readonly #lru: LruList;
  readonly #first: number;
  readonly #stride: number;
  readonly #valueOffset: number;
  readonly #copies: boolean;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    const perCpuLists = (shape.flags & mapFlags.noCommonLru) !== 0;
    const elements = perCpuLists ? Math.ceil(shape.maxEntries / cpus) * cpus : shape.maxEntries;
    super(memory, cpus, shape, elements);
    this.#copies = shape.type === 'lru_percpu_hash';
    this.#first = this.get('data');
    this.#stride = this.get('stride');
    this.#valueOffset = this.get('valueOffset');
    const options = { elements, cpus, perCpu: perCpuLists, evict: (node: number) => this.#evict(node) };
    this.#lru = new LruList(memory, this.hold(LruList.bytes(options)), options);
  }

  override lookup(key: number, cpu: number): number {
    const value = super.lookup(key, cpu);
    if (value !== 0) this.#lru.reference(this.#node(value - this.#valueOffset));
    return value;
  }

  protected override put(key: number, value: number, flags: number, cpu: number): number {
    if (flags > updateFlags.exist) return -errno.EINVAL;
    return this.#copies ? this.#putCopies(key, value, flags, cpu) : this.#putOne(key, value, flags, cpu);
  }

  /** htab_lru_map_update_elem: the new element always replaces the old one. */
  #putOne(key: number, value: number, flags: number, cpu: number): number {
    const node = this.#lru.take(Math.max(cpu, 0));
    if (node < 0) return -errno.ENOMEM;
    const words = this.keyWords(key);
    const old = this.find(words);
    const fault = checkFlags(flags, old !== 0);
    if (fault !== 0) {
      this.#lru.giveBack(node);
      return fault;
    }
    if (old !== 0) this.unlink(old);
    this.fill(this.#element(node), words, value, cpu);
    if (old !== 0) {
      this.#lru.reference(node);
      this.freeFields(old + this.#valueOffset);
      this.giveBack(old);
    }
    return 0;
  }

  /** __htab_lru_percpu_map_update_elem: an old element is written in place. */
  #putCopies(key: number, value: number, flags: number, cpu: number): number {
    const node = flags === updateFlags.exist ? -1 : this.#lru.take(cpu === allCpus ? 0 : cpu);
    if (flags !== updateFlags.exist && node < 0) return -errno.ENOMEM;
    const words = this.keyWords(key);
    const old = this.find(words);
    const fault = checkFlags(flags, old !== 0);
    if (fault === 0 && old === 0) {
      this.fill(this.#element(node), words, value, cpu);
      return 0;
    }
    if (fault === 0) {
      this.#lru.reference(this.#node(old));
      this.overwrite(old, value, cpu);
    }
    if (node >= 0) this.#lru.giveBack(node);
    return fault;
  }

  protected override giveBack(element: number): void {
    this.#lru.giveBack(this.#node(element));
  }

  #evict(node: number): boolean {
    const element = this.#element(node);
    if (this.find((element + 8) >>> 2) !== element) return false;
    this.unlink(element);
    this.freeFields(element + this.#valueOffset);
    return true;
  }

  /** An element's number from any offset inside it. */
  #node(offset: number): number {
    return Math.floor((offset - this.#first) / this.#stride);
  }

  #element(node: number): number {
    return this.#first + node * this.#stride;
  }
}

/** check_flags */
function checkFlags(flags: number, exists: boolean): number {
  if (exists && flags === updateFlags.noExist) return -errno.EEXIST;
  return !exists && flags === updateFlags.exist ? -errno.ENOENT : 0;
}
