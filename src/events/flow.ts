/** Who talks to whom: the flow that a packet belongs to, as data and as a line. */
import { formatAddress, formatEndpoint, formatMac } from './address.ts';
import type { Layer } from './layers.ts';
import { etherTypeName, ipProtocolName, ipProtocols } from './protocols.ts';

export interface Flow {
  /** `TCP`, `UDP`, `ICMP`, `ARP`, `IGMP`, or the EtherType's name. */
  readonly protocol: string;
  /** EtherType of the network layer, when one is there. */
  readonly etherType: number | undefined;
  /** The IP protocol number; undefined when it is not IP. */
  readonly ipProtocol: number | undefined;
  /** 4, 16 or (no network layer) 6 bytes. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

/** The flow of a packet's layers; undefined when not even a link address is there. */
export function flowOf(layers: readonly Layer[]): Flow | undefined {
  let flow: Flow | undefined;
  for (const layer of layers) {
    switch (layer.kind) {
      case 'ethernet':
      case 'vlan':
        flow = {
          protocol: etherTypeName(layer.etherType),
          etherType: layer.etherType,
          ipProtocol: undefined,
          source: layer.kind === 'ethernet' ? layer.source : flow!.source,
          destination: layer.kind === 'ethernet' ? layer.destination : flow!.destination,
          sourcePort: undefined,
          destinationPort: undefined,
        };
        break;
      case 'arp':
        return {
          ...blank,
          protocol: 'ARP',
          etherType: 0x0806,
          source: layer.senderAddress,
          destination: layer.targetAddress,
        };
      case 'ipv4':
      case 'ipv6':
        flow = ipFlow(layer);
        break;
      case 'ipv6-extension':
        flow = { ...flow!, protocol: ipProtocolName(layer.nextHeader), ipProtocol: layer.nextHeader };
        break;
      case 'tcp':
      case 'udp':
        return { ...flow!, sourcePort: layer.sourcePort, destinationPort: layer.destinationPort };
      default:
        return flow;
    }
  }
  return flow;
}

const blank = { ipProtocol: undefined, sourcePort: undefined, destinationPort: undefined } as const;

function ipFlow(layer: Extract<Layer, { kind: 'ipv4' | 'ipv6' }>): Flow {
  const ipProtocol = layer.kind === 'ipv4' ? layer.protocol : layer.nextHeader;
  return {
    protocol: ipProtocolName(ipProtocol),
    etherType: layer.kind === 'ipv4' ? 0x0800 : 0x86dd,
    ipProtocol,
    source: layer.source,
    destination: layer.destination,
    sourcePort: undefined,
    destinationPort: undefined,
  };
}

/** `UDP 10.77.0.1:42104 → 10.77.0.2:9999`, `ARP 10.0.0.1 → 10.0.0.2`, `0x88b5 02:…:0a → 02:…:0b`. */
export function formatFlow(flow: Flow): string {
  const end = (address: Uint8Array, port: number | undefined): string => {
    if (port !== undefined) return formatEndpoint(address, port);
    return address.length === 6 ? formatMac(address) : formatAddress(address);
  };
  const source = end(flow.source, flow.sourcePort);
  return `${flow.protocol} ${source} → ${end(flow.destination, flow.destinationPort)}`;
}

/** Whether packets of this IP protocol carry ports. */
export function hasPorts(ipProtocol: number): boolean {
  return ipProtocol === ipProtocols.TCP || ipProtocol === ipProtocols.UDP;
}
