import { readFileSync, writeFileSync } from 'node:fs';
import * as tracebed from 'tracebed';
import { describe, expect, test } from 'vitest';
import { answersTo, outputForm, pageFile, pageOf, rewritten, typedIn, writing } from './page.ts';

const page = pageOf('from-bcc.md');

describe('its tool', () => {
  const typed = typedIn(page);
  const answers = answersTo(typed);
  if (writing) writeFileSync(pageFile('from-bcc.md'), rewritten(page, typed, answers));

  test.each(typed.map((one, i) => [one.command, i] as const))('%s', (_command, i) => {
    const { out, err } = answers[i]!;
    expect(`${out}${err}`).toMatch(outputForm(typed[i]!.expected));
  });
});

/** Rows of the page's tables: what stands in their first cell and in their second. */
const rows = [...page.matchAll(/^\| (.+?) \| (.+?) \|.*$/gm)]
  .map(([, bcc = '', ours = '']) => ({ bcc, ours }))
  .filter(({ bcc }) => !/^(BCC|in Python|-+)$/.test(bcc));

const classes = { bpf: tracebed.BPF, table: tracebed.Table, usdt: tracebed.USDT } as const;

/** Public members, also inherited ones; fields that a constructor makes are named here. */
function membersOf(name: keyof typeof classes): Set<string> {
  const fields = { bpf: ['kernel', 'spec', 'object'], table: ['map'], usdt: ['places'] }[name];
  const members = new Set(fields);
  let prototype: object | null = classes[name].prototype;
  while (prototype && prototype !== Object.prototype) {
    for (const member of Object.getOwnPropertyNames(prototype)) members.add(member);
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  for (const hidden of ['constructor', 'attachAt', 'zeroAt', 'batches']) members.delete(hidden);
  return members;
}

const spans = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);

describe('its tables', () => {
  test('every call of BCC 0.37 has a row', () => {
    const names: Record<string, string[]> = JSON.parse(
      readFileSync(new URL('../client/fixtures/bcc-python-api.json', import.meta.url), 'utf8'),
    );
    const mapped = new Set(rows.flatMap(({ bcc }) => [...bcc.matchAll(/\b(\w+)\(/g)].map(([, name]) => name)));
    for (const [owner, calls] of Object.entries(names)) {
      expect(
        calls.filter((call) => !mapped.has(call)),
        owner,
      ).toEqual([]);
    }
  });

  test.each(rows.flatMap(({ ours }) => spans(ours).map((span) => [span] as const)))('%s is there', (span) => {
    const [, owner, member] = /^(bpf|table|usdt)\.(\w+)/.exec(span) ?? [];
    if (owner !== undefined) {
      expect(membersOf(owner as keyof typeof classes)).toContain(member);
      return;
    }
    const named = /^(?:new )?([A-Za-z]\w*)\(/.exec(span)?.[1];
    if (named !== undefined) expect(tracebed).toHaveProperty(named);
  });

  test.each(Object.keys(classes) as (keyof typeof classes)[])('every member of %s is named', (name) => {
    const named = new Set([...page.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, member]) => member));
    expect([...membersOf(name)].filter((member) => !named.has(member))).toEqual([]);
  });
});
