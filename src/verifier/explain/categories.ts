/** What kinds of refusals there are, each with its name for people. The list is closed: every message has one. */
export const categories = {
  uninitialised: 'a value that was never set',
  'possible-null': 'a pointer that may be NULL',
  bounds: 'an access that may leave its memory',
  misaligned: 'an access that is not aligned',
  'wrong-pointer': 'memory that cannot be reached so',
  'pointer-arithmetic': 'arithmetic that a pointer does not allow',
  context: 'a part of the context that cannot be used so',
  'read-only': 'a write to what may only be read',
  argument: 'an argument that the call does not take',
  unavailable: 'something that this program may not use',
  reference: 'a reference that is not given back',
  lock: 'a rule of locks and protected regions',
  'return-value': 'a value that must not be returned',
  'control-flow': 'a way through the program that is not possible',
  'too-complex': 'a program beyond a limit',
  stack: 'a use of the stack that is not possible',
  malformed: 'an instruction that the kernel does not know',
  map: 'a map that does not fit its use',
  object: 'a kernel object that is used out of order',
  internal: 'a state that the verifier does not expect',
} as const;

export type Category = keyof typeof categories;
