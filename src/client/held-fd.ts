import type { Fd, Kernel } from '../sys/index.ts';

/** What a process has of the kernel by a file descriptor, until it closes it. */
export class HeldFd implements Disposable {
  readonly fd: Fd;
  protected readonly kernel: Kernel;
  #open = true;

  constructor(kernel: Kernel, fd: Fd) {
    this.kernel = kernel;
    this.fd = fd;
  }

  get open(): boolean {
    return this.#open;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.kernel.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
