import { type BPF, type ToolOption, type ToolSetup, UsageError } from 'tracebed';

/** What the tools of block I/O share: where requests are seen, and the choice of a disk. */

/** DISK_NAME_LEN (include/linux/blkdev.h), its NUL included. */
const diskNameSize = 32;

export const diskOption: ToolOption = { flags: '-d, --disk <disk>', what: 'only this disk: nvme0n1' };

/** The macro DISK of block-io.h. @throws UsageError for what can be no disk's name */
export function diskOf(setup: ToolSetup): string | false {
  const text = setup.text('disk');
  if (text === undefined) return false;
  const name = text.replace(/^\/dev\//, '');
  if (/^[\w!.-]+$/.test(name) && name.length < diskNameSize) return JSON.stringify(name);
  throw new UsageError(`'${text}' is no disk`, { expected: 'its name below /dev: sda, nvme0n1' });
}

/** Where a request begins to be accounted for, which the task that submits it does; kernels differ in the name. */
export function attachAccounted(bpf: BPF, fnName: string): void {
  bpf.attachKprobe({ event: oneOf(bpf, '__blk_account_io_start', 'blk_account_io_start'), fnName });
}

/** Where a request is given to the disk's driver. */
export function attachIssued(bpf: BPF, fnName: string): void {
  bpf.attachKprobe({ event: 'blk_mq_start_request', fnName });
}

/** Where it is done. */
export function attachDone(bpf: BPF, fnName: string): void {
  bpf.attachKprobe({ event: oneOf(bpf, '__blk_account_io_done', 'blk_account_io_done'), fnName });
}

function oneOf(bpf: BPF, name: string, otherwise: string): string {
  return bpf.getKprobeFunctions(name).length > 0 ? name : otherwise;
}
