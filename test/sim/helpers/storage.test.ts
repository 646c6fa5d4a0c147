import { expect, test } from 'vitest';
import { errno } from '../../../src/base/index.ts';
import { createMap } from '../../../src/maps/index.ts';
import { kernelSpace, Memory } from '../../../src/memory/index.ts';
import { FdTable } from '../../../src/sim/fds/fds.ts';
import type { HelperEnvironment } from '../../../src/sim/helpers/environment.ts';
import { storageHelpers } from '../../../src/sim/helpers/storage.ts';
import { Current } from '../../../src/sim/machine/current.ts';
import { SymbolTable } from '../../../src/sim/machine/symbols.ts';
import { KernelObjects } from '../../../src/sim/objects/objects.ts';
import { Cgroups } from '../../../src/sim/processes/cgroups.ts';
import { mapFlags } from '../../../src/uapi/index.ts';
import { CallWindow, type Executable, type Helper } from '../../../src/vm/index.ts';
import { profile } from '../bench.ts';

test('inode storage belongs to the inode that a pointer points to', () => {
  const memory = new Memory(32 << 20);
  const { tasks, sockets, structs } = new KernelObjects(
    memory,
    profile,
    new SymbolTable([]),
    new Cgroups(new FdTable()),
    new Current(memory, 1),
  );
  const shape = {
    name: 'store',
    type: 'inode_storage',
    keySize: 4,
    valueSize: 8,
    maxEntries: 0,
    flags: mapFlags.noPrealloc,
  } as const;
  const store = createMap(memory, 1, shape);
  const window = new CallWindow(memory);
  const maps = new Map([[8, store]]);
  const bodies = storageHelpers({ memory, window, maps, tasks, sockets, structs } as unknown as HelperEnvironment);
  const call = (helper: Helper, at: number, flags = 0): bigint => {
    window.setArgument(1, kernelSpace, 8);
    window.setArgument(2, kernelSpace, at);
    window.setArgument(3, 0, 0);
    window.setArgument(4, 0, flags);
    helper(window, {} as Executable);
    return memory.view.getBigInt64(window.offset + 40, true);
  };
  const get = (at: number, flags = 0) => call(bodies.inode_storage_get as Helper, at, flags);
  const remove = (at: number) => call(bodies.inode_storage_delete as Helper, at);
  const [one, other] = [1, 2].map((i_ino) => structs.address({ object: 'struct', type: 'inode', fields: { i_ino } }));
  expect(get(one!)).toBe(0n);
  const value = get(one!, 1);
  expect(value).not.toBe(0n);
  expect(get(one!)).toBe(value);
  expect(get(other!, 1)).not.toBe(value);
  expect(get(one! + 8, 1), 'no inode').toBe(0n);
  expect(remove(one!)).toBe(0n);
  expect(remove(one!)).toBe(BigInt(-errno.ENOENT));
});
