import { expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { helperByName } from '../../src/uapi/index.ts';
import { type MapShape, verify } from '../../src/verifier/index.ts';

/** What a kind of map allows by itself; each answer is Linux 6.18's. */
const key = ['*(u64 *)(r10 - 8) = 0', 'r2 = r10', 'r2 += -8', 'r1 = MAP ll'];
const sized = { keySize: 4, valueSize: 4, maxEntries: 4 };

test.each([
  [
    'a devmap is read only',
    { type: 'devmap', ...sized },
    [...key, 'call bpf_map_lookup_elem', 'if r0 == 0 goto +1', '*(u8 *)(r0 + 1) = 1', 'r0 = 0', 'exit'],
    'EACCES write into map forbidden, value_size=4 off=1 size=1',
  ],
  [
    'a devmap is not written to by a helper',
    { type: 'devmap', ...sized },
    [...key, 'r3 = r2', 'r4 = 0', 'call bpf_map_update_elem', 'r0 = 0', 'exit'],
    'EACCES write into map forbidden',
  ],
  [
    'the value of a map of sockets is a socket',
    { type: 'sockmap', ...sized },
    [...key, 'r3 = r2', 'r4 = 0', 'call bpf_map_update_elem', 'r0 = 0', 'exit'],
    'EACCES R3 type=fp expected=sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_',
  ],
] as const satisfies readonly (readonly [string, MapShape, readonly string[], string])[])(
  '%s',
  (_, map, text, answer) => {
    const { code, relocations } = assemble(text.join('\n'), { helper: (name) => helperByName(name)?.id });
    for (const { slot } of relocations) {
      code[slot * 8 + 1] = (code[slot * 8 + 1] as number) | 16;
      code[slot * 8 + 4] = 1;
    }
    const { errno, message } = verify({ code, type: 'xdp', maps: new Map([[1, map]]) });
    expect(`${errno} ${message}`).toBe(answer);
  },
);
