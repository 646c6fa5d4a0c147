import { errno, sprintf } from 'tracebed';

/** What the program counts by: struct sample. */
export interface Sample {
  readonly tgid: number;
  readonly user_stack: number;
  readonly kernel_stack: number;
  readonly comm: string;
}

export interface Counted {
  readonly sample: Sample;
  readonly count: number;
  /** Functions, innermost first. */
  readonly user: readonly string[];
  readonly kernel: readonly string[];
}

export type Shown = 'user' | 'kernel' | 'user + kernel';

export interface StackFormat {
  readonly shown: Shown;
  /** Something between the stacks of kernel and user space, where there are both. */
  readonly delimited: boolean;
}

/** A stack that could not be kept. Without one, -EFAULT, nothing is missed: a kernel thread has none of user space. */
function missed(id: number): boolean {
  return id < 0 && id !== -errno.EFAULT;
}

function isDivided({ sample }: Counted, { shown, delimited }: StackFormat): boolean {
  return delimited && shown === 'user + kernel' && sample.user_stack >= 0 && sample.kernel_stack >= 0;
}

/** `comm;outermost;…;innermost count`. */
export function foldedLine(counted: Counted, format: StackFormat): string {
  const { sample, count, user, kernel } = counted;
  const { shown } = format;
  const parts = [sample.comm];
  if (shown !== 'kernel') parts.push(...(missed(sample.user_stack) ? ['[Missed User Stack]'] : [...user].reverse()));
  if (isDivided(counted, format)) parts.push('-');
  if (shown !== 'user') {
    parts.push(...(missed(sample.kernel_stack) ? ['[Missed Kernel Stack]'] : [...kernel].reverse()));
  }
  return `${parts.join(';')} ${count}`;
}

/** A line for each function, innermost first, then the process and the count. */
export function stackLines(counted: Counted, format: StackFormat): string[] {
  const { sample, count, user, kernel } = counted;
  const { shown } = format;
  const frames: string[] = [];
  if (shown !== 'user') frames.push(...(missed(sample.kernel_stack) ? ['[Missed Kernel Stack]'] : kernel));
  if (isDivided(counted, format)) frames.push('--');
  if (shown !== 'kernel') frames.push(...(missed(sample.user_stack) ? ['[Missed User Stack]'] : user));
  return [
    ...frames.map((frame) => `    ${frame}`),
    sprintf('    %-16s %s (%d)', '-', sample.comm, sample.tgid),
    `        ${count}`,
    '',
  ];
}

/** A warning where stacks are missing. Two that share a place in the table (-EEXIST) say that it is too small. */
export function missingLines(all: readonly Counted[], shown: Shown): string[] {
  const ids = all.flatMap(({ sample }) => [
    ...(shown === 'user' ? [] : [sample.kernel_stack]),
    ...(shown === 'kernel' ? [] : [sample.user_stack]),
  ]);
  const count = ids.filter(missed).length;
  if (count === 0) return [];
  const advice = ids.includes(-errno.EEXIST) ? ' Consider increasing --stack-storage-size.' : '';
  return [`WARNING: ${count} stack traces could not be displayed.${advice}`];
}
