import { Rows } from 'tracebed';
import { describe, expect, test } from 'vitest';

const rows = () =>
  new Rows<string>(() => 5, {
    noun: 'change',
    opening: ['Tracing... Hit Ctrl-C to end'],
    columns: { OLD: '%-6s ->', NEW: '%-6s', SHARE: '%5.1f%%', FLAGS: '(%s)', NONE: false, MS: '%.2f' },
    titles: { FLAGS: '-' },
  });

describe('rows as BCC prints them', () => {
  test('titles in the widths of their columns, what is printed in place of one, and the lines above', () => {
    expect(rows().header).toEqual(['Tracing... Hit Ctrl-C to end', 'OLD    -> NEW    SHARE% (-) MS']);
  });

  test('a plain line has what stands around a value, a cell of the dashboard the value alone', () => {
    const view = rows();
    view.print({ OLD: 'a', NEW: 'b', SHARE: 12.34, FLAGS: 'SYN|ACK', MS: 1 }, { below: ['\tframe', ''] });
    const [record] = view.take();
    expect(record?.lines).toEqual(['a      -> b       12.3% (SYN|ACK) 1.00', '\tframe', '']);
    expect(record?.cells).toEqual({ old: 'a', new: 'b', share: '12.3%', flags: 'SYN|ACK', ms: '1.00' });
  });

  test('the line of a row that is not printed', () => {
    expect(rows().line({ OLD: 'a', NEW: 'b', SHARE: 1, FLAGS: '', MS: 2 })).toBe('a      -> b        1.0% () 2.00');
  });

  test('a column without a width has room for a text, or for a number', () => {
    const widths = Object.fromEntries(rows().columns.map(({ title, width, align }) => [title, `${align} ${width}`]));
    expect(widths).toEqual({ OLD: 'left 6', NEW: 'left 6', SHARE: 'right 5', FLAGS: 'left 24', MS: 'right 10' });
  });
});
