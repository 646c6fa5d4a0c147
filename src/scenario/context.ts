/**
 * Who does something: a CPU, a task and the calls that it is in. A context makes events at the present virtual time;
 * `on` gives another context. What a drop looks like depends on the kernel played to: its drop function and the
 * fields of skb:kfree_skb come from the profile.
 */
import { InputError, type Nanoseconds } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import {
  type Argument,
  type Arguments,
  type CodeAddress,
  type CpuActivity,
  DropForm,
  type FunctionEntry,
  type FunctionExit,
  type KernelEvent,
  type KernelStack,
  type NetDevice,
  type ObjectChange,
  type PacketEvent,
  type RawTracepointEvent,
  type SkBuff,
  type Sock,
  type StructObject,
  type Task,
  type TaskReference,
  type TaskSpec,
  type TracepointEvent,
  taskOf,
  type UserEntry,
  type UserExit,
  type UserMarker,
  type UserStack,
} from '../events/index.ts';
import { type CallOptions, CallTree, type Nested } from './call.ts';
import { type PacketOptions, type PacketSource, packetEvent } from './packet-event.ts';
import { type ExecOptions, type ExitCause, exec, exitProcess, fork, kill, type OpenOptions, open } from './process.ts';
import type { VirtualScheduler } from './scenario.ts';
import { StackTable } from './stacks.ts';
import { type SyscallOptions, type SyscallPoints, syscallPoints, syscallTree } from './syscall.ts';
import { UserCall, type UserCallOptions, type UserNested } from './user-call.ts';

/** Where something happens; what is absent is the context's own. */
export interface Place {
  readonly cpu?: number;
  readonly task?: Task;
  /** The calls that it happens in, innermost first: `['do_syscall_64+0x71', 'entry_SYSCALL_64_after_hwframe+0x76']`. */
  readonly stack?: KernelStack;
  /** Where the task is in user space, innermost first: `['main+0x42 [/usr/bin/app]']`. */
  readonly userStack?: UserStack;
}

export interface Drop extends Place {
  readonly skb: SkBuff;
  /** By the kernel's name: `NO_SOCKET`. */
  readonly reason: string;
  /** Where the packet was given up: `__udp4_lib_rcv+0x4bc`. */
  readonly location: string;
  /** The receiving socket, where the drop function is told of one. */
  readonly sk?: Sock | StructObject | null;
}

/** What all contexts of one scenario share: the clock, the kernel, the stacks and tasks made so far. */
export class World {
  readonly scheduler: VirtualScheduler;
  readonly profile: KernelProfile;
  readonly stacks = new StackTable();
  readonly userStacks = new StackTable();
  readonly #tasks = new Map<string, Task>();
  readonly #references = new WeakMap<Task, TaskReference>();
  readonly #reasons = new Map<string, number>();
  readonly #locations = new Map<string, CodeAddress>();
  readonly #syscalls = new Map<string, SyscallPoints>();
  /** Until when interrupts work, by CPU. */
  readonly #interrupted = new Map<number, Nanoseconds>();
  /** How this kernel gives packets up. */
  readonly drops: DropForm;
  /** Since 6.16 sched_process_exit tells whether the whole process ends. */
  readonly exitTellsGroup: boolean;
  /** Since 5.18 the raw form of sched_switch is told the state. */
  readonly switchTellsState: boolean;

  constructor(profile: KernelProfile, scheduler: VirtualScheduler) {
    this.profile = profile;
    this.scheduler = scheduler;
    this.drops = new DropForm(profile);
    const exits = profile.btf.functionPrototype('__traceiter_sched_process_exit')?.params ?? [];
    this.exitTellsGroup = exits.some((param) => param.name === 'group_dead');
    const switched = profile.btf.functionPrototype('__traceiter_sched_switch')?.params ?? [];
    this.switchTellsState = switched.some((param) => param.name === 'prev_state');
  }

  /** Whether this kernel has a function, or a tracepoint by its whole name: scenarios are played to several. */
  has(name: string): boolean {
    if (name.includes(':')) return this.profile.tracepoint(name) !== undefined;
    return this.profile.btf.functionPrototype(name) !== undefined;
  }

  /** The same task for the same numbers and name: the kernel has one task_struct for it. */
  task(spec: TaskSpec): Task {
    const task = taskOf(spec);
    const { parent, leader, startTime, kernelThread, cgroup, container } = task;
    if (task.identity !== undefined || task.fields !== undefined) return task;
    const own = `${task.pid} ${task.tgid} ${task.uid} ${task.gid} ${task.comm} ${startTime} ${kernelThread} ${cgroup}`;
    const key = `${own} ${parent?.pid} ${leader?.pid} ${container === undefined ? '' : JSON.stringify(container)}`;
    const known = this.#tasks.get(key);
    if (known) return known;
    this.#tasks.set(key, task);
    return task;
  }

