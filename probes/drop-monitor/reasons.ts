/**
 * What each drop reason of Linux 6.18 means and what to look at next, a sentence each; keyed by the kernel's names
 * without SKB_DROP_REASON_ (include/net/dropreason-core.h). A table, so it is longer than other files. Names come from
 * the kernel profile; one that stands here and not there, or the other way round, does no harm.
 */
interface Advice {
  readonly meaning: string;
  readonly next: string;
}

const advice = {
  NOT_SPECIFIED: {
    meaning: 'The code that dropped the packet gives no reason of its own.',
    next: 'Read the source at the location; XDP programs and full veth rings drop this way (ip -s link, ethtool -S).',
  },
  NO_SOCKET: {
    meaning: 'No socket listens for the packet: nobody has this port or connection open.',
    next: 'Compare with ss -lntu on the receiver; check address, port, network namespace, and whether the service is up.',
  },
  SOCKET_CLOSE: {
    meaning: 'The socket was closing, and what still waited in its queues was thrown away.',
    next: 'See who closed it: the task on CPU here; data that arrives after close() is lost by design.',
  },
  SOCKET_FILTER: {
    meaning: 'A filter on the socket (SO_ATTACH_FILTER or SO_ATTACH_BPF) refused the packet.',
    next: 'List the filter with ss -b or bpftool prog, and check that it should take this packet.',
  },
  SOCKET_RCVBUFF: {
    meaning: "The socket's receive buffer was full.",
    next: 'See whether the reader keeps up (ss -m shows the queue); then raise SO_RCVBUF and net.core.rmem_max.',
  },
  UNIX_DISCONNECT: {
    meaning: 'A unix datagram socket was disconnected while packets of its old peer still waited.',
    next: 'Look at who calls connect() again on that socket.',
  },
  UNIX_SKIP_OOB: {
    meaning: 'Out-of-band data of a unix stream socket was passed over by a normal read.',
    next: 'Read it with MSG_OOB if the application needs it; otherwise nothing is wrong.',
  },
  PKT_TOO_SMALL: {
    meaning: 'The packet is shorter than the header that should be in it, or than its own length field says.',
    next: 'Find out who sends truncated packets: look at the bytes, the driver, and any device in between.',
  },
  TCP_CSUM: {
    meaning: 'The TCP checksum is wrong.',
    next: 'Capture at the sender: with checksum offload the fault lies behind the capture, so try ethtool -K tx off.',
  },
  UDP_CSUM: {
    meaning: 'The UDP checksum is wrong.',
    next: 'Check whether something on the way rewrites addresses without mending the checksum, and tx offload.',
  },
  NETFILTER_DROP: {
    meaning: 'A netfilter rule dropped the packet.',
    next: 'The stack shows the hook; find the rule with nft list ruleset and its counters, or nft monitor trace.',
  },
  OTHERHOST: {
    meaning: "The frame's destination MAC address belongs to another host; the device only saw it.",
    next: 'Normal in promiscuous mode and on bridges; else check for a stale ARP entry at the sender.',
  },
  IP_CSUM: {
    meaning: 'The checksum of the IPv4 header is wrong.',
    next: 'Look for a sender or middlebox that changes the header (TTL, NAT) without a new checksum.',
  },
  IP_INHDR: {
    meaning:
      'The IP header cannot be right (version, header length, total length), or the TTL ran out while it was forwarded.',
    next: 'Look at the decoded header: a TTL of 1 at ip_forward means a loop or a traceroute; else the sender builds it wrong.',
  },
  IP_RPFILTER: {
    meaning: 'Reverse path filtering: the route back to the source address does not use this device.',
    next: 'Check ip route get for the source, and net.ipv4.conf.*.rp_filter (2 is loose) for asymmetric routes.',
  },
  UNICAST_IN_L2_MULTICAST: {
    meaning: 'A unicast IP packet came in a link-layer broadcast or multicast frame.',
    next: 'Find the sender of such frames: the source MAC address; some load balancers do this on purpose.',
  },
  XFRM_POLICY: {
    meaning: 'No IPsec policy allows the packet, or it came without the protection that a policy wants.',
    next: 'Compare ip xfrm policy and ip xfrm state; /proc/net/xfrm_stat counts the exact cause.',
  },
  IP_NOPROTO: {
    meaning: 'The host has no handler for this IP protocol number.',
    next: 'Check the protocol field; a missing module (gre, sctp, ipip) or a stray sender is likely.',
  },
  PROTO_MEM: {
    meaning: 'The memory limit of the protocol was reached, whatever single sockets may hold.',
    next: 'See /proc/net/sockstat against net.ipv4.tcp_mem or udp_mem; look for sockets that nobody reads.',
  },
  TCP_AUTH_HDR: {
    meaning: 'The TCP authentication option is malformed, or MD5 and AO stand together.',
    next: "Compare both ends' TCP-MD5 or TCP-AO settings; a middlebox may damage options.",
  },
  TCP_MD5NOTFOUND: {
    meaning: 'The connection wants a TCP-MD5 signature and the segment has none.',
    next: 'Set the same key on the peer (BGP password); check that no middlebox strips the option.',
  },
  TCP_MD5UNEXPECTED: {
    meaning: 'The segment has a TCP-MD5 signature and this end has no key for the peer.',
    next: 'Add the key here or take it off at the peer.',
  },
  TCP_MD5FAILURE: {
    meaning: 'The TCP-MD5 signature does not fit: another key, or a changed segment.',
    next: 'Compare the keys at both ends, then look for NAT on the path.',
  },
  TCP_AONOTFOUND: {
    meaning: 'The connection wants TCP-AO and the segment does not have it.',
    next: 'Configure TCP-AO on the peer, or look for a middlebox that strips options.',
  },
  TCP_AOUNEXPECTED: {
    meaning: 'The segment carries TCP-AO and this end has no key for it.',
    next: 'Add the key here or take it off at the peer.',
  },
  TCP_AOKEYNOTFOUND: {
    meaning: 'The key id of the TCP-AO option is not known here.',
    next: 'Compare key ids (SendID, RecvID) of both ends; a key change may be half done.',
  },
  TCP_AOFAILURE: {
    meaning: 'The TCP-AO hash does not fit.',
    next: 'Compare keys and algorithms at both ends, then look for NAT on the path.',
  },
  SOCKET_BACKLOG: {
    meaning: 'The socket was in use by a task, and its backlog of packets to take later was full.',
    next: 'Raise the receive buffer, or see why the task holds the socket so long.',
  },
  TCP_FLAGS: {
    meaning: 'The TCP flags make no sense in this state of the connection.',
    next: 'Look at the flags in the packet: scanners and broken middleboxes send such; a lone RST or no ACK.',
  },
  TCP_ABORT_ON_DATA: {
    meaning: 'Data came for a socket that was closed with nobody left to read; the connection is reset.',
    next: 'Let the receiver read until the end of the stream before it closes.',
  },
  TCP_ZEROWINDOW: {
    meaning: 'The receive window is zero: the reader does not keep up and the sender sent anyway.',
    next: 'See why the application does not read (ss -m); the sender will probe and go on.',
  },
  TCP_OLD_DATA: {
    meaning: 'All of the data was received before: a retransmission that was not needed.',
    next: 'Look for lost or late ACKs in the other direction, and for retransmission timeouts that are too short.',
  },
  TCP_OVERWINDOW: {
    meaning: 'The data lies beyond the receive window.',
    next: 'Compare sequence and window; a sender that ignores the window or a middlebox that rewrites sequences.',
  },
  TCP_OFOMERGE: {
    meaning: 'Out-of-order data was in the queue already and was merged away.',
    next: 'Harmless by itself; look for reordering and double sending on the path.',
  },
  TCP_RFC7323_PAWS: {
    meaning: "The segment's timestamp is older than one seen before (PAWS), so it is taken for an old duplicate.",
    next: 'Look for several hosts behind one NAT address, or a clock that jumps at the sender.',
  },
  TCP_RFC7323_PAWS_ACK: {
    meaning: 'A pure ACK has an old timestamp (PAWS): an old duplicate or reordered.',
    next: 'Mostly reordering on the path; seldom a reason to act.',
  },
  TCP_RFC7323_TW_PAWS: {
    meaning: 'A segment for a connection in TIME_WAIT has a timestamp that is too old.',
    next: 'Check for quick reuse of ports by clients behind NAT; net.ipv4.tcp_tw_reuse and timestamps.',
  },
  TCP_RFC7323_TSECR: {
    meaning: 'The echoed timestamp is one that was never sent.',
    next: 'Look for a middlebox that rewrites TCP timestamps, or forged segments.',
  },
  TCP_LISTEN_OVERFLOW: {
    meaning: 'The accept queue of the listening socket was full.',
    next: "See ss -lnt (Recv-Q against Send-Q); accept faster, or raise listen()'s backlog and net.core.somaxconn.",
  },
  TCP_OLD_SEQUENCE: {
    meaning: 'The sequence number lies before the window.',
    next: 'A late duplicate; look for retransmissions and reordering on the path.',
  },
  TCP_INVALID_SEQUENCE: {
    meaning: 'The sequence number lies outside the window.',
    next: 'Look for a host that lost its state, NAT reuse of ports, or forged segments.',
  },
  TCP_INVALID_END_SEQUENCE: {
    meaning: 'The segment ends outside the window.',
    next: 'Compare its length with the window offered; the sender overruns the receiver.',
  },
  TCP_INVALID_ACK_SEQUENCE: {
    meaning: 'The ACK number is outside of what could be acknowledged.',
    next: 'Look for a stale connection on the peer, or a middlebox that rewrites sequence numbers.',
  },
  TCP_RESET: {
    meaning: 'A valid RST came: the peer ended the connection.',
    next: 'Ask the peer why: nobody listens, the process died, or a firewall answers for it.',
  },
  TCP_INVALID_SYN: {
    meaning: 'A SYN came inside an established connection.',
    next: 'The client may have restarted and reused the port; the challenge ACK lets it find out.',
  },
  TCP_CLOSE: {
    meaning: 'The socket is closed: the segment came too late.',
    next: 'Usual at the end of a connection; else see who closed it.',
  },
  TCP_FASTOPEN: {
    meaning: 'The segment was dropped by the rules of TCP Fast Open.',
    next: 'Compare net.ipv4.tcp_fastopen at both ends; the client falls back to a normal handshake.',
  },
  TCP_OLD_ACK: {
    meaning: 'The ACK is older than what was acknowledged already.',
    next: 'Reordering on the path; seldom a reason to act.',
  },
  TCP_TOO_OLD_ACK: {
    meaning: 'The ACK is older than the largest window allows.',
    next: 'Look for blind injection or a peer with stale state (RFC 5961).',
  },
  TCP_ACK_UNSENT_DATA: {
    meaning: 'The ACK confirms data that was never sent.',
    next: 'Look for a peer with stale state, a middlebox, or forged segments.',
  },
  TCP_OFO_QUEUE_PRUNE: {
    meaning: 'The queue of out-of-order data was thrown away to free memory.',
    next: 'Look for the loss that leaves the gap, and at net.ipv4.tcp_rmem and tcp_mem.',
  },
  TCP_OFO_DROP: {
    meaning: 'Out-of-order data found no room in the receive buffer.',
    next: 'Look for the loss that leaves the gap; a larger net.ipv4.tcp_rmem bridges it.',
  },
  IP_OUTNOROUTES: {
    meaning: 'A packet on its way out has no route.',
    next: 'Ask ip route get DESTINATION in that network namespace.',
  },
  BPF_CGROUP_EGRESS: {
    meaning: "A BPF program on the task's cgroup refused the packet on its way out.",
    next: 'bpftool cgroup tree lists the programs; container policies work this way.',
  },
  IPV6DISABLED: {
    meaning: 'IPv6 is switched off on the device or host.',
    next: 'Check net.ipv6.conf.*.disable_ipv6, and who still sends IPv6 here.',
  },
  NEIGH_CREATEFAIL: {
    meaning: 'No neighbour entry could be made for the next hop.',
    next: 'The neighbour table may be full: ip -s neigh, net.ipv4.neigh.default.gc_thresh3.',
  },
  NEIGH_FAILED: {
    meaning: 'The next hop did not answer ARP or neighbour discovery.',
    next: 'Is that host up and on this link? See ip neigh, and whether ARP is filtered.',
  },
  NEIGH_QUEUEFULL: {
    meaning: 'Too many packets waited for one neighbour to be resolved.',
    next: 'See why resolution takes so long (ip neigh); net.ipv4.neigh.*.unres_qlen_bytes sets the limit.',
  },
  NEIGH_DEAD: {
    meaning: 'The neighbour entry was deleted while packets used it.',
    next: 'Look for a device that goes down or a table that is flushed.',
  },
  NEIGH_HH_FILLFAIL: {
    meaning: 'The cached link header of the neighbour could not be put in front of the packet.',
    next: 'Check the headroom of the device and tunnels on top of it.',
  },
  TC_EGRESS: {
    meaning: 'A tc filter or action dropped the packet on its way out.',
    next: 'tc -s filter show dev DEVICE egress, and bpftool net for programs.',
  },
  SECURITY_HOOK: {
    meaning: 'A security module (SELinux, Smack, a BPF LSM) refused the packet.',
    next: 'Read the audit log (ausearch -m avc) and the policy.',
  },
  QDISC_DROP: {
    meaning: 'The queueing discipline of the device dropped the packet: its queue is full or its policy says so.',
    next: 'tc -s qdisc show dev DEVICE; a shaper with a small limit, or more traffic than the rate.',
  },
  QDISC_OVERLIMIT: {
    meaning: "A flow went over the queueing discipline's limit.",
    next: 'tc -s qdisc show dev DEVICE: compare limit and backlog; slow the sender or raise the limit.',
  },
  QDISC_CONGESTED: {
    meaning: 'Active queue management (CoDel, PIE) dropped the packet to tell the sender of congestion.',
    next: 'Works as designed; lasting drops mean that the link is too slow. ECN would mark instead.',
  },
  CAKE_FLOOD: {
    meaning: "CAKE's flood protection (BLUE) dropped the packet of a flow that does not slow down.",
    next: 'tc -s qdisc show dev DEVICE; find the flow that ignores congestion.',
  },
  FQ_BAND_LIMIT: {
    meaning: 'A priority band of the fq queueing discipline is full.',
    next: 'tc -s qdisc show dev DEVICE; raise its limit or slow the senders of that band.',
  },
  FQ_HORIZON_LIMIT: {
    meaning: 'The packet asks to be sent further in the future than fq allows.',
    next: 'Check SO_TXTIME or pacing of the sender, its clock, and the horizon of fq.',
  },
  FQ_FLOW_LIMIT: {
    meaning: 'One flow has too many packets in the fq queueing discipline.',
    next: 'Raise flow_limit, or slow that flow: a UDP sender without pacing is the usual one.',
  },
  CPU_BACKLOG: {
    meaning: "The CPU's input queue was full: packets come faster than softirq takes them.",
    next: '/proc/net/softnet_stat, second column; raise net.core.netdev_max_backlog or spread load with RPS.',
  },
  XDP: {
    meaning: 'A generic XDP program dropped the packet.',
    next: 'bpftool net shows the program; its own maps may count why.',
  },
  TC_INGRESS: {
    meaning: 'A tc filter or action dropped the packet on its way in.',
    next: 'tc -s filter show dev DEVICE ingress, and bpftool net for programs.',
  },
  UNHANDLED_PROTO: {
    meaning: 'Nothing on this host takes this EtherType.',
    next: 'Look at the EtherType: stray LLDP or vendor protocols are harmless; a missing module or VLAN is not.',
  },
  SKB_CSUM: {
    meaning: 'The checksum of the packet could not be computed or is wrong.',
    next: 'Check offloads of the device (ethtool -k) and the tunnel that the packet takes.',
  },
  SKB_GSO_SEG: {
    meaning: 'A large packet could not be cut into segments.',
    next: 'Try ethtool -K DEVICE gso off tso off; a driver or tunnel handles offload wrong.',
  },
  SKB_UCOPY_FAULT: {
    meaning: 'Data could not be copied to or from user memory.',
    next: 'The application gave a bad address, or took its zero-copy memory away too early.',
  },
  DEV_HDR: {
    meaning: "The device's header is wrong or could not be made.",
    next: 'Check tunnel and tun/tap settings: who writes the frames, and with which header.',
  },
  DEV_READY: {
    meaning: 'The device is not ready: down, or not attached.',
    next: 'ip link show; see whether the interface or its user-space end (tun, tap) is up.',
  },
  FULL_RING: {
    meaning: 'The ring of a tun or tap device was full: its reader in user space is too slow.',
    next: 'Look at the process behind it (a VM or VPN); raise the queue length: ip link set txqueuelen.',
  },
  NOMEM: {
    meaning: 'The kernel had no memory for the packet.',
    next: 'Look at free memory and the kernel log for failed allocations; net.core limits.',
  },
  HDR_TRUNC: {
    meaning: 'A header could not be read: the packet is cut within it.',
    next: 'Look at length and bytes; the sender or a tunnel cuts packets.',
  },
  TAP_FILTER: {
    meaning: 'The filter program of a tun or tap device dropped the packet.',
    next: 'Look at the program that the owner of the device attached (TUNATTACHFILTER, TUNSETFILTEREBPF).',
  },
  TAP_TXFILTER: {
    meaning: "The MAC address filter of a tun or tap device does not take the frame's destination.",
    next: 'Compare the destination MAC address with the addresses that the guest asked for (TUNSETTXFILTER).',
  },
  ICMP_CSUM: {
    meaning: 'The ICMP checksum is wrong.',
    next: 'Look for a sender or middlebox that builds or changes ICMP wrong.',
  },
  INVALID_PROTO: {
    meaning: 'The packet does not keep to the rules of its protocol.',
    next: 'Look at the header that the location checks; an ICMP timestamp request to a broadcast address is one such.',
  },
  IP_INADDRERRORS: {
    meaning: 'The destination address is not one that this host may take or forward to.',
    next: 'Check the address in the packet and ip route get for it.',
  },
  IP_INNOROUTES: {
    meaning: 'A packet that came in has no route to its destination.',
    next: 'ip route get DESTINATION from SOURCE iif DEVICE; a missing or blackhole route, or forwarding is off.',
  },
  IP_LOCAL_SOURCE: {
    meaning: "A packet from outside carries one of this host's own addresses as its source.",
    next: 'Look for a duplicate address, a loop, or forged packets; accept_local allows it on purpose.',
  },
  IP_INVALID_SOURCE: {
    meaning: 'The source address cannot be a source: multicast, broadcast or zero.',
    next: 'Find the sender by its MAC address; it is misconfigured or forging.',
  },
  IP_LOCALNET: {
    meaning: 'A packet with a loopback address came from outside.',
    next: 'Find the sender by its MAC address; route_localnet allows it where it is wanted.',
  },
  IP_INVALID_DEST: {
    meaning: 'The destination address cannot be a destination here.',
    next: 'Look at the address; limited broadcast and zero addresses are not routed.',
  },
  PKT_TOO_BIG: {
    meaning: 'The packet is larger than the MTU and may not be cut.',
    next: 'Find where the MTU shrinks (tracepath), and whether ICMP fragmentation-needed gets back to the sender.',
  },
  DUP_FRAG: {
    meaning: 'The same fragment was there already.',
    next: 'Look for double sending on the path; else harmless.',
  },
  FRAG_REASM_TIMEOUT: {
    meaning: 'Not all fragments of the packet came in time.',
    next: 'Some fragments are lost: look at firewalls that drop them, and avoid fragmentation (path MTU).',
  },
  FRAG_TOO_FAR: {
    meaning: 'Too many fragments of other packets came between those of this one.',
    next: 'Loss or reordering of fragments under load; net.ipv4.ipfrag_max_dist sets the limit.',
  },
  TCP_MINTTL: {
    meaning: 'The TTL is below what the socket accepts (IP_MINTTL, the GTSM of BGP).',
    next: 'The peer is further away than configured, or the packet is forged.',
  },
  IPV6_BAD_EXTHDR: {
    meaning: 'An IPv6 extension header is malformed.',
    next: 'Look at the headers in the packet; scanners send such.',
  },
  IPV6_NDISC_FRAG: {
    meaning: 'A neighbour discovery message came in fragments, which is forbidden.',
    next: 'Find the sender: this is an attack or a broken stack (RFC 6980).',
  },
  IPV6_NDISC_HOP_LIMIT: {
    meaning: 'A neighbour discovery message has a hop limit other than 255: it was routed.',
    next: 'Find who forwards or forges neighbour discovery.',
  },
  IPV6_NDISC_BAD_CODE: {
    meaning: 'A neighbour discovery message has an ICMPv6 code other than 0.',
    next: 'Find the sender; its stack is broken.',
  },
  IPV6_NDISC_BAD_OPTIONS: {
    meaning: 'The options of a neighbour discovery message are malformed.',
    next: 'Look at the bytes; find the sender by its MAC address.',
  },
  IPV6_NDISC_NS_OTHERHOST: {
    meaning: 'A neighbour solicitation asks for an address of another host.',
    next: 'Usual on shared links; else check proxy_ndp.',
  },
  QUEUE_PURGE: {
    meaning: 'A queue was emptied, as when a device or socket goes away.',
    next: 'See what went down at this moment: the task on CPU and the stack tell.',
  },
  TC_COOKIE_ERROR: {
    meaning: 'tc lost track of the state of a packet that passed between hardware and software.',
    next: 'Check hardware offload of tc filters on the device (ethtool -K hw-tc-offload off).',
  },
  PACKET_SOCK_ERROR: {
    meaning: "A packet socket's ring or buffer took the packet no further.",
    next: 'The reader (a capture) is slow: enlarge its buffer; other receivers are not touched.',
  },
  TC_CHAIN_NOTFOUND: {
    meaning: 'A tc action jumps to a chain that does not exist.',
    next: 'tc filter show dev DEVICE: add the chain or mend the goto.',
  },
  TC_RECLASSIFY_LOOP: {
    meaning: 'tc filters sent the packet round too many times.',
    next: 'Look for reclassify actions that lead back to themselves.',
  },
  VXLAN_INVALID_HDR: {
    meaning: 'The VXLAN header is wrong: a flag or reserved field.',
    next: 'Compare the VXLAN settings of both ends (gbp, gpe), and who else uses that UDP port.',
  },
  VXLAN_VNI_NOT_FOUND: {
    meaning: 'No VXLAN device here has the VNI of the packet.',
    next: 'Compare VNIs at both ends: ip -d link show type vxlan.',
  },
  MAC_INVALID_SOURCE: {
    meaning: 'The source MAC address is not valid: multicast, zero, or our own.',
    next: 'Look for a loop or a broken sender.',
  },
  VXLAN_ENTRY_EXISTS: {
    meaning: 'A VXLAN forwarding entry that may not move says that the address lives elsewhere.',
    next: 'bridge fdb show dev VXLAN: a static entry contradicts where the frame came from.',
  },
  NO_TX_TARGET: {
    meaning: 'A tunnel or bond has nowhere to send the packet.',
    next: 'Check remotes, forwarding entries and ports that are up: bridge fdb, ip -d link.',
  },
  IP_TUNNEL_ECN: {
    meaning: 'The ECN bits of inner and outer header contradict each other.',
    next: 'Something on the path sets CE on packets that are not ECN-capable.',
  },
  TUNNEL_TXINFO: {
    meaning: 'A tunnel in external mode got a packet without saying where it should go.',
    next: 'Let tc tunnel_key, BPF or the route give the tunnel metadata.',
  },
  LOCAL_MAC: {
    meaning: "The source MAC address is one of this device's own.",
    next: 'Look for a loop in the network or a duplicate MAC address.',
  },
  ARP_PVLAN_DISABLE: {
    meaning: 'An ARP packet would go back out of the device that it came from, and proxy_arp_pvlan is off.',
    next: 'Set net.ipv4.conf.*.proxy_arp_pvlan where private VLANs need it.',
  },
  MAC_IEEE_MAC_CONTROL: {
    meaning: 'A link-local frame of IEEE 802.1D (such as a pause frame) is not forwarded by a bridge.',
    next: 'Normal; group_fwd_mask lets a bridge forward some of them.',
  },
  BRIDGE_INGRESS_STP_STATE: {
    meaning: "The spanning tree state of the bridge's port does not let frames in.",
    next: 'bridge link show; wait until the port forwards, or look for a loop.',
  },
  CAN_RX_INVALID_FRAME: {
    meaning: 'A CAN frame is malformed.',
    next: 'Check who writes to the CAN device, and its frame size.',
  },
  CANFD_RX_INVALID_FRAME: {
    meaning: 'A CAN FD frame is malformed.',
    next: 'Check who writes to the CAN device, and its frame size.',
  },
  CANXL_RX_INVALID_FRAME: {
    meaning: 'A CAN XL frame is malformed.',
    next: 'Check who writes to the CAN device, and its frame size.',
  },
  PFMEMALLOC: {
    meaning: 'The packet took emergency memory, which only sockets that help to free memory may use.',
    next: 'The host is out of memory: see /proc/meminfo and vm.min_free_kbytes.',
  },
  DUALPI2_STEP_DROP: {
    meaning: 'The dualpi2 queueing discipline dropped the packet at its step threshold.',
    next: 'tc -s qdisc show dev DEVICE; senders in the low-latency queue should react to ECN.',
  },
  PSP_INPUT: {
    meaning: 'A packet did not pass the checks of PSP encryption on its way in.',
    next: 'Compare PSP associations and keys of both ends.',
  },
  PSP_OUTPUT: {
    meaning: 'A packet could not be sent with the PSP encryption that its socket wants.',
    next: 'Check whether the device of the route supports PSP.',
  },
  RECURSION_LIMIT: {
    meaning: 'Virtual devices sent the packet to each other too many times.',
    next: 'Look for a loop of tunnels, bridges, mirred or redirect actions.',
  },
} as const satisfies Record<string, Advice>;

/** The reasons that the table knows. */
export const advisedReasons = Object.keys(advice);

const unknown: Advice = {
  meaning: 'This kernel has a reason that is not described here; subsystems such as mac80211 bring their own.',
  next: "Read the source at the location, and the comment on the reason in the kernel's dropreason headers.",
};

/** What a reason means and what to do next; for one that is not known, where to look. */
export function reasonAdvice(reason: string): Advice {
  return Object.hasOwn(advice, reason) ? (advice as Readonly<Record<string, Advice>>)[reason]! : unknown;
}
