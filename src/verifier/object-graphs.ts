import { structsMatch } from './btf-access.ts';
import { pushCallback } from './callbacks.ts';
import type { Environment } from './environment.ts';
import type { KernelCall } from './kernel-function.ts';
import { type FieldKind, fieldNames, nameOf, type RecordField } from './record-fields.ts';
import { dropReference } from './references.ts';
import { flag, pointer, type Register } from './register.ts';

/**
 * Lists and trees of the program's own objects: heads in map values or objects, under a lock that lies in the same
 * allocation; nodes that the program owns, or may only look at while the lock is held
 * (kernel/bpf/verifier.c: __process_kf_arg_ptr_to_graph_root and _node).
 */
function fieldAt(env: Environment, register: Register, kind: FieldKind, number: number): RecordField {
  const name = fieldNames[kind];
  if (!register.scalar.isConst)
    env.fail('EINVAL', `R${number} doesn't have constant offset. ${name} has to be at the constant offset`);
  const offset = register.offset + Number(register.constant);
  const field = env.recordOf(register)?.find((each) => each.kind === kind && each.offset === offset);
  if (!field) return env.fail('EINVAL', `${name} not found at offset=${offset}`);
  return field;
}

export function checkHead(
  env: Environment,
  call: KernelCall,
  kind: 'listHead' | 'treeRoot',
  index: number,
  register: Register,
): void {
  const isLocal = register.kind === 'btf' && register.flags === flag.alloc;
  if (register.kind !== 'mapValue' && !isLocal)
    env.fail('EINVAL', `arg#${index} expected pointer to map value or allocated object`);
  if (isLocal && !register.referenceId) env.fail('EINVAL', 'allocated object must be referenced');
  const field = fieldAt(env, register, kind, index + 1);
  checkLocked(env, register, kind);
  call.head = field;
  call.headRegister = register;
}

/** The lock that guards a head lies in the same value or object, and is held. */
function checkLocked(env: Environment, register: Register, kind: FieldKind): void {
  const { lock } = env.state;
  const at =
    env.recordOf(register)?.find((each) => each.kind === 'spinLock')?.offset ?? register.shape?.spinLock ?? -22;
  const owner = register.shape ?? register.btf;
  if (lock && lock.id === register.id && lock.owner === owner) return;
  if (lock) env.say('held lock and object are not in the same allocation');
  env.fail('EINVAL', `bpf_spin_lock at off=${at} must be held for ${fieldNames[kind]}`);
}

export function checkNode(
  env: Environment,
  call: KernelCall,
  kind: 'listNode' | 'treeNode',
  index: number,
  register: Register,
): void {
  const { name } = call.target;
  const takes = kind === 'listNode' || name === 'bpf_rbtree_add_impl';
  if (takes) {
    if (register.kind !== 'btf' || register.flags !== flag.alloc)
      env.fail('EINVAL', `arg#${index} expected pointer to allocated object`);
    if (!register.referenceId) env.fail('EINVAL', 'allocated object must be referenced');
  } else {
    if (!(register.flags & flag.nonOwning) && !register.referenceId)
      env.fail('EINVAL', `${name} can only take non-owning or refcounted bpf_rb_node pointer`);
    if (inTreeCallback(env)) env.fail('EINVAL', `${name} not allowed in rbtree cb`);
  }
  const field = fieldAt(env, register, kind, index + 1);
  checkMember(env, call, kind, register, field);
  call.object = register;
}

function checkMember(env: Environment, call: KernelCall, kind: FieldKind, register: Register, node: RecordField): void {
  const { head } = call;
  if (!head || !register.btf) return;
  const headName = fieldNames[head.kind];
  const nodeName = fieldNames[kind];
  if (!structsMatch(register.btf, register.btfId, 0, head.struct, true)) {
    env.fail(
      'EINVAL',
      `operation on ${headName} expects arg#1 ${nodeName} at offset=${head.node} in struct ${head.struct}, but arg is at offset=${node.offset} in struct ${register.btfName}`,
    );
  }
  if (node.offset !== head.node) {
    env.fail(
      'EINVAL',
      `arg#1 offset=${node.offset}, but expected ${nodeName} at offset=${head.node} in struct ${head.struct}`,
    );
  }
}

function inTreeCallback(env: Environment): boolean {
  return env.frame.callback?.helper === 'bpf_rbtree_add_impl';
}

/** What was put into a list or tree may still be looked at while the lock is held. */
export function giveAway(env: Environment, reference: number): void {
  dropReference(env, reference);
  env.state.mapRegisters((register) => {
    if (register.referenceId !== reference) return register;
    const seen = register.draft();
    seen.referenceId = 0;
    seen.flags |= flag.nonOwning;
    return seen;
  });
}

/** A node that a list or tree gives: its object, with the offset at the node. */
export function nodeRegister(env: Environment, head: RecordField): Register {
  const register = pointer('btf', flag.alloc);
  register.btf = env.program.btf;
  register.btfId = head.type;
  register.btfName = env.program.btf ? nameOf(env.program.btf, head.type) : head.struct;
  register.offset = head.node;
  return register;
}

/** bpf_rbtree_add calls back to compare two nodes, both only to look at. */
export function startTreeCallback(env: Environment, call: KernelCall): void {
  const { head } = call;
  if (!head) return;
  const node = nodeRegister(env, head);
  node.flags |= flag.nonOwning;
  pushCallback(env, call.callback, 'bpf_rbtree_add_impl', { min: 0, max: 1 }, [node, node]);
}

export function isGraphFunction(name: string): boolean {
  return /^bpf_(list|rbtree)_/.test(name) || name === 'bpf_refcount_acquire_impl';
}