  /** A task as an argument: a pointer to its task_struct. One object for one task. */
  reference(task: Task): TaskReference {
    let reference = this.#references.get(task);
    if (reference === undefined) {
      reference = { object: 'task', task };
      this.#references.set(task, reference);
    }
    return reference;
  }

  /**
   * An interrupt wants to work on a CPU for so long; there, one comes after the other.
   * @returns how long it has to wait, ns
   */
  interrupt(cpu: number, span: Nanoseconds): Nanoseconds {
    const now = this.scheduler.now();
    const begin = Math.max(now, this.#interrupted.get(cpu) ?? 0);
    this.#interrupted.set(cpu, begin + span);
    return begin - now;
  }

  /**
   * The number of a drop reason in this kernel; one that is a number already (reasons of subsystems are printed so)
   * stays. @throws InputError when it has none of that name
   */
  reason(name: string): number {
    const known = this.#reasons.get(name);
    if (known !== undefined) return known;
    const value = /^(0x[0-9a-f]+|\d+)$/.test(name) ? Number(name) : this.profile.dropReasonValue(name);
    if (value === undefined) {
      throw new InputError(`kernel ${this.profile.name} has no drop reason '${name}'`, {
        hint: 'drop reasons differ between kernels: another --kernel may have it',
      });
    }
    this.#reasons.set(name, value);
    return value;
  }

  /** A code address as an argument: one object for one symbol. */
  location(symbol: string): CodeAddress {
    let location = this.#locations.get(symbol);
    if (location === undefined) {
      location = { symbol };
      this.#locations.set(symbol, location);
    }
    return location;
  }

  /** What this kernel has of a system call. @throws InputError when there is none of that name */
  syscall(name: string): SyscallPoints {
    let points = this.#syscalls.get(name);
    if (points === undefined) {
      points = syscallPoints(this.profile, name);
      this.#syscalls.set(name, points);
    }
    return points;
  }
}

/** DEFAULT_PRIO: what a task of nice 0 has. */
const usualPriority = 120;

/** The stacks of a drop at one location: made once. */
interface DropSite {
  readonly entered: KernelStack;
  readonly traced: KernelStack;
}

export class Context {
  readonly cpu: number;
  readonly task: Task;
  readonly stack: KernelStack;
  readonly userStack: UserStack | undefined;
  readonly world: World;
  /** Where packets were dropped in this context so far. */
  #sites: Map<string, DropSite> | undefined;

  constructor(world: World, cpu: number, task: Task, stack: KernelStack, userStack?: UserStack) {
    this.world = world;
    this.userStack = userStack;
    this.cpu = cpu;
    this.task = task;
    this.stack = stack;
  }

  /** The same with another CPU, task or stack. Another task has a user stack of its own. */
  on(place: Place): Context {
    const { task = this.task } = place;
    const userStack = place.userStack ?? (task === this.task ? this.userStack : undefined);
    return new Context(this.world, place.cpu ?? this.cpu, task, place.stack ?? this.stack, userStack);
  }

  /** A tracepoint is passed now. */
  tracepoint(name: string, fields: Arguments, place: Place = {}, raw?: Arguments): TracepointEvent {
    const stack = place.stack ?? this.stack;
    const event = this.#tracepoint(name, fields, place.cpu ?? this.cpu, place.task ?? this.task, stack);
    return raw === undefined ? event : { ...event, raw };
  }

