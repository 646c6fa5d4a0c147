/**
 * Packets between bytes and meaning: `buildPacket` makes bytes of a description, `decodePacket` makes layers of
 * bytes, `flowOf` says who talks to whom.
 */
export { type Address, formatAddress, formatEndpoint, formatMac, parseAddress, parseMac } from './address.ts';
export { buildPacket } from './build.ts';
export { type DecodeOptions, decodePacket } from './decode.ts';
export { type Flow, flowOf, formatFlow } from './flow.ts';
export type * from './layers.ts';
