import { type BPF, sprintf, type Table, type ToolSetup } from 'tracebed';
import { recordName, valueField } from './program.ts';
import type { TraceProbe } from './specifier.ts';

/** One event of trace, read: what its line shows. */
export interface TraceEvent {
  readonly time: number;
  readonly tgid: number;
  readonly pid: number;
  readonly comm: string;
  /** As the column FUNC has it. */
  readonly place: string;
  readonly message: string;
  /** Frames, innermost first, the kernel's above those of user space. */
  readonly frames: readonly string[];
}

type Read = number | bigint | string;

interface Head {
  readonly time: number;
  readonly probe: number;
  readonly tgid: number;
  readonly pid: number;
  readonly kernel_stack: number;
  readonly user_stack: number;
  readonly comm: string;
}

/** Reads the records of all probes; each has its format, and addresses get their symbols. */
export class EventReader {
  readonly #bpf: BPF;
  readonly #probes: readonly TraceProbe[];
  readonly #events: Table;
  readonly #kernelStack: boolean;
  readonly #userStack: boolean;
  readonly #address: boolean;
  /** Files whose symbols are used; undefined for all. */
  readonly #files: ReadonlySet<string> | undefined;

  constructor(setup: ToolSetup, bpf: BPF, probes: readonly TraceProbe[]) {
    this.#bpf = bpf;
    this.#probes = probes;
    this.#events = bpf.table('events');
    this.#kernelStack = setup.flag('kernelStack');
    this.#userStack = setup.flag('userStack');
    this.#address = setup.flag('address');
    const files = setup.text('sym_file_list')?.split(',');
    this.#files = files && new Set(files.map((path) => path.slice(path.lastIndexOf('/') + 1)));
  }

  read(data: DataView): TraceEvent {
    const { probe, ...head } = this.#events.event<Head>(data, 'head');
    const { place, format, values } = this.#probes[probe] as TraceProbe;
    const record = this.#events.event<Readonly<Record<string, Read>>>(data, recordName(probe));
    const shown = values.map(({ conversion }, index) =>
      this.#shown(conversion, record[valueField(index)] as Read, head.tgid),
    );
    return {
      time: head.time,
      tgid: head.tgid,
      pid: head.pid,
      comm: head.comm,
      place: place.name,
      message: sprintf(format, ...shown),
      frames: [
        ...(this.#kernelStack ? this.#frames(head.kernel_stack, -1) : []),
        ...(this.#userStack ? this.#frames(head.user_stack, head.tgid) : []),
      ],
    };
  }

  #shown(conversion: string, value: Read, tgid: number): Read {
    if (conversion === 'K') return this.#bpf.ksym(BigInt(value), { showOffset: true });
    return conversion === 'U' ? this.#symbol(BigInt(value), tgid) : value;
  }

  /** A stack's frames; a stack that could not be kept is told by its errno. */
  #frames(id: number, tgid: number): readonly string[] {
    if (id < 0) return [String(id)];
    return this.#bpf.table('stacks').walk(id, (address) => {
      const symbol = this.#symbol(address, tgid);
      return this.#address ? sprintf('%16x %s', address, symbol) : symbol;
    });
  }

  /** A symbol of a process, of the kernel for -1, with its module or file. */
  #symbol(address: bigint, tgid: number): string {
    const symbol = this.#bpf.sym(address, tgid, { showModule: true, showOffset: true });
    if (tgid < 0 || !this.#files) return symbol;
    const file = /\[([^\]]*)\]$/.exec(symbol)?.[1] ?? '';
    return this.#files.has(file.slice(file.lastIndexOf('/') + 1)) ? symbol : `[unknown] [${file}]`;
  }
}
