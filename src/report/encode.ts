import { toHex } from '../base/index.ts';

/**
 * JSON of plain data that may hold what JSON lacks. A bigint is always a string of decimal digits, so that a field
 * never changes its type with its value; bytes are lower-case hex; what is undefined is left out of objects.
 */
export function encodeJson(value: unknown): string {
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
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`;
  if (value instanceof Uint8Array) return `"${toHex(value)}"`;
  let text = '';
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${encodeJson(member)}`;
  }
  return `{${text}}`;
}
