/**
 * `<bcc/proto.h>`: headers of packets as BCC's programs read them through a cursor, `ip->nextp`. Bits are counted from
 * the first of the packet on, and numbers are in the machine's order: the compiler loads each member from the packet of
 * the function's `struct __sk_buff` (lower/packets.ts). A field's address is its offset, which incr_cksum_l3 and
 * incr_cksum_l4 take.
 */
export const packetHeaders = `
#define BPF_PACKET_HEADER __attribute__((packed)) __attribute__((deprecated("packet")))
struct ethernet_t {
  unsigned long long dst:48;
  unsigned long long src:48;
  unsigned int type:16;
} BPF_PACKET_HEADER;
struct dot1q_t {
  unsigned short pri:3;
  unsigned short cfi:1;
  unsigned short vlanid:12;
  unsigned short type;
} BPF_PACKET_HEADER;
struct arp_t {
  unsigned short htype;
  unsigned short ptype;
  unsigned char hlen;
  unsigned char plen;
  unsigned short oper;
  unsigned long long sha:48;
  unsigned long long spa:32;
  unsigned long long tha:48;
  unsigned int tpa;
} BPF_PACKET_HEADER;
struct ip_t {
  unsigned char ver:4;
  unsigned char hlen:4;
  unsigned char tos;
  unsigned short tlen;
  unsigned short identification;
  unsigned short ffo_unused:1;
  unsigned short df:1;
  unsigned short mf:1;
  unsigned short foffset:13;
  unsigned char ttl;
  unsigned char nextp;
  unsigned short hchecksum;
  unsigned int src;
  unsigned int dst;
} BPF_PACKET_HEADER;
struct ip6_t {
  unsigned int ver:4;
  unsigned int priority:8;
  unsigned int flow_label:20;
  unsigned short payload_len;
  unsigned char next_header;
  unsigned char hop_limit;
  unsigned long long src_hi;
  unsigned long long src_lo;
  unsigned long long dst_hi;
  unsigned long long dst_lo;
} BPF_PACKET_HEADER;
struct ip6_opt_t {
  unsigned char next_header;
  unsigned char ext_len;
  unsigned char pad[6];
} BPF_PACKET_HEADER;
struct icmp_t {
  unsigned char type;
  unsigned char code;
  unsigned short checksum;
} BPF_PACKET_HEADER;
struct icmp6_t {
  unsigned char type;
  unsigned char code;
  unsigned short checksum;
} BPF_PACKET_HEADER;
struct udp_t {
  unsigned short sport;
  unsigned short dport;
  unsigned short length;
  unsigned short crc;
} BPF_PACKET_HEADER;
struct tcp_t {
  unsigned short src_port;
  unsigned short dst_port;
  unsigned int seq_num;
  unsigned int ack_num;
  unsigned char offset:4;
  unsigned char reserved:4;
  unsigned char flag_cwr:1;
  unsigned char flag_ece:1;
  unsigned char flag_urg:1;
  unsigned char flag_ack:1;
  unsigned char flag_psh:1;
  unsigned char flag_rst:1;
  unsigned char flag_syn:1;
  unsigned char flag_fin:1;
  unsigned short rcv_wnd;
  unsigned short cksum;
  unsigned short urg_ptr;
} BPF_PACKET_HEADER;
struct vxlan_t {
  unsigned int rsv1:4;
  unsigned int iflag:1;
  unsigned int rsv2:3;
  unsigned int rsv3:24;
  unsigned int key:24;
  unsigned int rsv4:8;
} BPF_PACKET_HEADER;
struct vxlan_gbp_t {
  unsigned int gflag:1;
  unsigned int rsv1:3;
  unsigned int iflag:1;
  unsigned int rsv2:3;
  unsigned int rsv3:1;
  unsigned int dflag:1;
  unsigned int rsv4:1;
  unsigned int aflag:1;
  unsigned int rsv5:3;
  unsigned int tag:17;
  unsigned int key:24;
  unsigned int rsv6:8;
} BPF_PACKET_HEADER;

static inline unsigned long long bpf_wire_order(unsigned long long value, unsigned long long size) {
  return size == 2 ? __builtin_bswap16(value) : size == 4 ? __builtin_bswap32(value) : value;
}
#define incr_cksum_l3(field, from, to) bpf_l3_csum_replace(__builtin_packet(), (unsigned long long)(field), bpf_wire_order(from, sizeof(to)), bpf_wire_order(to, sizeof(to)), sizeof(to))
#define incr_cksum_l4(field, from, to, pseudo) bpf_l4_csum_replace(__builtin_packet(), (unsigned long long)(field), bpf_wire_order(from, sizeof(to)), bpf_wire_order(to, sizeof(to)), (((pseudo) & 1) << 4) | sizeof(to))
`;
