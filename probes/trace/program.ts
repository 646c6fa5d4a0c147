import type { Kernel } from 'tracebed';
import {
  dynamicTextAddress,
  includeLines,
  isSyscall,
  parameterNames,
  parametersText,
  readTextFunction,
  TextComparisons,
  usdtArgumentLines,
} from '../probe-place.ts';
import { conversionTypes, type TraceProbe, type TraceValue } from './specifier.ts';

/**
 * The C of trace: for each probe a struct of what its format shows and a program that fills and sends it. Records of all
 * probes go through one ring, so that they come in order; they begin alike, with the number of their probe.
 */
export interface ProgramOptions {
  /** Only this process, thread, user. */
  readonly process: number | undefined;
  readonly thread: number | undefined;
  readonly user: number | undefined;
  /** Only tasks below the cgroup that is in the array `cgroup`. */
  readonly inCgroup: boolean;
  /** Bytes that are read of a text. */
  readonly textSize: number;
  readonly kernelStack: boolean;
  readonly userStack: boolean;
  /** STRCMP compares bytes. */
  readonly binary: boolean;
  readonly headers: readonly string[];
  /** A header's path as it is included from anywhere. */
  absolute(path: string): string;
}

/** The struct of a probe's records, by the probe's index. */
export const recordName = (index: number): string => `event${index}`;
/** Its field for a value of the format, by the value's index. */
export const valueField = (index: number): string => `v${index}`;

/** A system call's function has its arguments in a struct pt_regs of user space; `syscall__` makes them parameters. */
export function programName(probe: TraceProbe, index: number): string {
  return `${isSyscall(probe.place) ? 'syscall__' : ''}probe${index}`;
}

/** @throws UsageError with a caret, for an argument that a USDT probe does not have */
export function programSource(kernel: Kernel, probes: readonly TraceProbe[], options: ProgramOptions): string {
  const texts = new TextComparisons('same_text', options.binary);
  const programs = probes.map((probe, index) => programText(kernel, probe, index, texts));
  return [
    preamble(options),
    ...probes.map((probe, index) => recordText(probe, index, options)),
    ...texts.functions,
    ...programs,
    '',
  ].join('\n\n');
}

function preamble(options: ProgramOptions): string {
  const { process, thread, user, inCgroup, kernelStack, userStack } = options;
  const conditions = [
    ...(process === undefined ? [] : [`head->tgid != ${process}`]),
    ...(thread === undefined ? [] : [`head->pid != ${thread}`]),
    ...(user === undefined ? [] : [`(u32)bpf_get_current_uid_gid() != ${user}`]),
    ...(inCgroup ? ['cgroup.check_current_task(0) <= 0'] : []),
  ];
  return `#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
${includeLines(options.headers, options.absolute)
  .map((line) => `${line}\n`)
  .join('')}
struct head {
    u64 time;
    u32 probe;
    u32 tgid;
    u32 pid;
    s32 kernel_stack;
    s32 user_stack;
    u32 unused;
    char comm[TASK_COMM_LEN];
};

BPF_PERF_OUTPUT(events);
${kernelStack || userStack ? 'BPF_STACK_TRACE(stacks, 16384);\n' : ''}${inCgroup ? 'BPF_CGROUP_ARRAY(cgroup, 1);\n' : ''}
// What every record begins with. Returns 0 where none is wanted.
static inline int begin(void *ctx, struct head *head, u32 probe)
{
    u64 id = bpf_get_current_pid_tgid();
    head->tgid = id >> 32;
    head->pid = id;
${conditions.map((condition) => `    if (${condition})\n        return 0;\n`).join('')}\
    head->time = bpf_ktime_get_ns();
    head->probe = probe;
    bpf_get_current_comm(head->comm, sizeof(head->comm));
${kernelStack ? '    head->kernel_stack = stacks.get_stackid(ctx, 0);\n' : ''}\
${userStack ? '    head->user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);\n' : ''}\
    return 1;
}

${readTextFunction}`;
}

function recordText({ values }: TraceProbe, index: number, { textSize }: ProgramOptions): string {
  const fields = values.map(({ conversion }, i) =>
    conversion === 's'
      ? `    char ${valueField(i)}[${textSize}];`
      : `    ${conversionTypes[conversion]} ${valueField(i)};`,
  );
  const name = recordName(index);
  return [
    `struct ${name} {`,
    '    struct head head;',
    ...fields,
    '};',
    `BPF_PERCPU_ARRAY(scratch${index}, struct ${name}, 1);`,
  ].join('\n');
}

