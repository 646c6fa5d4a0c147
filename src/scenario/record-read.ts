/** Reads a recorded scenario back, line by line as it is played; faults have file, line and column. */
import { closeSync, openSync, readSync } from 'node:fs';
import { fromHex, InputError } from '../base/index.ts';
import type {
  Argument,
  Arguments,
  CpuActivity,
  KernelEvent,
  KernelObject,
  KernelStack,
  Moment,
  ObjectChange,
  Sock,
  Task,
} from '../events/index.ts';
import { playInOrder } from './play-list.ts';
import { type RecordHeader, recordVersion } from './record-format.ts';
import type { Scenario } from './scenario.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Why a line cannot be taken; the reader adds where. */
class LineFault extends Error {
  readonly expected: string;

  constructor(message: string, expected: string) {
    super(message);
    this.expected = expected;
  }
}

/** Reads lines; what earlier ones defined is at hand for later ones. */
class RecordReader {
  readonly #tasks: Task[] = [];
  readonly #stacks: KernelStack[] = [];
  readonly #objects: KernelObject[] = [];
  readonly #file: string;
  #line = 0;
  #time = 0;
  #events = 0;
  #ended = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** The first line. @throws InputError when it is no header of a recording, or one of another version */
  header(line: string): RecordHeader {
    return this.#take(line, (json) => {
      const expected = '{"tracebed":"recording","version":1,…}';
      if (!isObject(json) || json.tracebed !== 'recording') throw new LineFault('this is not a recording', expected);
      if (json.version !== recordVersion) {
        throw new LineFault(`a recording of version ${JSON.stringify(json.version)}`, `version ${recordVersion}`);
      }
      for (const [key, type] of Object.entries({
        name: 'string',
        cpus: 'number',
        duration: 'number',
        kernel: 'string',
      })) {
        if (typeof json[key] !== type) throw new LineFault(`the header has no ${key}`, `a ${type}`);
      }
      return json as unknown as RecordHeader;
    });
  }

  /** A further line: its event, or undefined for a definition. @throws InputError with the line's place */
  next(line: string): KernelEvent | undefined {
    return this.#take(line, (json) => {
      if (this.#ended) throw new LineFault('there is more behind the last line', 'the end of the file');
      if (Array.isArray(json)) return this.#event(json);
      if (!isObject(json)) throw new LineFault('this is neither an event nor a definition', 'an array or an object');
      this.#define(json);
      return undefined;
    });
  }

  /** The end of the file. @throws InputError when it comes too early */
  end(): void {
    if (this.#ended) return;
    throw new InputError('the recording is cut off: its last line is missing', {
      at: { file: this.#file, line: this.#line + 1, column: 1 },
      expected: '{"events":COUNT}',
      hint: 'record the scenario again',
    });
  }

  #take<T>(line: string, use: (json: Json) => T): T {
    this.#line++;
    const at = {
      file: this.#file,
      line: this.#line,
      column: 1,
      text: line.length > 200 ? `${line.slice(0, 200)}…` : line,
    };
    let json: Json;
    try {
      json = JSON.parse(line) as Json;
    } catch (cause) {
      const position = /position (\d+)/.exec((cause as Error).message)?.[1];
      const column = position === undefined ? line.length + 1 : Number(position) + 1;
      throw new InputError('this line is not JSON', {
        at: column <= 200 ? { ...at, column } : { file: this.#file, line: this.#line, column },
        expected: 'an event, a definition, or the header of a recording',
        hint: 'the file was damaged or cut off: record the scenario again',
      });
    }
    try {
      return use(json);
    } catch (fault) {
      if (fault instanceof LineFault) throw new InputError(fault.message, { at, expected: fault.expected });
      throw fault;
    }
  }

  #define(json: JsonObject): void {
    const { task, stack, object, is, events } = json;
    if (typeof task === 'number' && isObject(is)) this.#tasks[task] = this.#task(is);
    else if (typeof stack === 'number' && Array.isArray(is)) this.#stacks[stack] = is as string[];
    else if (typeof object === 'number' && isObject(is)) this.#objects[object] = this.#object(is);
    else if (events === this.#events) this.#ended = true;
    else if (typeof events === 'number') {
      throw new LineFault(`the recording has ${this.#events} events, its last line says ${events}`, 'as many');
    } else throw new LineFault('this is no definition', 'one of a task, a stack, an object');
  }

  #event(json: Json[]): KernelEvent {
    const [time, cpu, task, stack, kind, name, last, more] = json;
    if (typeof time !== 'number' || typeof cpu !== 'number') {
      throw new LineFault('this is no event', '[time, cpu, task, stack, kind, name, arguments]');
    }
    if (time < this.#time) throw new LineFault(`time goes from ${this.#time} back to ${time}`, 'events in order');
    this.#time = time;
    this.#events++;
    const extra = isObject(more) ? more : {};
    const moment = {
      time,
      cpu,
      task: this.#slot(this.#tasks, task, 'task'),
      stack: this.#slot(this.#stacks, stack, 'stack'),
      ...(extra.userStack === undefined ? {} : { userStack: this.#slot(this.#stacks, extra.userStack, 'stack') }),
    };
    if (kind === 'activity' && typeof name === 'number') {
      const activity = { kind, ...moment, duration: name } as const;
      const counts = isObject(last) ? (last as CpuActivity['counts'] & object) : {};
      return Object.keys(counts).length === 0 ? activity : { ...activity, counts };
    }
    if (kind === 'change' && typeof name === 'number') {
      return { kind, ...moment, object: this.#slot(this.#objects, name, 'object') as ObjectChange['object'] };
    }
    if (typeof name !== 'string') {
      throw new LineFault('this is no event', '[time, cpu, task, stack, kind, name, arguments]');
    }
    return this.#named(moment, kind, name, last, extra);
  }

  /** An event of something that has a name. */
  #named(moment: Moment, kind: Json | undefined, name: string, last: Json | undefined, extra: JsonObject): KernelEvent {
    const binary = typeof extra.binary === 'string' ? extra.binary : '';
    switch (kind) {
      case 'entry':
        return { kind, ...moment, function: name, args: this.#arguments(last) };
      case 'exit':
        return { kind, ...moment, function: name, returns: this.#argument(last ?? 0) };
      case 'tracepoint': {
        const raw = extra.raw === undefined ? {} : { raw: this.#arguments(extra.raw) };
        return { kind, ...moment, name, fields: this.#arguments(last), ...raw };
      }
      case 'rawTracepoint':
        return { kind, ...moment, name, args: this.#arguments(last) };
      case 'userEntry':
        return { kind, ...moment, binary, function: name, args: this.#list(last) };
      case 'userExit':
        return { kind, ...moment, binary, function: name, returns: this.#argument(last ?? 0) };
      case 'userMarker': {
        const provider = typeof extra.provider === 'string' ? extra.provider : '';
        return { kind, ...moment, binary, provider, probe: name, args: this.#list(last) };
      }
      case 'packet':
        return this.#packet(moment, name, this.#arguments(last), extra);
      default:
        throw new LineFault(`an event of kind ${JSON.stringify(kind)}`, eventKinds.join(', '));
    }
  }

  #packet(moment: Moment, direction: string, { device, data }: Arguments, extra: JsonObject): KernelEvent {
    const isDevice = typeof device === 'object' && device !== null && 'object' in device;
    if (!isDevice || device.object !== 'net_device' || !(data instanceof Uint8Array)) {
      throw new LineFault('a packet without its device or bytes', '{"device":{"ref":…},"data":{"hex":…}}');
    }
    if (direction !== 'receive' && direction !== 'transmit') {
      throw new LineFault(`a packet of direction '${direction}'`, 'receive or transmit');
    }
    const numbers = ['queue', 'mark', 'priority'].filter((name) => typeof extra[name] === 'number');
    const sk = extra.sk === undefined ? {} : { sk: this.#slot(this.#objects, extra.sk, 'object') as Sock };
    const more = Object.fromEntries(numbers.map((name) => [name, extra[name] as number]));
    return { kind: 'packet', ...moment, direction, device, data, ...sk, ...more };
  }

  #list(json: Json | undefined): readonly Argument[] {
    if (!Array.isArray(json)) throw new LineFault('an event without arguments', 'an array');
    return json.map((value) => this.#argument(value));
  }

  #task(is: JsonObject): Task {
    const { parent, leader, identity, fields, ...own } = is;
    return {
      ...own,
      ...(identity === undefined ? {} : { identity: this.#slot(this.#tasks, identity, 'task') }),
      ...(fields === undefined ? {} : { fields: this.#arguments(fields) }),
      ...(parent === undefined ? {} : { parent: this.#slot(this.#tasks, parent, 'task') }),
      ...(leader === undefined ? {} : { leader: this.#slot(this.#tasks, leader, 'task') }),
    } as unknown as Task;
  }

  #slot<T>(slots: readonly T[], slot: Json | undefined, kind: string): T {
    const found = typeof slot === 'number' ? slots[slot] : undefined;
    if (found === undefined)
      throw new LineFault(`no ${kind} ${JSON.stringify(slot)} was defined`, 'its definition above');
    return found;
  }

  #object(is: JsonObject): KernelObject {
    if (is.object === 'task') return { object: 'task', task: this.#slot(this.#tasks, is.task, 'task') };
    return Object.fromEntries(
      Object.entries(is).map(([name, value]) => [name, this.#member(name, value)]),
    ) as unknown as KernelObject;
  }

  #member(name: string, value: Json): unknown {
    if (name === 'fields') return this.#arguments(value);
    return Array.isArray(value) ? this.#list(value) : this.#argument(value);
  }

  #arguments(json: Json | undefined): Arguments {
    if (!isObject(json)) throw new LineFault('an event without arguments', 'an object');
    return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, this.#argument(value)]));
  }

  #argument(json: Json): Argument {
    if (!isObject(json)) return json as Argument;
    if (typeof json.symbol === 'string') return { symbol: json.symbol };
    if (typeof json.big === 'string' && /^-?\d+$/.test(json.big)) return BigInt(json.big);
    if (typeof json.hex === 'string') {
      const bytes = fromHex(json.hex);
      if (bytes) return bytes;
    }
    if (json.ref !== undefined) return this.#slot(this.#objects, json.ref, 'object');
    throw new LineFault(`a value ${JSON.stringify(json).slice(0, 60)}`, 'a number, a text, big, hex, ref or symbol');
  }
}

/** What stands in the place of an event's kind. */
const eventKinds: readonly KernelEvent['kind'][] = [
  'entry',
  'exit',
  'tracepoint',
  'rawTracepoint',
  'userEntry',
  'userExit',
  'userMarker',
  'activity',
  'change',
  'packet',
];

/** The lines of a file, read as they are asked for. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const decoder = new TextDecoder();
    const bytes = new Uint8Array(65_536);
    let rest = '';
    for (let size = readSync(file, bytes); size > 0; size = readSync(file, bytes)) {
      const lines = (rest + decoder.decode(bytes.subarray(0, size), { stream: true })).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(file);
  }
}

/** The events of recorded lines. @throws InputError with the place of a line that cannot be taken */
export function* readRecordLines(lines: Iterable<string>, file: string): Generator<KernelEvent> {
  const reader = new RecordReader(file);
  let first = true;
  for (const line of lines) {
    if (first) reader.header(line);
    else {
      const event = reader.next(line);
      if (event) yield event;
    }
    first = false;
  }
  reader.end();
}

/** Whether a file begins as a recorded scenario does. */
export function isRecordStart(text: string): boolean {
  return /^\s*\{\s*"tracebed"\s*:/.test(text);
}

/** A recorded scenario of a file. Its events are read while it plays. @throws InputError for a header that is none */
export function recordedScenario(path: string): Scenario {
  const lines = linesOf(path);
  const first = lines.next().value;
  lines.return(undefined);
  const header = new RecordReader(path).header(typeof first === 'string' ? first : '');
  return {
    name: header.name,
    summary: header.summary ?? 'recorded',
    cpus: header.cpus,
    duration: header.duration,
    ...(header.processes === undefined ? {} : { processes: header.processes }),
    ...(header.devices === undefined ? {} : { devices: header.devices }),
    ...(header.files === undefined ? {} : { files: header.files }),
    ...(header.containerMaps === undefined ? {} : { containerMaps: header.containerMaps }),
    ...(header.epoch === undefined ? {} : { epoch: BigInt(header.epoch) }),
    notes: (profile) =>
      profile.name === header.kernel
        ? []
        : [`recorded on kernel ${header.kernel}, played to ${profile.name}: numbers of drop reasons are the former's`],
    events: (stage) => playInOrder(() => readRecordLines(linesOf(path), path), stage.scheduler),
  };
}
