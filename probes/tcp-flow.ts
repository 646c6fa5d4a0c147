import { formatAddress, type ToolOption, type ToolSetup, UsageError } from 'tracebed';
import { sinceFirst } from './since-first.ts';

/** What the tcp tools share: a connection as tcp-flow.h holds it, and the options that choose connections. */
export interface Flow {
  /** Addresses in network order; of IPv4 the first 4 bytes. */
  readonly saddr: Uint8Array;
  readonly daddr: Uint8Array;
  readonly family: number;
  readonly lport: number;
  readonly dport: number;
}

const families = { ipv4: 2, ipv6: 10 } as const;

function bytesOf(address: Uint8Array, family: number): Uint8Array {
  return family === families.ipv4 ? address.subarray(0, 4) : address;
}

export function localAddress({ saddr, family }: Flow): string {
  return formatAddress(bytesOf(saddr, family));
}

export function remoteAddress({ daddr, family }: Flow): string {
  return formatAddress(bytesOf(daddr, family));
}

/** 4 or 6, as the column IP has it. */
export function ipVersion({ family }: Pick<Flow, 'family'>): 4 | 6 {
  return family === families.ipv4 ? 4 : 6;
}

export const familyOptions: readonly ToolOption[] = [
  { flags: '-4, --ipv4', what: 'IPv4 only' },
  { flags: '-6, --ipv6', what: 'IPv6 only' },
];

/** The macro FAMILY of tcp-flow.h. @throws UsageError for both families */
export function familyOf(setup: ToolSetup): number | false {
  if (setup.flag('ipv4') && setup.flag('ipv6')) {
    throw new UsageError('-4 and -6 exclude each other', { expected: 'one family, or none for both' });
  }
  if (setup.flag('ipv4')) return families.ipv4;
  return setup.flag('ipv6') && families.ipv6;
}

/**
 * A comma-separated list of ports as a condition of C on the variable `port`; false when the option is not given.
 * @throws UsageError for what is no port
 */
export function portCondition(setup: ToolSetup, option: string): string | false {
  const list = setup.text(option);
  if (list === undefined) return false;
  const ports = list.split(',').map((text) => text.trim());
  for (const port of ports) {
    if (!/^\d+$/.test(port) || Number(port) > 65_535) {
      throw new UsageError(`'${port}' is no port`, { expected: 'ports from 0 to 65535 with commas between: 80,443' });
    }
  }
  return ports.map((port) => `port == ${port}`).join(' || ');
}

/** Options of the tools that follow a socket by its states. */
export const socketOptions: readonly ToolOption[] = [
  { flags: '-T, --time', what: 'begin with the time of day' },
  { flags: '-t, --timestamp', what: 'begin with the time since the first, in seconds' },
  { flags: '-w, --wide', what: 'columns that IPv6 addresses fit in' },
  { flags: '-s, --csv', what: 'values with commas between' },
  { flags: '-L, --localport <localport>', what: 'only these local ports, with commas between' },
  { flags: '-D, --remoteport <remoteport>', what: 'only these remote ports, with commas between' },
  ...familyOptions,
];

/** Their macros. @throws UsageError as familyOf and portCondition */
export function socketDefines(setup: ToolSetup): Readonly<Record<string, string | number | false>> {
  return {
    FAMILY: familyOf(setup),
    LOCAL_WANTED: portCondition(setup, 'localport'),
    REMOTE_WANTED: portCondition(setup, 'remoteport'),
  };
}

/** How their lines are laid out: as usual, wide, or as comma-separated values. */
export class SocketLayout {
  readonly separator: string;
  readonly #setup: ToolSetup;
  readonly #seconds = sinceFirst();

  constructor(setup: ToolSetup) {
    this.#setup = setup;
    this.separator = setup.flag('csv') ? ',' : ' ';
  }

  /** The format for the layout asked for. */
  form(usual: string, wide: string, separated: string): string {
    if (this.#setup.flag('csv')) return separated;
    return this.#setup.flag('wide') ? wide : usual;
  }

  /** The columns that begin a line. */
  get times() {
    return {
      TIME: this.#setup.flag('time') && this.form('%-8s', '%-8s', '%s'),
      'TIME(s)': this.#setup.flag('timestamp') && this.form('%-9.6f', '%-9.6f', '%.6f'),
    };
  }

  /** The columns of both ends. The usual layout has none for the version of IP. */
  get ends() {
    const version = this.form('', '%-2s', '%s');
    return {
      IP: version !== '' && version,
      LADDR: this.form('%-15s', '%-26s', '%s'),
      LPORT: this.form('%-5d', '%-5d', '%d'),
      RADDR: this.form('%-15s', '%-26s', '%s'),
      RPORT: this.form('%-5d', '%-5d', '%d'),
    };
  }

  /** What these columns hold. @param time virtual ns */
  values(time: number, flow: Flow) {
    return {
      TIME: this.#setup.timeOfDay(time),
      'TIME(s)': this.#seconds(time),
      IP: String(ipVersion(flow)),
      LADDR: localAddress(flow),
      LPORT: flow.lport,
      RADDR: remoteAddress(flow),
      RPORT: flow.dport,
    };
  }
}