function programText(kernel: Kernel, probe: TraceProbe, index: number, texts: TextComparisons): string {
  const { place, predicate, values, source } = probe;
  const context = place.kind === 't' ? 'args' : 'ctx';
  const inC = (expression: string) => texts.translate(withoutAliases(probe, expression));
  const expressions = [...values.map(({ expression }) => expression), predicate ?? ''];
  const body = [
    'int zero = 0;',
    `struct ${recordName(index)} *event = scratch${index}.lookup(&zero);`,
    `if (!event || !begin(${context}, &event->head, ${index}))`,
    '    return 0;',
    ...(place.kind === 'u'
      ? usdtArgumentLines(kernel, place, expressions, (name, expected) =>
          source.fault(source.text.indexOf(name), `there is no ${name}`, expected),
        )
      : []),
    ...(predicate === undefined ? [] : [`if (!${inC(predicate)})`, '    return 0;']),
    ...values.flatMap((value, i) =>
      assignment(
        value,
        `event->${valueField(i)}`,
        inC(value.expression),
        dynamicTextAddress(kernel, place, value.expression),
      ),
    ),
    `events.perf_submit(${context}, event, sizeof(*event));`,
    'return 0;',
  ];
  return [
    `int ${programName(probe, index)}(${parametersText(place, probe.signature)})`,
    '{',
    ...body.map((line) => `    ${line}`),
    '}',
  ].join('\n');
}

/** @param dynamic where the value is a text of changing length of a tracepoint: its address */
function assignment({ conversion }: TraceValue, field: string, expression: string, dynamic?: string): string[] {
  if (conversion === 's' && dynamic !== undefined) {
    return [`bpf_probe_read_kernel_str(${field}, sizeof(${field}), ${dynamic});`];
  }
  if (conversion !== 's') return [`${field} = (${conversionTypes[conversion]})(${expression});`];
  return [`${field}[0] = 0;`, `if (${expression})`, `    read_text(${field}, sizeof(${field}), (u64)(${expression}));`];
}

/** BCC's words, each with what it is in C. */
const aliases: Readonly<Record<string, string>> = {
  retval: 'PT_REGS_RC(ctx)',
  $uid: '((unsigned)bpf_get_current_uid_gid())',
  $gid: '((unsigned)(bpf_get_current_uid_gid() >> 32))',
  $pid: '((unsigned)bpf_get_current_pid_tgid())',
  $tgid: '((unsigned)(bpf_get_current_pid_tgid() >> 32))',
  $cpu: 'bpf_get_smp_processor_id()',
  $task: '((struct task_struct *)bpf_get_current_task())',
};

/** Words that a probe's expressions may use. */
export function wordsOf({ place, signature }: TraceProbe): string[] {
  const own = {
    p: ['arg1', 'arg2', 'arg3', 'arg4', 'arg5', 'arg6', ...parameterNames(signature)],
    r: ['retval'],
    t: ['args'],
    u: ['arg1', 'arg2', 'arg3'],
  }[place.kind];
  return [...own, ...Object.keys(aliases).filter((word) => word.startsWith('$'))];
}

/** `arg2@user` is arg2 too: where a text lies is told by its address. */
function withoutAliases({ place }: TraceProbe, expression: string): string {
  const known = expression.replace(/\$\w+|\bretval\b/g, (word) => aliases[word] ?? word);
  const plain = known.replace(/\b(\w+)@user\b/g, '$1');
  if (place.kind === 'u' || place.kind === 't') return plain;
  return plain.replace(/\barg([1-6])\b/g, (_, number: string) => argument(number, isSyscall(place)));
}

/** A system call's fourth argument is in another register than a function's (arch/x86/include/asm/syscall_wrapper.h). */
function argument(number: string, ofSyscall: boolean): string {
  if (!ofSyscall) return `PT_REGS_PARM${number}(ctx)`;
  return `PT_REGS_PARM${number}_SYSCALL((struct pt_regs *)PT_REGS_PARM1(ctx))`;
}
