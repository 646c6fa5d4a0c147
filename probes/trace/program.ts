import { mostText, type PointPlan, type ValuePlan, type ValueSource, type ValueType } from './plan.ts';

/**
 * The text of the programs: for each point one that copies what the plan names into a record and sends it. Values keep
 * the bytes that the kernel has; a text that a pointer leads to stands behind its pointer's value.
 */
export interface ProgramOptions {
  /** Only this process (a tgid); undefined is any. */
  readonly process: number | undefined;
  readonly stacks: boolean;
}

/** The name of a point's record, by its index among the points. */
export const recordName = (point: number): string => `event${point}`;
/** Fields of the record that hold the value of that index: its bytes, its text, and what reading it answered. */
export const valueField = (value: number): string => `value${value}`;
export const textField = (value: number): string => `text${value}`;
export const answerField = (value: number): string => `answer${value}`;

export function programSource(points: readonly PointPlan[], options: ProgramOptions): string {
  return [
    '.license "GPL"',
    `.equ PROCESS, ${options.process ?? -1}`,
    `.equ STACKS, ${options.stacks ? 1 : 0}`,
    ...points.flatMap((point, index) => recordLines(point, index)),
    `.map scratch, percpu_array, value=${scratchSize(points)}, entries=1`,
    '.map stacks, stack_trace, entries=16384',
    '.map events, perf_event_array',
    ...points.flatMap((point, index) => programLines(point, index)),
    '',
  ].join('\n');
}

function recordLines(point: PointPlan, index: number): string[] {
  return [
    `.struct ${recordName(index)}`,
    '  u64 time',
    '  u32 point',
    '  u32 cpu',
    '  u32 tid',
    '  u32 tgid',
    '  s32 stack_id',
    '  u32 zero',
    '  char comm[16]',
    ...point.values.flatMap((value, at) => [
      `  u8 ${valueField(at)}[${Math.ceil(bytesOf(value.type) / 8) * 8}]`,
      ...(hasText(value.type) ? [`  u8 ${textField(at)}[${mostText}]`] : []),
      `  s64 ${answerField(at)}`,
    ]),
    '.end',
  ];
}

function hasText(type: ValueType): boolean {
  return type.kind === 'text' || type.kind === 'dynamic';
}

function bytesOf(type: ValueType): number {
  return 'size' in type ? type.size : type.kind === 'dynamic' ? 4 : 8;
}

/** Room for the largest of the records, with what is in front of the values. */
function scratchSize(points: readonly PointPlan[]): number {
  const sizes = points.map(({ values }) =>
    values.reduce((sum, { type }) => sum + Math.ceil(bytesOf(type) / 8) * 8 + (hasText(type) ? mostText : 0) + 8, 56),
  );
  return Math.max(56, ...sizes);
}

const sections = { kprobe: 'kprobe', kretprobe: 'kretprobe', tracepoint: 'tracepoint' } as const;

function programLines(point: PointPlan, index: number): string[] {
  const record = recordName(index);
  return [
    `.section "${sections[point.kind]}"`,
    '.local zero, u32',
    '.local pointer, u64',
    `point${index}:`,
    '  r6 = r1',
    '  r1 = 0',
    '  *(u32 *)(r10 + zero) = r1',
    '  r1 = scratch ll',
    '  r2 = r10',
    '  r2 += zero',
    '  call bpf_map_lookup_elem',
    '  if r0 == 0 goto out',
    '  r8 = r0',
    '  call bpf_get_current_pid_tgid',
    `  *(u32 *)(r8 + ${record}.tid) = r0`,
    '  r0 >>= 32',
    `  *(u32 *)(r8 + ${record}.tgid) = r0`,
    '  r1 = PROCESS',
    '  if r1 == -1 goto wanted',
    '  if w0 != w1 goto out',
    'wanted:',
    '  call bpf_ktime_get_ns',
    `  *(u64 *)(r8 + ${record}.time) = r0`,
    `  r1 = ${index}`,
    `  *(u32 *)(r8 + ${record}.point) = r1`,
    '  call bpf_get_smp_processor_id',
    `  *(u32 *)(r8 + ${record}.cpu) = r0`,
    '  r1 = r8',
    `  r1 += ${record}.comm`,
    `  r2 = sizeof(${record}.comm)`,
    '  call bpf_get_current_comm',
    '  r0 = -2',
    '  r1 = STACKS',
    '  if r1 == 0 goto values',
    '  r1 = r6',
    '  r2 = stacks ll',
    '  r3 = 0',
    '  call bpf_get_stackid',
    'values:',
    `  *(u32 *)(r8 + ${record}.stack_id) = r0`,
    ...point.values.flatMap((value, at) => valueLines(record, value, at)),
    '  r1 = r6',
    '  r2 = events ll',
    '  r3 = 0xffffffff ll',
    '  r4 = r8',
    `  r5 = sizeof(${record})`,
    '  call bpf_perf_event_output',
    'out:',
    '  r0 = 0',
    '  exit',
  ];
}

