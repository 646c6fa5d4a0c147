import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findDetail, findMessage } from '../../../src/verifier/explain/forms.ts';
import { details, messages } from '../../../src/verifier/explain/messages.ts';
import { categories } from '../../../src/verifier/index.ts';

const folder = new URL('../../../src/verifier/', import.meta.url);

/** Text of the verifier's own files by name. */
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

/** End of the string or template that begins at `at`. */
function endOfText(source: string, at: number): number {
  const quote = source[at];
  let end = at + 1;
  while (source[end] !== quote) {
    if (source[end] === '\\') end++;
    else if (quote === '`' && source.startsWith('${', end)) end = endOfHole(source, end + 2) - 1;
    end++;
  }
  return end + 1;
}

/** Behind the brace that closes a template's hole. */
function endOfHole(source: string, from: number): number {
  let depth = 1;
  let at = from;
  while (depth > 0) {
    if (source[at] === '{') depth++;
    if (source[at] === '}') depth--;
    at = depth > 0 && /['"`]/.test(source[at] as string) ? endOfText(source, at) : at + 1;
  }
  return at;
}

/** A text as written, every hole a `7`. */
function messageOf(written: string): string {
  let value = '';
  for (let at = 1; at < written.length - 1; at++) {
    if (written[0] === '`' && written.startsWith('${', at)) {
      at = endOfHole(written, at + 2) - 1;
      value += '7';
    } else {
      if (written[at] === '\\') at++;
      value += written[at];
    }
  }
  return value;
}

/** The messages in calls of `fail`: every text among the arguments but the errno. */
function messagesIn(source: string): string[] {
  const found: string[] = [];
  for (const { index } of source.matchAll(/\.fail\(/g)) {
    let depth = 1;
    for (let at = index + 6; depth > 0; at++) {
      const sign = source[at] as string;
      if (sign === '(') depth++;
      else if (sign === ')') depth--;
      else if (/['"`]/.test(sign)) {
        const end = endOfText(source, at);
        found.push(messageOf(source.slice(at, end)));
        at = end - 1;
      }
    }
  }
  return found.filter((text) => text !== '' && !/^E[A-Z0-9]+$/.test(text));
}

describe('every message with which the verifier refuses has a row', () => {
  test.each(sources)('%s', (_, source) => {
    const missing = messagesIn(source).filter((message) => !findMessage(message));
    expect(missing, 'rows in src/verifier/explain/messages.ts').toEqual([]);
  });

  test('the reader of messages finds them', () => {
    const all = sources.flatMap(([, source]) => messagesIn(source));
    expect(all.length).toBeGreaterThan(100);
    expect(all).toContain('R7 !read_ok');
    expect(all).toContain('BPF_ST uses reserved fields');
  });
});

/** Parts that an explanation gives by itself. */
const given = new Set(['subject', 'source', 'value', 'here', 'helper', 'type', 'place']);

describe('rows', () => {
  test.each(messages.map((row) => [row.form, row] as const))('%s', (form, { category, reason, suggestion }) => {
    expect(Object.keys(categories)).toContain(category);
    const parts = new Set([...form.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name as string));
    const used = [...`${reason} ${suggestion ?? ''}`.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name as string);
    expect(used.filter((name) => !parts.has(name) && !given.has(name))).toEqual([]);
    expect(findMessage(form.replace(/\{[a-z]+\}/g, '7'))).toBeDefined();
  });

  test('a special form stands before a general one', () => {
    const rowOf = (message: string): string | undefined => findMessage(message)?.row.form;
    expect(rowOf("R0 invalid mem access 'map_value_or_null'")).toContain('_or_null');
    expect(rowOf("R0 invalid mem access 'scalar'")).toContain("'scalar'");
    expect(rowOf("R0 invalid mem access 'ptr_or_null_task_struct'")).toContain('_or_null');
    expect(rowOf("R0 invalid mem access 'map_ptr'")).toContain("'{kind}'");
  });

  test('each can be reached: none stands behind one that takes its messages', () => {
    const hidden = messages.filter(({ form }) => findMessage(form.replace(/\{[a-z]+\}/g, '7'))?.row.form !== form);
    expect(hidden.map(({ form }) => form)).toEqual([]);
  });

  test.each(details.map(({ form }) => form))('%s', (form) => {
    expect(findDetail(form.replace(/\{[a-z]+\}/g, '7'))?.row.form).toBe(form);
  });
});