  /** A raw tracepoint is passed now, `sched_switch`; a `tracepoint` passes its own. */
  rawTracepoint(name: string, args: Arguments, place: Place = {}): RawTracepointEvent {
    return { kind: 'rawTracepoint', ...this.on(place).#moment(), name, args };
  }

  /** A function of a program or library is called now. Its exit is yours to make; `userCall` makes both. */
  userEntry(binary: string, name: string, args: readonly Argument[] = [], place: Place = {}): UserEntry {
    return { kind: 'userEntry', ...this.on(place).#moment(), binary, function: name, args };
  }

  /** It returns now. */
  userExit(binary: string, name: string, returns: Argument = 0, place: Place = {}): UserExit {
    return { kind: 'userExit', ...this.on(place).#moment(), binary, function: name, returns };
  }

  /** A USDT probe is passed now. */
  usdt(binary: string, provider: string, probe: string, args: readonly Argument[] = [], place: Place = {}): UserMarker {
    return { kind: 'userMarker', ...this.on(place).#moment(), binary, provider, probe, args };
  }

  /** A call in user space with what happens in it. Subscribing begins it. */
  userCall(binary: string, name: string, options: UserCallOptions = {}, nested: readonly UserNested[] = []): UserCall {
    return new UserCall(this, binary, name, options, nested);
  }

  /** From now on the CPU runs the task where it is, for so long: what sampling finds. */
  runs(duration: Nanoseconds, counts?: CpuActivity['counts'], place: Place = {}): CpuActivity {
    const activity = { kind: 'activity', ...this.on(place).#moment(), duration } as const;
    return counts === undefined ? activity : { ...activity, counts };
  }

  /**
   * The CPU switches from this context's task to another: sched:sched_switch, with the task_structs for its raw form.
   * @param state what the task goes to sleep as: 0 when it could run on, 1 for an interruptible sleep
   */
  switchTo(next: Task, state = 1, place: Place = {}): TracepointEvent {
    const context = this.on(place);
    const { task } = context;
    const fields = {
      prev_comm: task.comm,
      prev_pid: task.pid,
      prev_prio: usualPriority,
      prev_state: state,
      next_comm: next.comm,
      next_pid: next.pid,
      next_prio: usualPriority,
    };
    const raw: Record<string, Argument> = { preempt: 0 };
    raw.prev = context.world.reference(task);
    raw.next = context.world.reference(next);
    if (context.world.switchTellsState) raw.prev_state = state;
    return context.tracepoint('sched:sched_switch', fields, {}, raw);
  }

  /** A task is woken, on a CPU or the waker's: sched:sched_wakeup, and its raw form. */
  wakeup(task: Task, place: Place = {}, cpu?: number): TracepointEvent {
    return this.on(place).#woken('sched:sched_wakeup', task, cpu);
  }

  /** A task is about to be woken: sched:sched_waking. */
  waking(task: Task, cpu?: number): TracepointEvent {
    return this.#woken('sched:sched_waking', task, cpu);
  }

  /** A new task is woken for the first time: sched:sched_wakeup_new. */
  wakeupNew(task: Task, cpu?: number): TracepointEvent {
    return this.#woken('sched:sched_wakeup_new', task, cpu);
  }

  #woken(name: string, task: Task, cpu = this.cpu): TracepointEvent {
    const fields = { comm: task.comm, pid: task.pid, prio: usualPriority, target_cpu: cpu };
    return this.tracepoint(name, fields, {}, { p: this.world.reference(task) });
  }

  /**
   * A packet comes in by a device now, in its driver's poll function unless the context has calls of its own. It is
   * bytes, or a description: `{ ipv4: { source, destination }, udp: { sourcePort, destinationPort }, payload }`.
   * @throws InputError for a description that makes no packet
   */
  receive(device: NetDevice, packet: PacketSource, options?: PacketOptions): PacketEvent {
    return packetEvent(this, 'receive', device, packet, options);
  }

  /** A packet goes out by a device now. */
  transmit(device: NetDevice, packet: PacketSource, options?: PacketOptions): PacketEvent {
    return packetEvent(this, 'transmit', device, packet, options);
  }

  /** The kernel writes into an object now: from here on it is like this, for whoever has a pointer to it. */
  change(object: Sock | StructObject | Task, place: Place = {}): ObjectChange {
    const changed = 'object' in object ? object : this.world.reference(object);
    return { kind: 'change', ...this.on(place).#moment(), object: changed };
  }

  /** Whether this kernel has a function, `tcp_v4_connect`, or a tracepoint, `tcp:tcp_probe`. */
  has(name: string): boolean {
    return this.world.has(name);
  }

  /** As `call`, to be spread into what is nested: nothing where this kernel does not have the function. */
  callKnown(name: string, args: Arguments = {}, options: CallOptions = {}, nested: readonly Nested[] = []): CallTree[] {
    return this.has(name) ? [this.call(name, args, options, nested)] : [];
  }

  /** As `tracepoint`: no event where this kernel does not have it. */
  tracepointKnown(name: string, fields: Arguments, place: Place = {}, raw?: Arguments): TracepointEvent[] {
    return this.has(name) ? [this.tracepoint(name, fields, place, raw)] : [];
  }

  #moment() {
    const { cpu, task, stack, userStack } = this;
    const moment = { time: this.world.scheduler.now(), cpu, task, stack };
    return userStack === undefined ? moment : { ...moment, userStack };
  }

  /** A function is entered now. Its exit is yours to make; `call` makes both. */
  entry(name: string, args: Arguments = {}, place: Place = {}): FunctionEntry {
    const stack = this.world.stacks.push(place.stack ?? this.stack, `${name}+0x1`);
    return this.#entry(name, args, place.cpu ?? this.cpu, place.task ?? this.task, stack);
  }

  /** A function returns now. */
  exit(name: string, returns: Argument = 0, place: Place = {}): FunctionExit {
    const stack = this.world.stacks.push(place.stack ?? this.stack, `${name}+0x1`);
    return this.#exit(name, returns, place.cpu ?? this.cpu, place.task ?? this.task, stack);
  }

  /**
   * A call with the calls nested in it: entries and exits in order, each on the stack of its callers, spread over
   * the time that it takes. Subscribing begins it.
   */
  call(name: string, args: Arguments = {}, options: CallOptions = {}, nested: readonly Nested[] = []): CallTree {
    return new CallTree(this, name, args, options, nested);
  }

  /**
   * A system call as tracers see it: raw_syscalls and syscalls tracepoints on the way in and out, and between them
   * the entry and exit of `__x64_sys_NAME` with its pt_regs.
   */
  syscall(name: string, args: Arguments, options: SyscallOptions = {}, nested: readonly Nested[] = []): CallTree {
    return syscallTree(this, name, args, options, nested);
  }

  /** clone(2) as fork(3) calls it: sched_process_fork, sched_wakeup_new; returns the child's pid. */
  fork(child: Task, takes?: Nanoseconds): CallTree {
    return fork(this, child, takes);
  }

  /** execve(2) with its argv in user memory. @returns the call, and the task as it is from then on */
  exec(path: string, options: ExecOptions): { readonly call: CallTree; readonly task: Task } {
    return exec(this, path, options);
  }

  /** open(2), openat(2) or openat2(2). */
  open(path: string, options?: OpenOptions): CallTree {
    return open(this, path, options);
  }

  /** kill(2), and the signal that it sends unless it fails. */
  kill(target: Task, signal: number, returns?: number): CallTree {
    return kill(this, target, signal, returns);
  }

  /** The process ends now, by exit_group(2) or a signal: its last events; no call of it returns. */
  exitProcess(cause?: ExitCause): readonly KernelEvent[] {
    return exitProcess(this, cause);
  }

  /** A packet is dropped now: the drop function's entry, skb:kfree_skb, and the function's exit. */
  drop(drop: Drop): readonly KernelEvent[] {
    const site = drop.stack ? this.#siteOn(drop.location, drop.stack) : this.#site(drop.location);
    return this.dropOn(drop, site.entered, site.traced);
  }

  /** As `drop`, on the stacks given: the drop function's own, and the one that its tracepoint sees. */
  dropOn(drop: Drop, entered: KernelStack, traced: KernelStack): readonly KernelEvent[] {
    const { world } = this;
    const cpu = drop.cpu ?? this.cpu;
    const task = drop.task ?? this.task;
    const sk = drop.sk ?? null;
    const { drops } = world;
    const reason = drops.hasReason ? world.reason(drop.reason) : 0;
    const fields = drops.fields(drop.skb, sk, reason, world.location(drop.location));
    return [
      this.#entry(drops.function, drops.arguments(drop.skb, sk, reason), cpu, task, entered),
      this.#tracepoint('skb:kfree_skb', fields, cpu, task, traced),
      this.#exit(drops.function, 0, cpu, task, entered),
    ];
  }

  #site(location: string): DropSite {
    this.#sites ??= new Map();
    let site = this.#sites.get(location);
    if (site === undefined) {
      site = this.#siteOn(location, this.stack);
      this.#sites.set(location, site);
    }
    return site;
  }

  #siteOn(location: string, stack: KernelStack): DropSite {
    const { stacks, drops } = this.world;
    const below = stacks.push(stack, location);
    return {
      entered: stacks.push(below, `${drops.function}+0x1`),
      traced: stacks.push(below, drops.site),
    };
  }

  #entry(name: string, args: Arguments, cpu: number, task: Task, stack: KernelStack): FunctionEntry {
    const event = { kind: 'entry', time: this.world.scheduler.now(), cpu, task, stack, function: name, args } as const;
    return this.#inUser(event, task);
  }

  #exit(name: string, returns: Argument, cpu: number, task: Task, stack: KernelStack): FunctionExit {
    const event = {
      kind: 'exit',
      time: this.world.scheduler.now(),
      cpu,
      task,
      stack,
      function: name,
      returns,
    } as const;
    return this.#inUser(event, task);
  }

  #tracepoint(name: string, fields: Arguments, cpu: number, task: Task, stack: KernelStack): TracepointEvent {
    const event = { kind: 'tracepoint', time: this.world.scheduler.now(), cpu, task, stack, name, fields } as const;
    return this.#inUser(event, task);
  }

  /** An event of the context's own task has its user stack. */
  #inUser<Event extends object>(event: Event, task: Task): Event {
    return this.userStack === undefined || task !== this.task ? event : { ...event, userStack: this.userStack };
  }
}
