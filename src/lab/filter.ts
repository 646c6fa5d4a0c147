import type { Level, TracedRecord } from './tool.ts';

/**
 * What the user typed to narrow the view. Words are separated by spaces and must all hold; `key=value` looks at one
 * group level or column, a plain word at all of them, `!` before either turns it round; a word with spaces stands in
 * double quotes. Matching ignores case and takes parts of a text.
 *
 *   filter = { word } ;  word = [ "!" ] [ key "=" ] text ;
 */
export class Filter {
  readonly text: string;
  readonly #terms: readonly Term[];
  readonly #levels: readonly Level[];
  /** Verdicts of records, which never change: a storm's snapshots then cost a look-up each. */
  readonly #verdicts = new WeakMap<TracedRecord, boolean>();

  constructor(text: string, levels: readonly Level[]) {
    this.text = text;
    this.#levels = levels;
    this.#terms = parseTerms(text);
  }

  /** True when it lets everything pass. */
  get empty(): boolean {
    return this.#terms.length === 0;
  }

  /** What the groups (the outermost ones, or all) say of the records below them: all pass, none, or it depends. */
  ofGroups(groups: readonly string[]): 'all' | 'none' | 'some' {
    let open = false;
    for (const term of this.#terms) {
      const verdict = this.#groupVerdict(term, groups);
      if (verdict === false) return 'none';
      if (verdict === undefined) open = true;
    }
    return open ? 'some' : 'all';
  }

  #groupVerdict(term: Term, groups: readonly string[]): boolean | undefined {
    if (term.key !== undefined) {
      const level = this.#levels.findIndex((entry) => entry.key.toLowerCase() === term.key);
      return level < 0 || level >= groups.length ? undefined : holds(groups[level], term.text) !== term.not;
    }
    return groups.some((group) => holds(group, term.text)) ? !term.not : undefined;
  }

  /** Whether one record passes. */
  ofRecord(record: TracedRecord): boolean {
    const known = this.#verdicts.get(record);
    if (known !== undefined) return known;
    const verdict = this.#terms.every((term) => this.#recordVerdict(term, record));
    this.#verdicts.set(record, verdict);
    return verdict;
  }

  #recordVerdict(term: Term, record: TracedRecord): boolean {
    const byGroups = this.#groupVerdict(term, record.groups);
    if (byGroups !== undefined) return byGroups;
    for (const key in record.cells) {
      if (term.key !== undefined && key.toLowerCase() !== term.key) continue;
      if (holds(record.cells[key], term.text)) return !term.not;
    }
    return term.not;
  }
}

interface Term {
  readonly not: boolean;
  /** Lower case, as is the text. */
  readonly key: string | undefined;
  readonly text: string;
}

function parseTerms(text: string): Term[] {
  const terms: Term[] = [];
  for (const [, bang, key, quoted, plain] of text.matchAll(/(!?)(?:([\w.]+)=)?(?:"([^"]*)"?|(\S+))/g)) {
    const wanted = (quoted ?? plain ?? '').toLowerCase();
    if (wanted !== '') terms.push({ not: bang === '!', key: key?.toLowerCase(), text: wanted });
  }
  return terms;
}

function holds(cell: string | undefined, text: string): boolean {
  return cell?.toLowerCase().includes(text) === true;
}
