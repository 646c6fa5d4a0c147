import { toHex } from '../base/index.ts';

/**
 * JSON of plain data that may hold what JSON lacks. A bigint is always a string of decimal digits, so that a field
 * never changes its type with its value; bytes are lower-case hex; what is undefined is left out of objects.
 */
export function encodeJson(value: unknown): string {
  return isPlain(value) ? (JSON.stringify(value) ?? 'null') : encode(value);
}

/** Whether JSON.stringify knows all of it: then that is several times as fast as building the text here. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  if (value instanceof Uint8Array) return false;
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key])) return false;
  return true;
}

function encode(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null';
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return `"${value}"`;
    case 'object':
      return value === null ? 'null' : encodeObject(value);
    default:
      return 'null';
  }
}

function encodeObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  if (value instanceof Uint8Array) return `"${toHex(value)}"`;
  let text = '';
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${encode(member)}`;
  }
  return `{${text}}`;
}
