import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { InputError, nearestHint } from '../base/index.ts';
import type { Btf } from './btf.ts';
import { ConstantTable } from './constants.ts';
import { extendBtf } from './extend.ts';
import type { KernelProfile, TracepointFormat } from './profile.ts';
import { readBtf } from './reader.ts';
import { releaseOf } from './release.ts';
import { formatFromBtf } from './tracepoint-btf.ts';
import { TracepointFile } from './tracepoint-file.ts';

/**
 * The kernels that come with the package, and profiles of a kernel that a user names. A profile is read from its files
 * each time it is loaded and keeps what it has read to itself. Drop reasons are those of the kernel's own enum
 * skb_drop_reason: their numbers differ between kernels.
 */
export const profileNames = ['6.18', '6.1'] as const;
export type ProfileName = (typeof profileNames)[number];

const releases: Readonly<Record<ProfileName, string>> = { '6.18': '6.18.44', '6.1': '6.1.0' };

/** One of the bundled kernels. @throws InputError for a name that is not bundled */
export function loadProfile(name: string): KernelProfile {
  const known = profileNames.find((candidate) => candidate === name);
  if (known === undefined) {
    throw new InputError(`no kernel profile '${name}'`, {
      expected: profileNames.join(' or '),
      ...nearestHint(name, profileNames),
    });
  }
  const btf = bundledBtf(known);
  const formats = new TracepointFile(bundled(`${known}/tracepoints.txt.gz`).toString(), `${known}/tracepoints.txt.gz`);
  if (known === '6.18') return new Profile(known, releases[known], btf, formats, undefined, []);
  return new Profile(known, releases[known], btf, formats, bundledReference(), derivedNotes('6.18'));
}

/**
 * A kernel by its BTF (/sys/kernel/btf/vmlinux of some machine). Tracepoint records come from the BTF where it has
 * them; see TracepointFormat.source.
 * @param name what the profile is called; @param release its uname -r; what the BTF tells of it when absent
 * @throws InputError with the byte offset for bytes that are not BTF
 */
export function profileFromBtf(
  bytes: Uint8Array,
  name: string,
  options: { release?: string; file?: string } = {},
): KernelProfile {
  const btf = readBtf(bytes, options.file);
  const own = new TracepointFile('constants:\n');
  const { release = `${releaseOf(btf) ?? '0.0'}.0` } = options;
  const guessed = `That it is Linux ${release} is concluded from what its BTF has.`;
  const notes = options.release === undefined ? [guessed, ...derivedNotes('6.18')] : derivedNotes('6.18');
  return new Profile(name, release, btf, own, bundledReference(), notes);
}

/** What a profile is to have besides: prototypes as `extendBtf` takes them, and formats as tracefs shows them. */
export interface ProfileExtension {
  readonly functions?: string;
  /** Format files one after the other, each name with its category: `name: skb:kfree_skb`. */
  readonly tracepoints?: string;
}

/** A profile with functions and tracepoints of modules. @throws InputError for a prototype or format that is none */
export function extendProfile(profile: KernelProfile, extension: ProfileExtension): KernelProfile {
  const { functions = '', tracepoints = '' } = extension;
  const more = new TracepointFile(`constants:\n${tracepoints}`);
  const { name, release, notes } = profile;
  return {
    name,
    release,
    ...(notes === undefined ? {} : { notes }),
    btf: extendBtf(profile.btf, functions),
    tracepoint: (wanted) => more.get(wanted) ?? profile.tracepoint(wanted),
    tracepointNames: () => [...profile.tracepointNames(), ...more.names()],
    constant: (wanted) => profile.constant(wanted),
    constantNames: () => profile.constantNames(),
    dropReasonName: (value) => profile.dropReasonName(value),
    dropReasonValue: (reason) => profile.dropReasonValue(reason),
  };
}

function derivedNotes(reference: string): string[] {
  return [
    `Tracepoints that only this kernel has, or whose arguments differ from ${reference}'s without a record struct in its BTF, are not known.`,
    `Format lines and tracepoint numbers are ${reference}'s where its own are not known.`,
  ];
}

