import {
  type AttachTarget,
  findBinary,
  isPattern,
  type Kernel,
  matcher,
  nearestHint,
  type ProgramType,
  UsageError,
  usdtTargets,
} from 'tracebed';
import { asTyped } from './probe-place.ts';

/**
 * What a pattern of funccount or funclatency means, in BCC's forms: `vfs_*` and `p::vfs_*` are functions of the kernel,
 * `c:malloc` and `p:c:malloc` functions of a library or program, `t:sched:*` tracepoints, `u:shopd:*` USDT probes.
 */
export interface Place {
  readonly name: string;
  /** A USDT probe may stand at several. */
  readonly targets: readonly AttachTarget[];
}

export interface Places {
  /** What the program is loaded as. */
  readonly programType: ProgramType;
  readonly places: readonly Place[];
  /** Of user functions and probes: their library or program. */
  readonly library: string | undefined;
}

export interface PlaceOptions {
  /** Only functions have what is wanted: entries and returns. */
  readonly functionsOnly?: boolean;
  /** The pattern is a regular expression, matched from a name's start. */
  readonly regexp: boolean;
  /** User functions and probes: only in this process. */
  readonly process: number | undefined;
}

/** As many as BCC attaches to at once (BCC_PROBE_LIMIT). */
const mostPlaces = 1000;

/** @throws UsageError for a pattern of another form, one that matches nothing, or too much; BpfError for no such library */
export function findPlaces(kernel: Kernel, text: string, options: PlaceOptions): Places {
  const { type, library, pattern } = parse(text);
  if (options.functionsOnly && type !== 'p') {
    throw new UsageError(`'${text}' is no function`, { expected: 'FUNCTION, or LIBRARY:FUNCTION' });
  }
  const matches = options.regexp ? expression(pattern) : matcher(pattern);
  const found =
    type === 't'
      ? tracepoints(kernel)
      : library === ''
        ? functions(kernel)
        : userPlaces(kernel, type, library, options);
  const places = found.filter(({ name }) => matches(name));
  if (places.length === 0) {
    throw new UsageError(nothing(kernel, type, library, text, options), {
      ...nearestHint(
        pattern,
        found.map(({ name }) => name),
        'tracebed events lists what can be attached to',
      ),
    });
  }
  if (places.length > mostPlaces) {
    throw new UsageError(`'${text}' matches ${places.length} places`, { expected: `at most ${mostPlaces}` });
  }
  return { programType: type === 't' ? 'tracepoint' : 'kprobe', places, library: library === '' ? undefined : library };
}

function nothing(kernel: Kernel, type: Pattern['type'], library: string, text: string, options: PlaceOptions): string {
  const noun = { p: 'function', t: 'tracepoint', u: 'USDT probe' }[type];
  if (options.regexp || isPattern(text)) return `no ${noun} matches '${text}'`;
  return library === '' ? `Linux ${kernel.profile.release} has no ${noun} '${text}'` : `there is no ${noun} '${text}'`;
}

interface Pattern {
  readonly type: 'p' | 't' | 'u';
  /** Empty for the kernel. */
  readonly library: string;
  readonly pattern: string;
}

function parse(text: string): Pattern {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { type: 'p', library: '', pattern: first };
  if (parts.length === 2) return { type: 'p', library: first, pattern: second };
  if (parts.length > 3) {
    throw new UsageError(`'${text}' has too many parts`, {
      expected: 'FUNCTION, LIBRARY:FUNCTION, t:CATEGORY:EVENT or u:LIBRARY:PROBE',
    });
  }
  if (first === 't') return { type: 't', library: '', pattern: `${second}:${third}` };
  if (first === 'p') return { type: 'p', library: second, pattern: third };
  if (first !== 'u') throw new UsageError(`'${text}' begins with '${first}'`, { expected: "the type 'p', 't' or 'u'" });
  if (second === '') throw new UsageError(`'${text}' names no program or library`, { expected: 'u:LIBRARY:PROBE' });
  return { type: 'u', library: second, pattern: third };
}

function expression(pattern: string): (name: string) => boolean {
  try {
    const form = new RegExp(`^(?:${pattern})`);
    return (name) => form.test(name);
  } catch (cause) {
    throw new UsageError(`not a regular expression: ${pattern}`, { cause, hint: (cause as Error).message });
  }
}

function functions(kernel: Kernel): Place[] {
  return [...new Set(kernel.functions())].map((name) => ({ name, targets: [{ kind: 'kprobe', function: name }] }));
}

function tracepoints(kernel: Kernel): Place[] {
  return [...kernel.tracepoints()].map((name) => ({ name, targets: [{ kind: 'tracepoint', name }] }));
}

/** A function that has several names is one place, as is a name that stands for several functions. */
function userPlaces(kernel: Kernel, type: 'p' | 'u', library: string, { process }: PlaceOptions): Place[] {
  const file = asTyped(() => findBinary(kernel, library));
  const pid = process === undefined ? {} : { pid: process };
  if (type === 'u') {
    const names = new Set(file.probes.map((probe) => probe.name));
    return [...names].map((name) => ({ name, targets: usdtTargets(kernel, file.path, undefined, name, pid) }));
  }
  const names = new Set<string>();
  const addresses = new Set<number>();
  return file.symbols.flatMap(({ name, address }) => {
    if (names.has(name) || addresses.has(address)) return [];
    names.add(name);
    addresses.add(address);
    return [{ name, targets: [{ kind: 'uprobe' as const, binary: file.path, address, ...pid }] }];
  });
}
