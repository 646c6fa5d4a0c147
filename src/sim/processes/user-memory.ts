import { errno, InputError } from '../../base/index.ts';
import { type Program, programOf, type Task, type UserMemory as UserObject } from '../../events/index.ts';
import { type Memory, pageKinds, pageSize, userSpace } from '../../memory/index.ts';
import type { Current } from '../machine/current.ts';
import { putText, type TextKey, type TextMemory, Texts, textsRange } from '../objects/texts.ts';

/**
 * The memory of each process, which its threads share: what events name in it, and the arguments and environment that
 * execve(2) leaves at its end. The same address holds other bytes in another process, or none. fork(2) gives the child
 * the parent's pages, and who writes to one that is shared gets a copy; execve(2) begins anew.
 *
 *   0x7f00_4000_0000  texts, arrays and bytes that events name; a child's own begin behind those of its parent
 *   …
 *   0x7f00_7fff_f000  the last page ends with 8 zero bytes; before them the path, the environment, the arguments
 *                     (fs/binfmt_elf.c, fs/exec.c: copy_strings)
 */
const firstAddress = 0x4000_0000;
/** Low halves stay below 2^31: a number from there on is an object that is made anew for each call. */
const endOfStack = 0x8000_0000;
/** The strings of execve(2) lie behind it. */
const lastOfTexts = endOfStack - (1 << 20);
/** Bytes of what execve(2) leaves, at most. */
const mostStrings = 128 << 10;
/** Processes whose memory is kept: it is let go of in the order in which it was made. */
const mostProcesses = 1024;

/** mm_struct's members of the same names, as low halves of user addresses; end is exclusive. */
export interface ProgramArea {
  readonly argStart: number;
  readonly argEnd: number;
  readonly envStart: number;
  readonly envEnd: number;
}

/** How many processes have a page that more than one has. */
type Shares = Map<number, number>;

class AddressSpace implements TextMemory {
  readonly high = userSpace;
  readonly texts: Texts;
  readonly area: ProgramArea;
  readonly #memory: Memory;
  readonly #shares: Shares;
  /** Offset in the linear memory by page number. */
  readonly #pages: Map<number, number>;
  /** Behind the addresses that are taken. */
  #next: number;
  /** Behind the last address that its texts may have. */
  readonly #end: number;

  /** @param origin the process that it forked from, or the program that was executed */
  constructor(memory: Memory, shares: Shares, origin: AddressSpace | Program) {
    this.#memory = memory;
    this.#shares = shares;
    this.texts = new Texts(this);
    if (origin instanceof AddressSpace) {
      // Where a long line of children has used up the addresses, the next takes the first ones again.
      this.#next = origin.#end + textsRange > lastOfTexts ? firstAddress : origin.#end;
      this.#pages = new Map(origin.#pages);
      for (const page of this.#pages.values()) shares.set(page, (shares.get(page) ?? 1) + 1);
      this.area = origin.area;
    } else {
      this.#next = firstAddress;
      this.#pages = new Map();
      this.area = this.#execute(origin);
    }
    this.#end = this.#next + textsRange;
  }

  reserve(bytes: number): number {
    const at = this.#next;
    this.#next += bytes;
    return at;
  }

  /** Offset of the page that an address lies in, or -1. */
  page(address: number): number {
    return this.#pages.get(address >>> 12) ?? -1;
  }

  put(at: number, content: string | Uint8Array, room: number): void {
    const within = at & (pageSize - 1);
    if (within + room <= pageSize) {
      putText(this.#memory, this.writable(at) + within, content, room);
      return;
    }
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let done = 0; done < room; ) {
      const step = Math.min(pageSize - ((at + done) & (pageSize - 1)), room - done);
      this.put(at + done, bytes.subarray(done, done + step), step);
      done += step;
    }
  }

  /** The offset of an address's page, which is this process's alone from now on; made when there is none. */
  writable(address: number): number {
    const number = address >>> 12;
    const known = this.#pages.get(number);
    const sharers = known === undefined ? 0 : (this.#shares.get(known) ?? 1);
    if (known !== undefined && sharers === 1) return known;
    const made = this.#memory.allocatePages(pageSize, pageKinds.unmapped);
    if (known !== undefined) {
      this.#memory.u8.copyWithin(made, known, known + pageSize);
      this.#drop(known);
    }
    this.#pages.set(number, made);
    return made;
  }

  /** What execve(2) leaves at the end of the stack, read from its end: the path, the environment, the arguments. */
  #execute({ path, argv, envp = [] }: Program): ProgramArea {
    const block = (texts: readonly string[]): Buffer => Buffer.concat(texts.map((text) => Buffer.from(`${text}\0`)));
    const [args, environment, name] = [block(argv), block(envp), block([path])];
    const size = args.length + environment.length + name.length + 8;
    if (size > mostStrings) {
      throw new InputError(`arguments and environment take ${size} bytes`, { expected: `at most ${mostStrings}` });
    }
    const argStart = endOfStack - size;
    const envStart = argStart + args.length;
    this.put(argStart, Buffer.concat([args, environment, name, Buffer.alloc(8)]), size);
    return { argStart, argEnd: envStart, envStart, envEnd: envStart + environment.length };
  }

  #drop(page: number): void {
    const sharers = this.#shares.get(page) ?? 1;
    if (sharers > 2) this.#shares.set(page, sharers - 1);
    else this.#shares.delete(page);
    if (sharers === 1) this.#memory.freePages(page, pageSize);
  }

