import { errno } from '../../base/index.ts';
import { identityOf, type StructObject } from '../../events/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import type { Mapping } from '../../sys/index.ts';
import { isKernelThread } from '../objects/tasks.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC (include/linux/mm.h): code of a file. */
const codeFlags = 0x75;

/** Variables of each CPU (kernel/bpf/helpers.c), and what a task has mapped (kernel/bpf/task_iter.c). */
export function kernelMemoryHelpers(environment: HelperEnvironment): HelperBodies {
  const { current, variables, tasks, structs, userSpace } = environment;
  /** The same mapping is the same object. */
  const areas = new Map<string, StructObject>();

  function areaOf(pid: number, { start, end, path }: Mapping): StructObject {
    const name = `${pid} ${start}`;
    let area = areas.get(name);
    if (area === undefined) {
      const dentry = struct('dentry', {
        'd_name.name': path.slice(path.lastIndexOf('/') + 1),
        d_parent: parents(path),
      });
      const file = struct('file', { 'f_path.dentry': dentry });
      area = struct('vm_area_struct', { vm_start: start, vm_end: end, vm_flags: codeFlags, vm_file: file });
      areas.set(name, area);
    }
    return area;
  }

  return {
    per_cpu_ptr: (window) => window.answerPointer(variables.ofCpu(window.low(1), window.low(2))),
    this_cpu_ptr: (window) => window.answerPointer(variables.ofCpu(window.low(1), current.cpu)),
    /** Calls back with the task, the area that an address lies in, and r4. */
    find_vma(window, executable) {
      const task = window.high(1) === kernelSpace ? tasks.taskAt(window.low(1)) : undefined;
      const body = window.low(3);
      const high = window.high(4);
      const low = window.low(4);
      if (!window.isZero(5)) {
        window.answer(-errno.EINVAL);
        return;
      }
      const address = window.whole(2);
      const mapping =
        task === undefined || isKernelThread(identityOf(task))
          ? undefined
          : userSpace.mappings(task.tgid).find(({ start, end }) => address >= start && address < end);
      if (task === undefined || mapping === undefined) {
        window.answer(-errno.ENOENT);
        return;
      }
      window.setPointer(1, tasks.address(task));
      window.setPointer(2, structs.address(areaOf(task.tgid, mapping)));
      window.setArgument(3, high, low);
      executable.callback(body);
      window.answer(0);
    },
  };
}

function struct(type: string, fields: StructObject['fields']): StructObject {
  return { object: 'struct', type, fields };
}

/** The directories that a path lies in, from the innermost. */
function parents(path: string): StructObject {
  const parts = path.split('/').slice(1, -1);
  return parts.reduce(
    (above, name) => struct('dentry', { 'd_name.name': name, d_parent: above }),
    struct('dentry', { 'd_name.name': '/' }),
  );
}
