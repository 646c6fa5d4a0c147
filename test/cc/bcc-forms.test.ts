import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadProfile, profileNames } from '../../src/btf/index.ts';
import { compileC } from '../../src/cc/index.ts';

/** Every macro, helper and table method that BCC 0.37 declares for programs, each in a text of bcc-forms.c. */
const parts = readFileSync(new URL('bcc-forms.c', import.meta.url), 'utf8').split(/^\/\* (\w+) \*\/$/m);
const texts = Array.from({ length: (parts.length - 1) / 2 }, (_, i) => parts.slice(1 + 2 * i, 3 + 2 * i));
const profiles = profileNames.map((name) => loadProfile(name));

test.each(texts)('%s compiles for every kernel', (_name, text = '') => {
  for (const profile of profiles) {
    const { object, diagnostics } = compileC(text, { profile });
    expect(diagnostics.filter((one) => one.severity === 'error')).toEqual([]);
    expect(object?.programs.length).toBeGreaterThan(0);
  }
});

test.each([
  ['BPF_HASH(t, u64, u64, roundup_pow_of_two(100));', 'hash', 8, 8, 128],
  ['BPF_HASH(t, u64, u64, 1 << ilog2(100));', 'hash', 8, 8, 64],
  ['BPF_TABLE_PINNED("hash", u64, u32, t, 10, "/sys/fs/bpf/t", BPF_F_NO_PREALLOC);', 'hash', 8, 4, 10],
  ['BPF_CGROUP_STORAGE(t, u32);', 'cgroup_storage', 16, 4, 0],
  ['BPF_QUEUESTACK_SHARED("stack", t, u32, 7, 0);', 'stack', 0, 4, 7],
  ['BPF_XDP_REDIRECT_MAP("devmap", struct bpf_devmap_val, t, 4);', 'devmap', 4, 8, 4],
  ['BPF_ARRAY(t, u64, bpf_num_cpus());', 'array', 4, 8, 6],
])('%s is the map that BCC makes', (text, type, keySize, valueSize, maxEntries) => {
  const { object, diagnostics } = compileC(text, { profile: profiles[0]!, cpus: 6 });
  expect(diagnostics).toEqual([]);
  expect(object?.maps).toMatchObject([{ name: 't', type, keySize, valueSize, maxEntries }]);
});
