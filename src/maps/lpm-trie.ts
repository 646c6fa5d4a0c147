import { errno, roundUp } from '../base/index.ts';
import type { Memory } from '../memory/index.ts';
import { updateFlags } from '../uapi/index.ts';
import { copyBytes } from './copy.ts';
import { MapObject } from './header.ts';
import type { BpfMap, MapShape } from './map.ts';

/**
 * lpm_trie (kernel/bpf/lpm_trie.c): prefixes of bits, a look-up finds the longest one that the key begins with. A
 * binary trie without chains of single children; where two prefixes part, a node without a value stands between them.
 *
 *   key     +0 u32 prefix length in bits   +4 data, the first bit is the highest of the first byte
 *   node    +0 u32 child 0   +4 u32 child 1   +8 u32 prefix length   +12 u32 1 for a node without a value
 *           +16 data, to 8   valueOffset: value
 */
export class LpmTrie extends MapObject implements BpfMap {
  readonly #dataSize: number;
  readonly #nodeSize: number;
  readonly #valueOffset: number;
  /** Offset of a cell that holds the root, as nodes hold their children. */
  readonly #root: number;
  readonly #nodes: number[] = [];
  /** Most nodes on a way down, each of a longer prefix: no walk is longer, whatever was written into the nodes. */
  readonly #depth: number;
  /** Cell and node above the one that #locate found. */
  #slot = 0;
  #parentSlot = 0;
  #parent = 0;
  #matched = 0;