function bundled(path: string): Buffer {
  const file = createRequire(import.meta.url).resolve(`#kernels/${path}`);
  return gunzipSync(readFileSync(file));
}

/** Functions that a bundled kernel has and its BTF does not, beyond those that no BTF has. */
const ownFunctions: Readonly<Partial<Record<ProfileName, string>>> = {
  '6.18': '6.18/functions.h',
  '6.1': '6.1/functions.h',
};

function bundledBtf(name: ProfileName): Btf {
  const btf = readBtf(bundled(`${name}/vmlinux.btf.gz`), `${name}/vmlinux.btf`);
  const own = ownFunctions[name];
  const prototypes = ['functions.h', ...(own === undefined ? [] : [own])];
  return extendBtf(btf, prototypes.map((path) => bundledText(path)).join(''));
}

function bundledText(path: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`#kernels/${path}`), 'utf8');
}

/** The kernel whose tracefs is known in full, read when a format is first derived from it. */
interface Reference {
  readonly btf: Btf;
  readonly formats: TracepointFile;
}

function bundledReference(): () => Reference {
  let reference: Reference | undefined;
  return () => {
    reference ??= {
      btf: bundledBtf('6.18'),
      formats: new TracepointFile(bundled('6.18/tracepoints.txt.gz').toString(), '6.18/tracepoints.txt.gz'),
    };
    return reference;
  };
}

class Profile implements KernelProfile {
  readonly name: string;
  readonly release: string;
  readonly btf: Btf;
  readonly notes: readonly string[];
  readonly #own: TracepointFile;
  readonly #reference: (() => Reference) | undefined;
  readonly #derived = new Map<string, TracepointFormat | undefined>();
  #constants: ConstantTable | undefined;
  #reasons: { readonly names: Map<number, string>; readonly values: Map<string, number> } | undefined;

  constructor(
    name: string,
    release: string,
    btf: Btf,
    own: TracepointFile,
    reference: (() => Reference) | undefined,
    notes: readonly string[],
  ) {
    this.name = name;
    this.release = release;
    this.btf = btf;
    this.notes = notes;
    this.#own = own;
    this.#reference = reference;
  }

  tracepoint(name: string): TracepointFormat | undefined {
    const own = this.#own.get(name);
    if (own || !this.#reference) return own;
    if (!this.#derived.has(name)) {
      const { btf, formats } = this.#reference();
      const format = formats.get(name);
      this.#derived.set(name, format && formatFromBtf(this.btf, format, btf));
    }
    return this.#derived.get(name);
  }

  *tracepointNames(): Iterable<string> {
    if (!this.#reference) {
      yield* this.#own.names();
      return;
    }
    const own = new Set(this.#own.names());
    const all = new Set([...own, ...this.#reference().formats.names()]);
    for (const name of [...all].sort()) if (own.has(name) || this.tracepoint(name)) yield name;
  }

  dropReasonName(value: number): string | undefined {
    return this.#dropReasons().names.get(value);
  }

  dropReasonValue(name: string): number | undefined {
    return this.#dropReasons().values.get(name.replace(reasonPrefix, ''));
  }

  constant(name: string): bigint | undefined {
    return this.#constantTable().get(name);
  }

  constantNames(): Iterable<string> {
    return this.#constantTable().names();
  }

  #constantTable(): ConstantTable {
    this.#constants ??= new ConstantTable(bundled('constants.txt.gz').toString());
    return this.#constants;
  }

  #dropReasons(): { readonly names: Map<number, string>; readonly values: Map<string, number> } {
    if (!this.#reasons) {
      const names = new Map<number, string>();
      const values = new Map<string, number>();
      const id = this.btf.find('enum', 'skb_drop_reason');
      const type = id === undefined ? undefined : this.btf.type(id);
      for (const { name, value } of type?.kind === 'enum' ? type.values : []) {
        const short = name.replace(reasonPrefix, '');
        if (short === 'MAX' || short === 'SUBSYS_MASK') continue;
        names.set(Number(value), short);
        values.set(short, Number(value));
      }
      this.#reasons = { names, values };
    }
    return this.#reasons;
  }
}

const reasonPrefix = /^SKB_(DROP_REASON_)?/;
