import type { Memory } from '../memory/index.ts';

/**
 * Which element of an LRU hash goes when a new one is needed (kernel/bpf/bpf_lru_list.c), step for step as in the
 * kernel, so that the same operations on the same CPUs evict the same elements. It is no strict LRU: a look-up only
 * sets a bit, and CPUs take and keep elements in batches.
 *
 *   common lists                             of each CPU
 *   active    looked up since                free      taken in a batch from the common ones
 *   inactive  the next to go, from its end   pending   used, not in the common lists yet
 *   free
 *
 * With BPF_F_NO_COMMON_LRU each CPU has an active, an inactive and a free list of its own, and no others.
 *
 *   node (16 bytes; lists are rings of nodes through a head)
 *   +0 i32 node before   +4 i32 node after   +8 i32 kind of its list   +12 i32 bit 0: looked up, CPU from bit 1
 *   head: +8 nodes in it (active, inactive)  +12 of an inactive one: where the next rotation begins
 */
const kinds = { active: 0, inactive: 1, free: 2, localFree: 3, localPending: 4 } as const;
const before = 0;
const after = 1;
const kind = 2;
const mark = 3;
const nodeWords = 4;

/** LOCAL_FREE_TARGET and PERCPU_FREE_TARGET: the largest batch, which is also how many nodes a rotation looks at. */
const commonBatch = 128;
const perCpuBatch = 4;

/** The heads of the three lists that elements are evicted from. */
interface Lists {
  readonly active: number;
  readonly inactive: number;
  readonly free: number;
}

interface LocalLists {
  readonly free: number;
  readonly pending: number;
  /** The CPU that is robbed next when there is nothing left. */
  nextVictim: number;
}

export interface LruOptions {
  /** How many elements there are; nodes are numbered from 0. */
  readonly elements: number;
  readonly cpus: number;
  /** BPF_F_NO_COMMON_LRU */
  readonly perCpu: boolean;
  /** Takes an element out of the hash table; false when it is not in it. */
  readonly evict: (node: number) => boolean;
}

export class LruList {
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #lists: Lists[] = [];
  readonly #local: LocalLists[] = [];
  /** How many there are: no walk goes over more, whatever was written into the lists. */
  readonly #elements: number;
  readonly #perCpu: boolean;
  readonly #scans: number;
  readonly #batch: number;
  readonly #evict: (node: number) => boolean;

  /** Bytes of memory that the nodes and heads take. */
  static bytes({ elements, cpus }: Pick<LruOptions, 'elements' | 'cpus'>): number {
    return (elements + 3 * cpus + 3) * nodeWords * 4;
  }

  constructor(memory: Memory, offset: number, { elements, cpus, perCpu, evict }: LruOptions) {
    this.#words = memory.i32;
    this.#base = offset >>> 2;
    this.#elements = elements;
    this.#perCpu = perCpu;
    this.#scans = perCpu ? perCpuBatch : commonBatch;
    this.#batch = perCpu
      ? perCpuBatch
      : Math.min(commonBatch, Math.max(1, Math.floor(Math.floor(elements / cpus) / 2)));
    this.#evict = evict;
    let head = elements;
    const list = () => this.#makeHead(head++);
    for (let set = 0; set < (perCpu ? cpus : 1); set++) {
      const lists = { active: list(), inactive: list(), free: list() };
      this.#set(lists.inactive, mark, lists.inactive);
      this.#lists.push(lists);
    }
    for (let cpu = 0; !perCpu && cpu < cpus; cpu++)
      this.#local.push({ free: list(), pending: list(), nextVictim: cpu });
    const share = perCpu ? elements / cpus : elements;
    for (let node = 0; node < elements; node++) {
      const cpu = perCpu ? Math.floor(node / share) : 0;
      this.#set(node, kind, kinds.free);
      this.#set(node, mark, cpu << 1);
      this.#add(node, this.#lists[cpu]!.free);
    }
  }

  /** bpf_lru_pop_free: a node for a program on `cpu`, evicting another if need be; -1 when there is none. */
  take(cpu: number): number {
    return this.#perCpu ? this.#takePerCpu(cpu) : this.#takeCommon(cpu);
  }

