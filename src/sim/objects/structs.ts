import type { KernelProfile } from '../../btf/index.ts';
import { identityOf, type StructObject } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { Values } from '../contexts/values.ts';
import { StructFields } from './fields.ts';
import { Members } from './members.ts';
import { Pool } from './pool.ts';

/** Any struct of the kernel's BTF, with the members that the event gives and zeros elsewhere. */
const live = 512;

class StructKind {
  readonly size: number;
  readonly pool: Pool<StructObject>;
  readonly members: Members;

  constructor(memory: Memory, fields: StructFields, members: Members) {
    this.size = fields.size;
    this.members = members;
    this.pool = new Pool<StructObject>(live, () => memory.allocate(Math.max(8, fields.size)));
  }
}

export class Structs {
  readonly #memory: Memory;
  readonly #profile: KernelProfile;
  readonly #values: Values;
  readonly #kinds = new Map<string, StructKind>();
  /** What objects that changed are like, by what they first were. */
  readonly #latest = new WeakMap<StructObject, StructObject>();

  constructor(memory: Memory, profile: KernelProfile, values: Values) {
    this.#memory = memory;
    this.#profile = profile;
    this.#values = values;
  }

  /**
   * The offset of an object's struct: the same while it lives.
   * @throws InputError for an unknown struct or member, or a value that does not fit its type
   */
  address(object: StructObject): number {
    const kind = this.#kind(object.type);
    const key = identityOf(object);
    const known = kind.pool.find(key);
    return known !== 0 ? known : this.#fill(kind, kind.pool.take(key), this.#latest.get(key) ?? object);
  }

  /** An object is like this from now on. */
  change(object: StructObject): void {
    const kind = this.#kind(object.type);
    const key = identityOf(object);
    const known = kind.pool.find(key);
    this.#latest.set(key, object);
    if (known !== 0) this.#fill(kind, known, object);
  }

  #fill({ size, members }: StructKind, at: number, object: StructObject): number {
    this.#memory.u8.fill(0, at, at + size);
    members.write(at, object.fields);
    return at;
  }

  /** The object of that struct at an offset. */
  objectAt(type: string, offset: number): StructObject | undefined {
    return this.#kinds.get(type)?.pool.keyAt(offset);
  }

  #kind(type: string): StructKind {
    let kind = this.#kinds.get(type);
    if (kind === undefined) {
      const fields = new StructFields(this.#profile.btf, type.replace(/^(struct|union) /, ''));
      kind = new StructKind(this.#memory, fields, new Members(this.#memory, this.#profile, this.#values, [fields]));
      this.#kinds.set(type, kind);
    }
    return kind;
  }
}
