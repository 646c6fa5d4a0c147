import { mostText, type PointPlan, type ValuePlan, type ValueSource, type ValueType } from './plan.ts';

/**
 * The C of the programs: for each point one that copies what the plan names into a record and sends it. Values keep
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
    preamble(options),
    ...points.map(recordText),
    `union any {\n${points.map((_, index) => `    struct ${recordName(index)} ${recordName(index)};`).join('\n')}\n};`,
    'BPF_PERCPU_ARRAY(scratch, union any, 1);',
    ...points.map(programText),
  ].join('\n\n');
}

function preamble({ process, stacks }: ProgramOptions): string {
  return `#include <uapi/linux/ptrace.h>

struct head {
    u64 time;
    u32 point;
    u32 cpu;
    u32 tid;
    u32 tgid;
    s32 stack_id;
    u32 zero;
    char comm[16];
};

BPF_STACK_TRACE(stacks, 16384);
BPF_PERF_OUTPUT(events);

// What every record begins with. Returns 0 for a process that is not wanted.
static inline int begin(void *ctx, struct head *head, u32 point)
{
    u64 id = bpf_get_current_pid_tgid();
    head->tid = id;
    head->tgid = id >> 32;
${process === undefined ? '' : `    if (head->tgid != ${process})\n        return 0;\n`}\
    head->time = bpf_ktime_get_ns();
    head->point = point;
    head->cpu = bpf_get_smp_processor_id();
    bpf_get_current_comm(head->comm, sizeof(head->comm));
    head->stack_id = ${stacks ? 'stacks.get_stackid(ctx, 0)' : '-2'};
    return 1;
}

// The pointer at an address; 0 where it cannot be read.
static inline u64 follow(u64 address)
{
    u64 pointer = 0;
    bpf_probe_read_kernel(&pointer, sizeof(pointer), (void *)address);
    return pointer;
}

// The text at a pointer: in user space where the address lies in the lower half.
static inline s64 read_text(char *text, u64 pointer)
{
    if ((s64)pointer < 0)
        return bpf_probe_read_kernel_str(text, ${mostText}, (void *)pointer);
    return bpf_probe_read_user_str(text, ${mostText}, (void *)pointer);
}`;
}

function recordText(point: PointPlan, index: number): string {
  const fields = point.values.flatMap((value, at) => [
    `    u8 ${valueField(at)}[${Math.ceil(bytesOf(value.type) / 8) * 8}];`,
    ...(hasText(value.type) ? [`    char ${textField(at)}[${mostText}];`] : []),
    `    s64 ${answerField(at)};`,
  ]);
  return [`struct ${recordName(index)} {`, '    struct head head;', ...fields, '};'].join('\n');
}

function hasText(type: ValueType): boolean {
  return type.kind === 'text' || type.kind === 'dynamic';
}

function bytesOf(type: ValueType): number {
  return 'size' in type ? type.size : type.kind === 'dynamic' ? 4 : 8;
}

function programText(point: PointPlan, index: number): string {
  const context = point.kind === 'tracepoint' ? 'void' : 'struct pt_regs';
  return `int point${index}(${context} *ctx)
{
    int zero = 0;
    union any *any = scratch.lookup(&zero);
    if (!any)
        return 0;
    struct ${recordName(index)} *event = &any->${recordName(index)};
    if (!begin(ctx, &event->head, ${index}))
        return 0;
${point.values
  .flatMap(valueLines)
  .map((line) => `    ${line}`)
  .join('\n')}
    events.perf_submit(ctx, event, sizeof(*event));
    return 0;
}`;
}

/** Puts the value's bytes in the record, and what its pointer leads to. */
function valueLines({ type, source }: ValuePlan, at: number): string[] {
  const field = `event->${valueField(at)}`;
  const answer = `event->${answerField(at)}`;
  const lines =
    source.kind === 'register'
      ? [`*(u64 *)${field} = ctx->${source.register};`, `${answer} = 0;`]
      : [`${answer} = bpf_probe_read_kernel(${field}, ${bytesOf(type)}, (void *)(${addressOf(source)}));`];
  if (type.kind === 'text') lines.push(`${answer} = read_text(event->${textField(at)}, *(u64 *)${field});`);
  if (type.kind === 'dynamic') lines.push(...dynamicLines(at));
  return lines;
}

/** Where a source's bytes lie. */
function addressOf(source: Exclude<ValueSource, { kind: 'register' }>): string {
  switch (source.kind) {
    case 'stack':
      return `ctx->sp + ${source.offset}`;
    case 'record':
      return `(u64)ctx + ${source.field.offset}`;
    case 'path': {
      const [first = 0, ...rest] = source.offsets;
      return rest.reduce((address, offset) => `follow(${address}) + ${offset}`, `${pointerOf(source.from)} + ${first}`);
    }
  }
}

/** The pointer that a source holds. */
function pointerOf(source: ValueSource): string {
  return source.kind === 'register' ? `ctx->${source.register}` : `follow(${addressOf(source)})`;
}

/** The data of a __data_loc field: its low half is the offset from the record's start, its high half the length. */
function dynamicLines(at: number): string[] {
  const field = `event->${valueField(at)}`;
  return [
    '{',
    `    u32 length = *(u16 *)(${field} + 2);`,
    `    if (length > ${mostText})`,
    `        length = ${mostText};`,
    `    event->${answerField(at)} = bpf_probe_read_kernel(event->${textField(at)}, length, (void *)((u64)ctx + *(u16 *)${field}));`,
    '}',
  ];
}