  /** bpf_lru_push_free: the node's element is in use no more. The CPU in it may be spoiled. */
  giveBack(node: number): void {
    const cpu = this.#get(node, mark) >> 1;
    const local = this.#local[cpu] ?? this.#local[0];
    if (local && this.#get(node, kind) === kinds.localPending) {
      this.#set(node, kind, kinds.localFree);
      this.#clear(node);
      this.#moveTo(node, local.free);
    } else this.#move((this.#lists[this.#perCpu ? cpu : 0] ?? this.#lists[0]) as Lists, node, kinds.free);
  }

  /** bpf_lru_node_set_ref: the node's element was looked up. */
  reference(node: number): void {
    this.#words[this.#base + node * nodeWords + mark]! |= 1;
  }

  #takePerCpu(cpu: number): number {
    const lists = this.#lists[cpu] as Lists;
    this.#rotate(lists);
    if (this.#isEmpty(lists.free)) this.#shrink(lists, perCpuBatch, lists.free, kinds.free);
    if (this.#isEmpty(lists.free)) return -1;
    const node = this.#get(lists.free, after);
    this.#move(lists, node, kinds.inactive);
    return node;
  }

  #takeCommon(cpu: number): number {
    const local = this.#local[cpu] as LocalLists;
    let node = this.#takeFirst(local.free);
    if (node < 0) {
      this.#refill(local);
      node = this.#takeFirst(local.free);
    }
    if (node < 0) node = this.#rob(local);
    if (node >= 0) this.#addPending(node, local, cpu);
    return node;
  }

  /** bpf_lru_list_pop_free_to_local */
  #refill(local: LocalLists): void {
    const lists = this.#lists[0] as Lists;
    this.#flush(lists, local);
    this.#rotate(lists);
    let taken = 0;
    while (taken < this.#batch && !this.#isEmpty(lists.free)) {
      this.#moveToFree(lists, this.#get(lists.free, after), local.free, kinds.localFree);
      taken++;
    }
    if (taken < this.#batch) this.#shrink(lists, this.#batch - taken, local.free, kinds.localFree);
  }

