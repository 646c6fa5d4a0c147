import type { AttachTarget } from '../sys/index.ts';
import { ReturnInstances } from './calls.ts';
import { Resource } from './fds.ts';
import type { ProgramResource } from './programs.ts';
import type { RecordContext } from './records.ts';
import type { FunctionContext } from './registers.ts';

/**
 * Attach points: a function with its kprobes and kretprobes, a tracepoint with its programs. Each keeps its links in
 * a flat array in the order of attaching, which is the order in which they run. A point's context writer is made when
 * something is first attached.
 */
export class FunctionPoint {
  readonly name: string;
  readonly entries: LinkResource[] = [];
  readonly exits: LinkResource[] = [];
  context: FunctionContext | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

export class TracepointPoint {
  readonly name: string;
  readonly links: LinkResource[] = [];
  context: RecordContext | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

export class LinkResource extends Resource {
  override readonly kind = 'link';
  readonly target: AttachTarget;
  readonly program: ProgramResource;
  /** Of a kretprobe. */
  readonly instances: ReturnInstances | undefined;
  readonly #counts = new Float64Array(2);
  readonly #list: LinkResource[];

  /** @param list where the point keeps its links of this kind */
  constructor(target: AttachTarget, program: ProgramResource, list: LinkResource[], maxActive: number) {
    super();
    this.target = target;
    this.program = program;
    this.instances = target.kind === 'kretprobe' ? new ReturnInstances(maxActive) : undefined;
    this.#list = list;
    program.hold();
    list.push(this);
  }

  get hits(): number {
    return this.#counts[0] as number;
  }

  get missed(): number {
    return this.#counts[1] as number;
  }

  countHit(): void {
    this.#counts[0]!++;
  }

  countMissed(): void {
    this.#counts[1]!++;
  }

  protected override release(): void {
    this.#list.splice(this.#list.indexOf(this), 1);
    this.program.letGo();
  }
}
