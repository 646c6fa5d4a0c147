import { describe, expect, test } from 'vitest';
import { extendBtf, extendProfile, loadProfile, printFunction } from '../../src/btf/index.ts';

const profile = loadProfile('6.18');
const { btf } = profile;

describe('BTF with more functions', () => {
  test.each([
    [
      'int nfs_file_open(struct inode *inode, struct file *filp);',
      'int nfs_file_open(struct inode *inode, struct file *filp)',
    ],
    ['struct page *alloc_it(gfp_t gfp);', 'struct page *alloc_it(gfp_t gfp)'],
    ['void nothing.part.0(void);', 'void nothing.part.0(void)'],
    ['long int __x64_sys_none(const struct pt_regs *regs);', 'long int __x64_sys_none(struct pt_regs *regs)'],
    ['bool md_it(struct mddev_unknown *mddev, u64 **out);', 'bool md_it(struct mddev_unknown *mddev, u64 **out)'],
  ])('has %s', (text, printed) => {
    const more = extendBtf(btf, `// a comment\n\n${text}\n`);
    const name = /([\w.]+)\(/.exec(text)![1]!;
    expect(printFunction(more, name)).toBe(printed);
    expect(more.functionPrototype(name)?.name).toBe(name);
    expect([...more.functionNames()]).toContain(name);
    expect(more.functionPrototype('vfs_read')).toEqual(btf.functionPrototype('vfs_read'));
    expect(btf.functionPrototype(name)).toBeUndefined();
    for (let id = btf.count; id < more.count; id++) expect(more.type(id)).toBeDefined();
  });

  test('has a tracepoint that raw tracepoint programs can go by', () => {
    const more = extendBtf(btf, 'tracepoint nfs_commit_done(const struct rpc_task *task, u32 size);');
    expect(more.functionPrototype('__traceiter_nfs_commit_done')?.params.map(({ name }) => name)).toEqual([
      '__data',
      'task',
      'size',
    ]);
    expect(more.find('typedef', 'btf_trace_nfs_commit_done')).toBeGreaterThanOrEqual(btf.count);
  });

  test('keeps what it has itself', () => {
    const more = extendBtf(btf, 'void vfs_read(void);');
    expect(more.functionPrototype('vfs_read')).toEqual(btf.functionPrototype('vfs_read'));
  });

  test.each([
    ['int f(struct inode *inode)', 'this is no prototype'],
    ['int f(nonsense_t x);', "this kernel has no type 'nonsense_t'"],
    ['int f(int);', "'int' is no parameter"],
  ])('refuses %s', (text, message) => {
    expect(() => extendBtf(btf, `\n${text}`)).toThrow(message);
    try {
      extendBtf(btf, `\n${text}`);
    } catch (fault) {
      expect(fault).toMatchObject({ at: { line: 2, text } });
    }
  });
});

test('a profile with more has them beside its own', () => {
  const format =
    'name: nfs:it\nID: 9\nformat:\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: "%d", REC->a\n';
  const more = extendProfile(profile, { functions: 'void f(void);', tracepoints: format });
  expect(more.tracepoint('nfs:it')?.fields.map(({ name }) => name)).toEqual(['a']);
  expect(more.tracepoint('skb:kfree_skb')).toBe(profile.tracepoint('skb:kfree_skb'));
  expect([...more.tracepointNames()]).toEqual(expect.arrayContaining(['nfs:it', 'skb:kfree_skb']));
  expect(more.btf.functionPrototype('f')).toBeDefined();
  expect(more).toMatchObject({ name: '6.18', release: profile.release });
});

test.each([
  ['6.18', '__x64_sys_sync'],
  ['6.1', 'ext4_file_open'],
  ['6.1', 'finish_task_switch.isra.0'],
])('kernel %s has %s, which its BTF leaves out', (kernel, name) => {
  expect(loadProfile(kernel).btf.functionPrototype(name)).toBeDefined();
});
