import type { TcTarget, XdpTarget } from '../../sys/index.ts';
import { LinkResource } from '../points/points.ts';
import type { ProgramResource } from '../programs/programs.ts';

/** An XDP program on a device: in its driver, or behind it on sk_buffs. */
export class XdpLink extends LinkResource {
  readonly mode: 'native' | 'generic';

  constructor(target: XdpTarget, program: ProgramResource, list: XdpLink[], mode: 'native' | 'generic') {
    super(target, program, list, 0);
    this.mode = mode;
  }
}

/** A classifier of tc's clsact: they run in the order of their priorities, of one priority the newest first. */
export class TcLink extends LinkResource {
  readonly priority: number;
  readonly handle: number;
  readonly directAction: boolean;

  constructor(target: TcTarget, program: ProgramResource, list: TcLink[], priority: number, handle: number) {
    super(target, program, list, 0);
    this.priority = priority;
    this.handle = handle;
    this.directAction = target.directAction ?? true;
    list.pop();
    const before = list.findIndex((link) => link.priority >= priority);
    list.splice(before < 0 ? list.length : before, 0, this);
  }
}