  /** The process is no more, or has become another program. */
  release(): void {
    for (const page of this.#pages.values()) this.#drop(page);
    this.#pages.clear();
  }
}

export class UserMemory {
  readonly #memory: Memory;
  readonly #current: Current;
  readonly #shares: Shares = new Map();
  /** By process id. */
  readonly #spaces = new Map<number, AddressSpace>();
  /** What those are that execve(2) made, as their tasks tell it. */
  readonly #programs = new Map<number, Program>();

  constructor(memory: Memory, current: Current) {
    this.#memory = memory;
    this.#current = current;
  }

  /** The address that something has in the process of the event under way: its low half. @throws InputError */
  address(key: TextKey, content: UserObject['content']): number {
    return this.#of(this.#current.task).texts.address(key, content);
  }

  /** Where a process's arguments and environment lie. */
  area(task: Task): ProgramArea {
    return this.#of(task).area;
  }

  #of(task: Task): AddressSpace {
    return this.#spaces.get(task.tgid) ?? this.#make(task);
  }

  /** A process that nobody asked for yet: one that forked and became nothing else has what its parent has. */
  #make(task: Task): AddressSpace {
    const { parent } = task;
    const forked =
      parent !== undefined && task.program === undefined && parent.comm === task.comm && parent.tgid !== task.tgid;
    const space = new AddressSpace(this.#memory, this.#shares, forked ? this.#of(parent) : programOf(task));
    if (this.#spaces.size >= mostProcesses) this.#end(this.#spaces.keys().next().value as number);
    this.#spaces.set(task.tgid, space);
    if (task.program) this.#programs.set(task.tgid, task.program);
    return space;
  }

  /** A task is like this from now on: after execve(2) nothing of its old memory is left. */
  change(task: Task): void {
    if (task.program === undefined || task.program === this.#programs.get(task.tgid)) return;
    this.#end(task.tgid);
    this.#make(task);
  }

  /** A process is made: its memory is its parent's as that is now. */
  fork(child: Task): void {
    if (child.pid !== child.tgid) return;
    this.#end(child.tgid);
    this.#make(child);
  }

  /** A task has ended; with the last of a process, which is the one that gave it its id, its memory goes. */
  forget({ pid, tgid }: Task): void {
    if (pid === tgid) this.#end(tgid);
  }

  #end(tgid: number): void {
    this.#spaces.get(tgid)?.release();
    this.#spaces.delete(tgid);
    this.#programs.delete(tgid);
  }

  /** Whether so many bytes from an address on are the process's. @param low as of `CallWindow` */
  has(task: Task, low: number, length: number): boolean {
    const start = low >>> 0;
    if (start < firstAddress) return this.#memory.isMapped(userSpace, start, length);
    const space = this.#of(task);
    for (let at = start; at < start + length; at += pageSize - (at & (pageSize - 1))) {
      if (space.page(at) < 0) return false;
    }
    return true;
  }

  /** Copies out of a process's memory. What is not there zeroes the target. @returns 0 or -EFAULT */
  read(task: Task, target: number, low: number, length: number): number {
    const start = low >>> 0;
    // The windows of user stacks are the same for all: they are written anew for each event.
    if (start < firstAddress) return this.#memory.guardedCopy(target, userSpace, start, length);
    const { u8 } = this.#memory;
    if (!this.has(task, start, length)) {
      u8.fill(0, target, target + length);
      return -errno.EFAULT;
    }
    const space = this.#of(task);
    for (let done = 0; done < length; ) {
      const within = (start + done) & (pageSize - 1);
      const step = Math.min(pageSize - within, length - done);
      const from = space.page(start + done) + within;
      u8.copyWithin(target + done, from, from + step);
      done += step;
    }
    return 0;
  }

  /** The offset of the byte at an address of the current process, or -1; the rest of its page lies behind it. */
  at(low: number): number {
    const start = low >>> 0;
    if (start < firstAddress) return this.#memory.isMapped(userSpace, start, 1) ? start : -1;
    const page = this.#of(this.#current.task).page(start);
    return page < 0 ? -1 : page + (start & (pageSize - 1));
  }

  /** A program writes into the memory of the task that is current. @returns 0 or -EFAULT */
  write(low: number, source: number, length: number): number {
    const { task } = this.#current;
    const start = low >>> 0;
    if (!this.has(task, start, length)) return -errno.EFAULT;
    const { u8 } = this.#memory;
    if (start < firstAddress) {
      u8.copyWithin(start, source, source + length);
      return 0;
    }
    const space = this.#of(task);
    space.texts.disown(start, length);
    for (let done = 0; done < length; ) {
      const within = (start + done) & (pageSize - 1);
      const step = Math.min(pageSize - within, length - done);
      const to = space.writable(start + done) + within;
      u8.copyWithin(to, source + done, source + done + step);
      done += step;
    }
    return 0;
  }
}