  /** Nothing is free: takes what some CPU has in its lists, each in turn. */
  #rob(local: LocalLists): number {
    const first = local.nextVictim;
    let victim = first;
    let node = -1;
    do {
      const lists = this.#local[victim] as LocalLists;
      node = this.#takeFirst(lists.free);
      if (node < 0) node = this.#takePending(lists, false);
      if (node < 0) node = this.#takePending(lists, true);
      victim = (victim + 1) % this.#local.length;
    } while (node < 0 && victim !== first);
    local.nextVictim = victim;
    return node;
  }

  /** __local_list_pop_pending: the oldest that was not looked up, or the oldest of all by force. */
  #takePending({ pending }: LocalLists, force: boolean): number {
    let left = this.#elements;
    for (let node = this.#get(pending, before); node !== pending && left-- > 0; node = this.#get(node, before)) {
      if ((force || !this.#isReferenced(node)) && this.#evict(node)) {
        this.#remove(node);
        return node;
      }
    }
    return -1;
  }

  #addPending(node: number, local: LocalLists, cpu: number): void {
    this.#set(node, kind, kinds.localPending);
    this.#set(node, mark, cpu << 1);
    this.#add(node, local.pending);
  }

  /** __local_list_flush: what is pending goes to the common lists. */
  #flush(lists: Lists, { pending }: LocalLists): void {
    let left = this.#elements;
    for (let node = this.#get(pending, before); node !== pending && left-- > 0; ) {
      const next = this.#get(node, before);
      const target = this.#isReferenced(node) ? kinds.active : kinds.inactive;
      this.#count(lists, target, 1);
      this.#set(node, kind, target);
      this.#clear(node);
      this.#moveTo(node, target === kinds.active ? lists.active : lists.inactive);
      node = next;
    }
  }

  /** __bpf_lru_list_rotate */
  #rotate(lists: Lists): void {
    if (this.#get(lists.inactive, kind) < this.#get(lists.active, kind)) this.#rotateActive(lists);
    this.#rotateInactive(lists);
  }

  /** From the end: a node that was looked up goes to the front, another to the inactive list. */
  #rotateActive(lists: Lists): void {
    const first = this.#get(lists.active, after);
    let scanned = 0;
    for (let node = this.#get(lists.active, before); node !== lists.active; ) {
      const next = this.#get(node, before);
      this.#move(lists, node, this.#isReferenced(node) ? kinds.active : kinds.inactive);
      if (++scanned === this.#scans || node === first) break;
      node = next;
    }
  }

  /** From where the last one ended: a node that was looked up goes to the active list, another stays. */
  #rotateInactive(lists: Lists): void {
    const head = lists.inactive;
    if (this.#isEmpty(head)) return;
    const start = this.#get(head, mark);
    let last = this.#get(start, after);
    if (last === head) last = this.#get(last, after);
    let node = start;
    let next = head;
    let left = 2 * this.#scans;
    for (let scanned = 0; scanned < this.#scans && left-- > 0; ) {
      if (node === head) {
        node = this.#get(node, before);
        continue;
      }
      next = this.#get(node, before);
      if (this.#isReferenced(node)) this.#move(lists, node, kinds.active);
      if (node === last) break;
      node = next;
      scanned++;
    }
    this.#set(head, mark, next);
  }

  /** __bpf_lru_list_shrink: frees up to `wanted` inactive nodes that were not looked up, or any one if there is none. */
  #shrink(lists: Lists, wanted: number, target: number, targetKind: number): void {
    let freed = 0;
    let scanned = 0;
    for (let node = this.#get(lists.inactive, before); node !== lists.inactive; ) {
      const next = this.#get(node, before);
      if (this.#isReferenced(node)) this.#move(lists, node, kinds.active);
      else if (this.#evict(node)) {
        this.#moveToFree(lists, node, target, targetKind);
        if (++freed === wanted) break;
      }
      if (++scanned === this.#scans) break;
      node = next;
    }
    if (freed > 0) return;
    const head = this.#isEmpty(lists.inactive) ? lists.active : lists.inactive;
    let left = this.#elements;
    for (let node = this.#get(head, before); node !== head && left-- > 0; node = this.#get(node, before)) {
      if (this.#evict(node)) {
        this.#moveToFree(lists, node, target, targetKind);
        return;
      }
    }
  }

  /** __bpf_lru_node_move: between the three lists, or to the front of its own. */
  #move(lists: Lists, node: number, target: number): void {
    const from = this.#get(node, kind);
    if (from !== target) {
      this.#count(lists, from, -1);
      this.#count(lists, target, 1);
      this.#set(node, kind, target);
    }
    this.#clear(node);
    this.#keepRotation(lists, node);
    this.#moveTo(
      node,
      target === kinds.active ? lists.active : target === kinds.inactive ? lists.inactive : lists.free,
    );
  }

  #moveToFree(lists: Lists, node: number, target: number, targetKind: number): void {
    this.#keepRotation(lists, node);
    this.#count(lists, this.#get(node, kind), -1);
    this.#set(node, kind, targetKind);
    this.#moveTo(node, target);
  }

  /** A rotation never begins at a node that leaves its place. */
  #keepRotation({ inactive }: Lists, node: number): void {
    if (this.#get(inactive, mark) === node) this.#set(inactive, mark, this.#get(node, before));
  }

  #count(lists: Lists, which: number, by: number): void {
    if (which > kinds.inactive) return;
    this.#words[this.#base + (which === kinds.active ? lists.active : lists.inactive) * nodeWords + kind]! += by;
  }

  #isReferenced(node: number): boolean {
    return (this.#get(node, mark) & 1) !== 0;
  }

  #clear(node: number): void {
    this.#words[this.#base + node * nodeWords + mark]! &= ~1;
  }

  #makeHead(head: number): number {
    this.#set(head, before, head);
    this.#set(head, after, head);
    return head;
  }

  #isEmpty(head: number): boolean {
    return this.#get(head, after) === head;
  }

  #takeFirst(head: number): number {
    const node = this.#get(head, after);
    if (node === head) return -1;
    this.#remove(node);
    return node;
  }

  #moveTo(node: number, head: number): void {
    this.#remove(node);
    this.#add(node, head);
  }

  #add(node: number, head: number): void {
    const next = this.#get(head, after);
    this.#set(next, before, node);
    this.#set(node, after, next);
    this.#set(node, before, head);
    this.#set(head, after, node);
  }

  #remove(node: number): void {
    const previous = this.#get(node, before);
    const next = this.#get(node, after);
    this.#set(previous, after, next);
    this.#set(next, before, previous);
  }

  #get(node: number, field: number): number {
    return this.#words[this.#base + node * nodeWords + field] as number;
  }

  #set(node: number, field: number, value: number): void {
    this.#words[this.#base + node * nodeWords + field] = value;
  }
}
