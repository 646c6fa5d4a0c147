/**
 * A disk and the requests that it works on, as block/blk-mq.c handles them: a request is accounted for, waits for its
 * turn or is issued at once, and is completed by an interrupt. It is one struct request that changes on its way.
 */
import { EMPTY, merge, mergeMap, type Observable, ReplaySubject, take } from 'rxjs';
import { type Nanoseconds, us } from '../base/index.ts';
import { type Arguments, type KernelEvent, later, type StructObject, type Task } from '../events/index.ts';
import type { CallTree, Inside } from './call.ts';
import type { Context } from './context.ts';
import { interrupt } from './interrupt.ts';
import type { Script } from './script.ts';

/** enum req_op (include/linux/blk_types.h). */
const operations = { read: 0, write: 1, flush: 2, discard: 3 } as const;
export type BlockOperation = keyof typeof operations;

/** REQ_* flags, by what a request is for. */
const flags = { sync: 1 << 11, meta: 1 << 12, fua: 1 << 17, preflush: 1 << 18, ahead: 1 << 19 } as const;
export type BlockFlag = keyof typeof flags;

export interface DiskSpec {
  /** `nvme0n1` */
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  /** CPU that its interrupts come to; 0 when absent. */
  readonly cpu?: number;
}

export interface BlockRequestSpec {
  readonly operation: BlockOperation;
  readonly flags?: readonly BlockFlag[];
  /** In sectors of 512 bytes, whatever the disk's own are. */
  readonly sector: number;
  readonly bytes: number;
  /** How long it waits before the disk is given it, ns; it is issued at once when absent. */
  readonly queued?: Nanoseconds;
  /** How long the disk works on it, ns. */
  readonly takes: Nanoseconds;
}

const submission = us(2.5);
const start = us(0.8);
const completion = us(4);

const interruptPath = [
  'blk_mq_complete_request+0x1a',
  'nvme_irq+0x83 [nvme]',
  '__handle_irq_event_percpu+0x47',
  'handle_irq_event+0x38',
  'handle_edge_irq+0x91',
  'common_interrupt+0x7a',
] as const;
const workerPath = [
  'blk_mq_dispatch_rq_list+0x133',
  '__blk_mq_sched_dispatch_requests+0xc3',
  'blk_mq_run_work_fn+0x6d',
  'process_one_work+0x18d',
  'worker_thread+0x2f0',
  'kthread+0xdb',
] as const;

/** What a request is on its way: submitted by a task, then in the hands of the disk. */
export interface BlockRequest {
  /** The call in which the task hands it over; nest it where the task does. */
  readonly submit: CallTree;
  /** What happens by itself once `submit` has begun: its turn, its completion. To be played beside it. */
  readonly rest: Observable<KernelEvent>;
  /** From the begin of `submit` to the end of its completion, ns, on a CPU that has nothing else to do. */
  readonly span: Nanoseconds;
}

export class Disk {
  readonly script: Script;
  readonly spec: DiskSpec;
  /** dev_t as the kernel counts it: major << 20 | minor. */
  readonly device: number;
  readonly #queue: StructObject;
  readonly #part: StructObject;
  readonly #interrupt: Context;
  readonly #worker: Task;

  constructor(script: Script, spec: DiskSpec) {
    const { name, major, minor } = spec;
    this.script = script;
    this.spec = spec;
    this.device = (major << 20) | minor;
    const disk: StructObject = {
      object: 'struct',
      type: 'gendisk',
      fields: { disk_name: name, major, first_minor: minor, minors: 16 },
    };
    this.#queue = { object: 'struct', type: 'request_queue', fields: { disk } };
    this.#part = { object: 'struct', type: 'block_device', fields: { bd_dev: this.device, bd_disk: disk } };
    const cpu = (spec.cpu ?? 0) % script.cpus;
    const idle = script.task({ pid: 0, comm: `swapper/${cpu}` });
    this.#interrupt = script.on({ cpu, task: idle, stack: interruptPath });
    this.#worker = script.task({ pid: 60 + cpu, comm: `kworker/${cpu}:1H`, kernelThread: true });
  }