/** Puts the value's bytes in the record, and what its pointer leads to. */
function valueLines(record: string, { type, source }: ValuePlan, at: number): string[] {
  const field = `${record}.${valueField(at)}`;
  const lines = [...readInto(field, bytesOf(type), source, `${record}.${answerField(at)}`)];
  if (type.kind === 'text') lines.push(...textLines(record, at));
  if (type.kind === 'dynamic') lines.push(...dynamicLines(record, at));
  return lines;
}

/** Copies `size` bytes of the source to a field of the record, and the answer of the last read beside it. */
function readInto(field: string, size: number, source: ValueSource, answer: string): string[] {
  switch (source.kind) {
    case 'register':
      return [
        `  r1 = *(u64 *)(r6 + pt_regs.${source.register})`,
        `  *(u64 *)(r8 + ${field}) = r1`,
        '  r0 = 0',
        `  *(u64 *)(r8 + ${answer}) = r0`,
      ];
    case 'stack':
      return ['  r3 = *(u64 *)(r6 + pt_regs.sp)', `  r3 += ${source.offset}`, ...probeRead(field, size, answer)];
    case 'record':
      return ['  r3 = r6', `  r3 += ${source.field.offset}`, ...probeRead(field, size, answer)];
    case 'path':
      return [...pointerLines(source), ...probeRead(field, size, answer)];
  }
}

/** Leaves in r3 the address that a path leads to. */
function pointerLines({ from, offsets }: Extract<ValueSource, { kind: 'path' }>): string[] {
  const [first = 0, ...rest] = offsets;
  return [
    ...addressOf(from),
    `  r3 += ${first}`,
    ...rest.flatMap((offset) => [...throughPointer(), `  r3 += ${offset}`]),
  ];
}

/** Leaves in r3 the pointer that a source holds. */
function addressOf(source: ValueSource): string[] {
  switch (source.kind) {
    case 'register':
      return [`  r3 = *(u64 *)(r6 + pt_regs.${source.register})`];
    case 'stack':
      return ['  r3 = *(u64 *)(r6 + pt_regs.sp)', `  r3 += ${source.offset}`, ...throughPointer()];
    case 'record':
      return [`  r3 = *(u64 *)(r6 + ${source.field.offset})`];
    case 'path':
      return [...pointerLines(source), ...throughPointer()];
  }
}

/** r3 = the pointer at r3; 0 where it cannot be read. */
function throughPointer(): string[] {
  return [
    '  r1 = r10',
    '  r1 += pointer',
    '  r2 = 8',
    '  call bpf_probe_read_kernel',
    '  r3 = *(u64 *)(r10 + pointer)',
  ];
}

function probeRead(field: string, size: number, answer: string): string[] {
  return [
    '  r1 = r8',
    `  r1 += ${field}`,
    `  r2 = ${size}`,
    '  call bpf_probe_read_kernel',
    `  *(u64 *)(r8 + ${answer}) = r0`,
  ];
}

/** The text at the pointer just read: in user space where the address lies in the lower half. */
function textLines(record: string, at: number): string[] {
  return [
    '  r1 = r8',
    `  r1 += ${record}.${textField(at)}`,
    `  r2 = sizeof(${record}.${textField(at)})`,
    `  r3 = *(u64 *)(r8 + ${record}.${valueField(at)})`,
    `  if r3 s< 0 goto kernel${at}`,
    '  call bpf_probe_read_user_str',
    `  goto read${at}`,
    `kernel${at}:`,
    '  call bpf_probe_read_kernel_str',
    `read${at}:`,
    `  *(u64 *)(r8 + ${record}.${answerField(at)}) = r0`,
  ];
}

/** The data of a __data_loc field: its low half is the offset from the record's start, its high half the length. */
function dynamicLines(record: string, at: number): string[] {
  const field = `${record}.${valueField(at)}`;
  return [
    `  r2 = *(u16 *)(r8 + ${field} + 2)`,
    `  if r2 <= ${mostText} goto fits${at}`,
    `  r2 = ${mostText}`,
    `fits${at}:`,
    '  r1 = r8',
    `  r1 += ${record}.${textField(at)}`,
    `  r3 = *(u16 *)(r8 + ${field})`,
    '  r4 = r6',
    '  r4 += r3',
    '  r3 = r4',
    '  call bpf_probe_read_kernel',
    `  *(u64 *)(r8 + ${record}.${answerField(at)}) = r0`,
  ];
}
