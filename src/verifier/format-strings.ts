/**
 * The formats that bpf_snprintf takes: what bpf_trace_printk knows, with as many values as are given
 * (kernel/bpf/helpers.c: bpf_bprintf_prepare).
 */
const conversion = /^%(?:%|[-+0 ]*(?:[1-9]\d*)?(?:p(?:[ku]s|[iI][46]|[BKxsS])?|s|c|l{0,2}[diuxX]))/;

/** Whether a format is one that the kernel takes, for so many values. */
export function isFormat(bytes: Uint8Array, values: number): boolean {
  const end = bytes.indexOf(0);
  if (end < 0) return false;
  const text = String.fromCharCode(...bytes.subarray(0, end));
  let taken = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 37) {
      if (!isPlain(code)) return false;
      continue;
    }
    const found = conversion.exec(text.slice(at))?.[0];
    if (found === undefined) return false;
    if (found !== '%%') taken++;
    if (taken > values || (/p$/.test(found) && !mayFollow(text.charCodeAt(at + found.length)))) return false;
    at += found.length - 1;
  }
  return true;
}

/** Printable ASCII and white space. */
function isPlain(code: number): boolean {
  return (code >= 32 && code < 127) || (code >= 9 && code <= 13);
}

/** Behind a bare %p stands no letter or digit, which would change it. */
function mayFollow(code: number): boolean {
  return Number.isNaN(code) || !/[A-Za-z0-9]/.test(String.fromCharCode(code));
}
