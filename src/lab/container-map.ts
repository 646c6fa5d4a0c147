import type { ContainerMap } from '../scenario/index.ts';
import type { Machine } from '../sim/index.ts';

/**
 * Makes, fills and pins a map of containers as a runtime would that wants its containers watched: keys of 8 bytes, and
 * values of 8 bytes for cgroups, of 4 for mount namespaces, as BCC's tools declare them.
 * @throws SysError EEXIST for a path that is taken, EPERM for one outside of the BPF file system
 */
export function pinContainerMap(machine: Machine, { path, cgroups = [], mountNamespaces = [] }: ContainerMap): void {
  const keys = [...cgroups.map((cgroup) => machine.cgroupId(cgroup)), ...mountNamespaces];
  const valueSize = mountNamespaces.length > 0 ? 4 : 8;
  const fd = machine.mapCreate({ type: 'hash', keySize: 8, valueSize, maxEntries: 1024, flags: 0, name: 'containers' });
  for (const number of keys) {
    const key = new Uint8Array(8);
    new DataView(key.buffer).setBigUint64(0, BigInt(number), true);
    machine.mapUpdate(fd, key, new Uint8Array(valueSize));
  }
  machine.objectPin(fd, path);
  machine.close(fd);
}
