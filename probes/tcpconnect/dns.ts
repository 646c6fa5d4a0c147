import { type BPF, formatAddress } from 'tracebed';

/**
 * Names by the addresses that name servers gave for them, for the column QUERY of --dns (RFC 1035, section 4):
 *
 *   header   = id, flags (bit 15: an answer), questions, answers, authorities, additional: six u16, big endian
 *   question = name, type u16, class u16
 *   answer   = name, type u16, class u16, seconds to live u32, length u16, data
 *   name     = { length u8, letters }, 0; or a pointer of two bytes whose upper two bits are set, to where it goes on
 */
export interface DnsAnswer {
  /** What was asked for, without its last dot. */
  readonly question: string;
  /** IPv4 and IPv6 addresses as text. */
  readonly addresses: readonly string[];
}

const recordA = 1;
const recordAaaa = 28;
/** Pointers of one name, at most: more go round in a circle. */
const mostJumps = 16;

/** A name server's message, or undefined for what is no answer to one question, or is cut. */
export function parseDnsAnswer(bytes: Uint8Array): DnsAnswer | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) return undefined;
  const isAnswer = (view.getUint16(2) & 0x8000) !== 0;
  const [questions, answers] = [view.getUint16(4), view.getUint16(6)];
  if (!isAnswer || questions !== 1) return undefined;
  const question = readName(bytes, 12);
  if (!question) return undefined;
  const addresses: string[] = [];
  let at = question.end + 4;
  for (let i = 0; i < answers; i++) {
    const name = readName(bytes, at);
    if (!name || name.end + 10 > bytes.length) break;
    const type = view.getUint16(name.end);
    const begin = name.end + 10;
    at = begin + view.getUint16(name.end + 8);
    if (at > bytes.length) break;
    if (type === recordA || type === recordAaaa) addresses.push(formatAddress(bytes.subarray(begin, at)));
  }
  return { question: question.text, addresses };
}

/** A name, and where what follows it begins. */
function readName(bytes: Uint8Array, from: number): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = from;
  let end: number | undefined;
  for (let jumps = 0; jumps <= mostJumps; ) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { text: labels.join('.'), end: end ?? at + 1 };
    if (length < 0x40) {
      if (at + 1 + length > bytes.length) return undefined;
      labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)));
      at += 1 + length;
      continue;
    }
    const low = bytes[at + 1];
    if (length < 0xc0 || low === undefined) return undefined;
    end ??= at + 2;
    at = ((length & 0x3f) << 8) | low;
    jumps++;
  }
  return undefined;
}

/** Told behind a name that was asked for so long ago, ns. */
const longAgo = 100e6;
/** Addresses that are kept; the oldest go first. */
const mostKept = 10_240;

interface Answer {
  readonly ts: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** Reads what dns.h tells, and knows from then on what an address was asked for by. */
export class DnsNames {
  readonly #names = new Map<string, { readonly question: string; readonly time: number }>();

  constructor(bpf: BPF) {
    for (const event of ['udp_recvmsg', 'udpv6_recvmsg']) {
      if (bpf.ksymname(event) === undefined) continue;
      bpf.attachKprobe({ event, fnName: 'answer_asked' });
      bpf.attachKretprobe({ event, fnName: 'answer_taken' });
    }
    const answers = bpf.table('answers');
    answers.openPerfBuffer((_, data) => {
      const { ts, size, bytes } = answers.event<Answer>(data);
      const answer = parseDnsAnswer(bytes.subarray(0, size));
      for (const address of answer?.addresses ?? []) this.#keep(address, answer?.question ?? '', ts);
    });
  }

  #keep(address: string, question: string, time: number): void {
    this.#names.delete(address);
    this.#names.set(address, { question, time });
    const [oldest] = this.#names.keys();
    if (this.#names.size > mostKept && oldest !== undefined) this.#names.delete(oldest);
  }

  /** The column QUERY of a connect to an address at a time, ns. */
  query(address: string, time: number): string {
    const known = this.#names.get(address);
    if (!known) return address === '127.0.0.1' || address === '::1' ? 'localhost' : 'No DNS Query';
    const age = time - known.time;
    return age > longAgo ? `${known.question} (${(age / 1e6).toFixed(3)}ms)` : known.question;
  }
}