  constructor(memory: Memory, cpus: number, shape: MapShape) {
    super(memory, cpus, shape);
    this.#dataSize = shape.keySize - 4;
    this.#depth = this.#dataSize * 8 + 1;
    this.#valueOffset = dataAt + roundUp(this.#dataSize, 8);
    this.#nodeSize = roundUp(this.#valueOffset + shape.valueSize, 8);
    this.#root = this.hold(8);
    this.set('buckets', this.#root);
    this.set('valueOffset', this.#valueOffset);
  }

  get userValueSize(): number {
    return this.shape.valueSize;
  }

  lookup(key: number, _cpu: number): number {
    const length = this.#keyLength(key);
    if (length > this.#dataSize * 8) return 0;
    let found = 0;
    for (let node = this.#word(this.#root), left = this.#depth; node !== 0 && left > 0; left--) {
      const matched = this.#match(node, key, length);
      if (matched === this.#dataSize * 8) {
        found = node;
        break;
      }
      if (matched < this.#length(node)) break;
      if (!this.#isBetween(node)) found = node;
      node = this.#word(node + 4 * this.#bit(key + 4, this.#length(node)));
    }
    return found === 0 ? 0 : found + this.#valueOffset;
  }

  /** trie_update_elem: 0, -EINVAL, -EEXIST, -ENOENT, -ENOSPC when the map is full */
  update(key: number, value: number, flags: number, _cpu: number): number {
    const length = this.#keyLength(key);
    if (flags > updateFlags.exist || length > this.#dataSize * 8) return -errno.EINVAL;
    const node = this.#locate(key, length);
    const same = node !== 0 && this.#length(node) === this.#matched;
    const replaces = same && !this.#isBetween(node);
    if (replaces && flags === updateFlags.noExist) return -errno.EEXIST;
    if (!replaces && flags === updateFlags.exist) return -errno.ENOENT;
    if (!replaces && this.count === this.shape.maxEntries) return -errno.ENOSPC;
    const slot = this.#slot;
    const fresh = this.#take();
    const between = node !== 0 && !same && this.#matched !== length ? this.#take() : 0;
    if (fresh === 0 || (between === 0 && node !== 0 && !same && this.#matched !== length)) {
      if (fresh !== 0) this.#giveBack(fresh);
      return -errno.ENOMEM;
    }
    this.#fill(fresh, key + 4, length);
    copyBytes(this.memory, fresh + this.#valueOffset, value, this.shape.valueSize);
    if (!replaces) this.set('count', this.count + 1);
    if (node === 0) this.#setWord(slot, fresh);
    else if (same) {
      this.#setWord(fresh, this.#word(node));
      this.#setWord(fresh + 4, this.#word(node + 4));
      this.#setWord(slot, fresh);
      this.#giveBack(node);
    } else if (between === 0) {
      this.#setWord(fresh + 4 * this.#bit(node + dataAt, this.#matched), node);
      this.#setWord(slot, fresh);
    } else this.#part(slot, between, node, fresh);
    return 0;
  }

  delete(key: number): number {
    const length = this.#keyLength(key);
    if (length > this.#dataSize * 8) return -errno.EINVAL;
    const node = this.#locate(key, length);
    const found = node !== 0 && this.#length(node) === length && this.#matched === length && !this.#isBetween(node);
    if (!found) return -errno.ENOENT;
    this.set('count', this.count - 1);
    const left = this.#word(node);
    const right = this.#word(node + 4);
    if (left !== 0 && right !== 0) {
      this.#setWord(node + betweenAt, 1);
      return 0;
    }
    const parent = this.#parent;
    if (parent !== 0 && this.#isBetween(parent) && left === 0 && right === 0) {
      // The node that parted the two has nothing left to part.
      this.#setWord(this.#parentSlot, this.#word(parent + (node === this.#word(parent) ? 4 : 0)));
      this.#giveBack(parent);
    } else this.#setWord(this.#slot, left !== 0 ? left : right);
    this.#giveBack(node);
    return 0;
  }

  /** trie_get_next_key: longer prefixes before the shorter ones that hold them. An unknown key starts over. */
  nextKey(key: number, next: number): number {
    const root = this.#word(this.#root);
    if (root === 0) return -errno.ENOENT;
    const path = key === 0 ? [] : this.#path(key, root);
    let node = path.pop();
    if (node === undefined) return this.#copyKey(this.#leftmost(root), next);
    for (let parent = path.pop(); parent !== undefined; node = parent, parent = path.pop()) {
      const right = this.#word(parent + 4);
      if (this.#word(parent) === node && right !== 0) return this.#copyKey(this.#leftmost(right), next);
      if (!this.#isBetween(parent)) return this.#copyKey(parent, next);
    }
    return -errno.ENOENT;
  }

  userLookup(key: number, target: number): number {
    const value = this.lookup(key, 0);
    if (value === 0) return -errno.ENOENT;
    copyBytes(this.memory, target, value, this.shape.valueSize);
    return 0;
  }

  userUpdate(key: number, source: number, flags: number): number {
    return this.update(key, source, flags, 0);
  }

  /** Nodes from the root to the one of exactly that key; empty when there is none. */
  #path(key: number, root: number): number[] {
    const length = this.#keyLength(key);
    const path: number[] = [];
    if (length > this.#dataSize * 8) return path;
    for (let node = root, left = this.#depth; node !== 0 && left > 0; left--) {
      path.push(node);
      const matched = this.#match(node, key, length);
      if (this.#length(node) !== matched) return [];
      if (matched === length) return this.#isBetween(node) ? [] : path;
      node = this.#word(node + 4 * this.#bit(key + 4, matched));
    }
    return [];
  }

  /** The first node of a subtree: a node between two others has both. */
  #leftmost(root: number): number {
    let found = root;
    for (let node = root, levels = this.#depth; node !== 0 && levels > 0; levels--) {
      const left = this.#word(node);
      if (this.#isBetween(node)) node = left;
      else {
        found = node;
        node = left !== 0 ? left : this.#word(node + 4);
      }
    }
    return found;
  }

  #copyKey(node: number, next: number): number {
    this.memory.view.setUint32(next, this.#length(node), true);
    this.memory.u8.copyWithin(next + 4, node + dataAt, node + dataAt + this.#dataSize);
    return 0;
  }

  /** Goes down to the node that equals the key's prefix, parts from it or is longer; 0 when a child is missing. */
  #locate(key: number, length: number): number {
    this.#slot = this.#root;
    this.#parentSlot = this.#root;
    this.#parent = 0;
    this.#matched = 0;
    let node = this.#word(this.#slot);
    for (let left = this.#depth; node !== 0 && left > 0; left--) {
      this.#matched = this.#match(node, key, length);
      if (this.#length(node) !== this.#matched || this.#matched === length) break;
      this.#parent = node;
      this.#parentSlot = this.#slot;
      this.#slot = node + 4 * this.#bit(key + 4, this.#matched);
      node = this.#word(this.#slot);
    }
    return node;
  }

  /** Puts a node without a value where two prefixes part. */
  #part(slot: number, between: number, node: number, fresh: number): void {
    this.#fill(between, node + dataAt, this.#matched);
    this.#setWord(between + betweenAt, 1);
    const side = this.#bit(fresh + dataAt, this.#matched);
    this.#setWord(between + 4 * side, fresh);
    this.#setWord(between + 4 * (1 - side), node);
    this.#setWord(slot, between);
  }

  /** How many bits a node and a key have in common, at most the shorter's length. */
  #match(node: number, key: number, length: number): number {
    const bytes = this.memory.u8;
    const limit = Math.min(this.#length(node), length);
    for (let bits = 0; bits < limit; bits += 8) {
      const difference = (bytes[node + dataAt + (bits >>> 3)] as number) ^ (bytes[key + 4 + (bits >>> 3)] as number);
      if (difference !== 0) return Math.min(limit, bits + Math.clz32(difference) - 24);
    }
    return limit;
  }

  #bit(data: number, index: number): number {
    return ((this.memory.u8[data + (index >>> 3)] as number) >>> (7 - (index & 7))) & 1;
  }

  #fill(node: number, data: number, length: number): void {
    this.memory.u8.fill(0, node, node + dataAt);
    this.#setWord(node + lengthAt, length);
    this.memory.u8.copyWithin(node + dataAt, data, data + this.#dataSize);
  }

  /** A node, or 0 when the machine has no memory left. */
  #take(): number {
    const free = this.get('free');
    if (free === 0) return this.tryAllocate(this.#nodeSize, this.#nodes);
    this.set('free', this.#word(free));
    return free;
  }

  #giveBack(node: number): void {
    this.#setWord(node, this.get('free'));
    this.set('free', node);
  }

  override close(): void {
    for (const node of this.#nodes.splice(0)) this.memory.free(node, this.#nodeSize);
    super.close();
  }

  #keyLength(key: number): number {
    return this.memory.view.getUint32(key, true);
  }

  #length(node: number): number {
    return this.#word(node + lengthAt);
  }

  #isBetween(node: number): boolean {
    return this.#word(node + betweenAt) !== 0;
  }

  #word(offset: number): number {
    return this.memory.u32[offset >>> 2] as number;
  }

  #setWord(offset: number, value: number): void {
    this.memory.u32[offset >>> 2] = value;
  }
}

const lengthAt = 8;
const betweenAt = 12;
const dataAt = 16;
