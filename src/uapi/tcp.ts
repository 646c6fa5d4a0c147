/** States of a TCP socket (include/net/tcp_states.h), in sk_state and in the records of tracepoints. */
export const tcpStates = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
  NEW_SYN_RECV: 12,
  BOUND_INACTIVE: 13,
} as const;

export type TcpState = keyof typeof tcpStates;

/** The name of a state, without TCP_; the number as text when it is none. */
export function tcpStateName(value: number): string {
  for (const [name, number] of Object.entries(tcpStates)) if (number === value) return name;
  return String(value);
}
