import type { TracepointFormat } from './profile.ts';
import { recordFormat } from './tracepoint.ts';

/**
 * The names by which a tracepoint's format line prints the values of a field (__print_symbolic of the plain field), or
 * undefined when it prints them otherwise. The first name of a value counts, as in the kernel.
 */
export function symbolicNames(format: TracepointFormat, field: string): ReadonlyMap<bigint, string> | undefined {
  for (const arg of recordFormat(format).program.args) {
    if (arg.kind !== 'symbolic' || arg.value.kind !== 'field' || arg.value.name !== field) continue;
    const names = new Map<bigint, string>();
    for (const { value, text } of arg.labels) if (!names.has(value)) names.set(value, text);
    return names;
  }
  return undefined;
}
