/**
 * The recorded form of a scenario: lines of JSON, the first a header, then definitions of what events share and the
 * events themselves, in order. What has identity (objects, tasks, stacks) stands once, in a numbered slot:
 *
 *     {"tracebed":"recording","version":1,"name":…,"summary":…,"kernel":…,"seed":…,"cpus":…,"duration":…,"epoch":…}
 *     {"task":3,"is":{"pid":7,…}}        {"stack":5,"is":["frame",…]}        {"object":9,"is":{"object":"sk_buff",…}}
 *     [time, cpu, task, stack, "entry", function, arguments]
 *     [time, cpu, task, stack, "exit", function, returns]
 *     [time, cpu, task, stack, "tracepoint", name, fields]
 *     [time, cpu, task, stack, "rawTracepoint", name, arguments]
 *     [time, cpu, task, stack, "userEntry", function, [arguments], {"binary":path}]
 *     [time, cpu, task, stack, "userExit", function, returns, {"binary":path}]
 *     [time, cpu, task, stack, "userMarker", probe, [arguments], {"binary":path,"provider":…}]
 *     [time, cpu, task, stack, "activity", duration, counts]
 *     [time, cpu, task, stack, "change", object, null]
 *     [time, cpu, task, stack, "packet", "receive"|"transmit", {"device":ref,"data":hex}, {"sk":object,"mark":…}]
 *     {"events":1234}                                                         the last line: how many there were
 *
 * Behind these stands an object with what else an event has: {"userStack":6} (a slot of stacks), {"raw":arguments}. The
 * header has the scenario's processes, devices, files and container maps, where it names any. A task refers to its
 * parent, leader and identity by their slots, an object to its identity by a ref.
 *
 * A slot is given to another thing when all are taken and nothing has been in use for longer, so both the writer and
 * the reader need no more memory for hours than for a second. Values that JSON has not are objects of one key:
 * {"big":"123"}, {"hex":"00ff"}, {"ref":9} (an object), {"symbol":"f+0x1"}.
 */
import type { Nanoseconds } from '../base/index.ts';
import type { NetDevice, Process } from '../events/index.ts';
import type { ContainerMap } from './scenario.ts';

export interface RecordHeader {
  readonly tracebed: 'recording';
  readonly version: 1;
  readonly name: string;
  readonly summary: string;
  /** The kernel profile that it was recorded on: numbers of drop reasons are that kernel's. */
  readonly kernel: string;
  readonly seed: number;
  readonly cpus: number;
  readonly duration: Nanoseconds;
  /** ns since 1970, in decimal. */
  readonly epoch?: string;
  readonly processes?: readonly Process[];
  readonly devices?: readonly NetDevice[];
  readonly files?: Readonly<Record<string, string>>;
  readonly containerMaps?: readonly ContainerMap[];
}

export const recordVersion = 1;

/** Slots of each kind: more objects than live at one time in any kernel that is watched this closely. */
const slotCount = 65_536;

/** Things in slots: which slot one has, and the slot that one gets. */
export class Slots<T extends object> {
  readonly #slots = new Map<T, number>();
  readonly #limit: number;

  constructor(limit = slotCount) {
    this.#limit = limit;
  }

  /** The slot of a thing that has one, which is then the last to be given away. */
  use(thing: T): number | undefined {
    const slot = this.#slots.get(thing);
    if (slot === undefined) return undefined;
    this.#slots.delete(thing);
    this.#slots.set(thing, slot);
    return slot;
  }

  /** Gives a thing a slot: a new one, or that of what has been out of use for longest. */
  give(thing: T): number {
    let slot = this.#slots.size;
    if (slot === this.#limit) {
      const [oldest, freed] = this.#slots.entries().next().value!;
      this.#slots.delete(oldest);
      slot = freed;
    }
    this.#slots.set(thing, slot);
    return slot;
  }
}
