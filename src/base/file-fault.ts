import { type FaultDetails, InputError } from './errors.ts';

/** What the errno of a file's system call says of the file. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'this is a directory',
};

/**
 * The fault of a file that could not be read or written, for a `throw` in a catch.
 * @param cause what the system call threw; anything else comes back as it is
 */
export function fileFault(file: string, deed: 'read' | 'written', cause: unknown, details: FaultDetails = {}): unknown {
  const { code } = cause as { readonly code?: string };
  if (!(cause instanceof Error) || code === undefined) return cause;
  const denied = code === 'EACCES' || code === 'EPERM' ? `this may not be ${deed}` : undefined;
  const gone = code === 'ENOENT' && deed === 'written' ? 'there is no such directory' : reasons[code];
  return new InputError(gone ?? denied ?? `this cannot be ${deed}: ${code}`, { at: { file }, cause, ...details });
}