  /** A request on its way. What it does is worked out now, and happens when its parts are played. */
  request(context: Context, spec: BlockRequestSpec): BlockRequest {
    const { queued = 0 } = spec;
    const moving = new MovingRequest(this.#make(spec), spec, this.device);
    const { first } = moving;
    const accounting = context.callKnown('blk_account_io_start', { req: first }, { takes: us(0.3) }, [
      moving.passes('block:block_io_start'),
    ]);
    const inserted = queued > 0 ? [moving.passes('block:block_rq_insert')] : [moving.issue(context)];
    const begun = new ReplaySubject<void>(1);
    const begin: Inside = () => {
      begun.next();
      return [];
    };
    const submit = context.call('submit_bio', {}, { takes: submission, after: 0 }, [begin, ...accounting, ...inserted]);
    const worker = this.#interrupt.on({ task: this.#worker, stack: workerPath });
    const turn = queued > 0 ? interrupt(this.script, submission + queued, () => moving.issue(worker)) : EMPTY;
    const issued = queued > 0 ? submission + queued + start : submission;
    const done = interrupt(this.script, issued + spec.takes, () => moving.complete(this.#interrupt));
    const rest = begun.pipe(
      take(1),
      mergeMap(() => merge(turn, done)),
    );
    return { submit, rest, span: issued + spec.takes + completion };
  }

  /** As `request`, of a task that does not wait for it: all of it at once. */
  submit(context: Context, spec: BlockRequestSpec): Observable<KernelEvent> {
    const { submit, rest } = this.request(context, spec);
    return merge(submit, rest);
  }

  #make({ operation, flags: names = [], sector, bytes }: BlockRequestSpec): StructObject {
    const bits = names.reduce<number>((sum, name) => sum | flags[name], operations[operation]);
    const fields = {
      q: this.#queue,
      part: this.#part,
      cmd_flags: bits,
      __data_len: bytes,
      __sector: sector,
      nr_phys_segments: Math.ceil(bytes / 4096),
    };
    return { object: 'struct', type: 'request', fields };
  }
}

/** One request, and its struct as it is now. */
class MovingRequest {
  readonly first: StructObject;
  readonly #spec: BlockRequestSpec;
  readonly #device: number;
  #now: StructObject;

  constructor(made: StructObject, spec: BlockRequestSpec, device: number) {
    this.first = made;
    this.#now = made;
    this.#spec = spec;
    this.#device = device;
  }

  #change(inside: Context, fields: Arguments): KernelEvent {
    this.#now = later(this.#now, { fields });
    return inside.change(this.#now);
  }

  /** A tracepoint of the block layer, where this kernel has it. */
  passes(name: string): Inside {
    return (inside) => {
      const { sector, bytes } = this.#spec;
      const fields = {
        dev: this.#device,
        sector,
        nr_sector: Math.ceil(bytes / 512),
        bytes,
        rwbs: rwbs(this.#spec),
        comm: inside.task.comm,
      };
      const times =
        name === 'block:block_io_start' ? [this.#change(inside, { start_time_ns: inside.world.scheduler.now() })] : [];
      return [...times, ...inside.tracepointKnown(name, fields, {}, { rq: this.first })];
    };
  }

  /** The disk is given it. */
  issue(context: Context): CallTree {
    const begun: Inside = (inside) =>
      this.#change(inside, {
        io_start_time_ns: inside.world.scheduler.now(),
        stats_sectors: this.#spec.bytes >> 9,
        state: 1,
      });
    return context.call('blk_mq_start_request', { rq: this.first }, { takes: start }, [
      this.passes('block:block_rq_issue'),
      begun,
    ]);
  }

  /** The disk has done it. What is left of it is nothing by the time that it is accounted for. */
  complete(context: Context): CallTree {
    const { sector, bytes } = this.#spec;
    const completed: Inside = (inside) => [
      inside.tracepoint(
        'block:block_rq_complete',
        { dev: this.#device, sector, nr_sector: Math.ceil(bytes / 512), error: 0, rwbs: rwbs(this.#spec) },
        {},
        { rq: this.first, error: 0, nr_bytes: bytes },
      ),
      this.#change(inside, { __data_len: 0, state: 2 }),
    ];
    const now = context.world.scheduler.now();
    const done = context.callKnown('blk_account_io_done', { req: this.first, now }, { takes: us(0.5) }, [
      this.passes('block:block_io_done'),
    ]);
    return context.call('blk_mq_end_request', { rq: this.first, error: 0 }, { takes: completion }, [
      completed,
      ...done,
    ]);
  }
}

/** What the kernel writes for an operation and its flags: `WS`, `RA`, `FF` (kernel/trace/blktrace.c: blk_fill_rwbs). */
function rwbs({ operation, flags: names = [] }: BlockRequestSpec): string {
  const letters = { read: 'R', write: 'W', flush: 'F', discard: 'D' } as const;
  const marks = { fua: 'F', ahead: 'A', sync: 'S', meta: 'M' } as const;
  const before = names.includes('preflush') ? 'F' : '';
  const behind = (Object.keys(marks) as (keyof typeof marks)[]).map((name) =>
    names.includes(name) ? marks[name] : '',
  );
  return before + letters[operation] + behind.join('');
}
