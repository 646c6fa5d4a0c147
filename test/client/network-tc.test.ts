import { describe, expect, test } from 'vitest';
import { sock } from '../../src/events/index.ts';
import { addresses, eth1, NetworkStage, numbers, packet, stages, udp, va } from './network-stage.ts';

const curl = { pid: 43, tgid: 42, comm: 'curl', uid: 1000, gid: 0, cgroup: '/user.slice' };

describe.each(stages)('classifiers of tc, on the $engine.name and kernel $kernel', (options) => {
  const stage = new NetworkStage(options);

  test.each([
    ['TC_ACT_OK', 'passed', [], 'sent'],
    ['TC_ACT_UNSPEC', 'passed', [], 'sent'],
    ['TC_ACT_PIPE', 'passed', [], 'sent'],
    ['TC_ACT_SHOT', 'dropped', ['TC_INGRESS @ __netif_receive_skb_core'], 'dropped'],
    ['TC_ACT_STOLEN', 'stolen', [], 'stolen'],
    ['TC_ACT_REDIRECT', 'dropped', ['NOT_SPECIFIED @ skb_do_redirect'], 'dropped'],
    ['bpf_redirect(99, 0)', 'dropped', ['NOT_SPECIFIED @ skb_do_redirect'], 'dropped'],
    ['bpf_redirect(3, 0)', 'redirected', [], 'redirected'],
  ] as const)('%s: the packet is %s', (answer, fate, drops, out) => {
    const told = stage.watch();
    const bpf = stage.load(`int cls(struct __sk_buff *skb) { return ${answer}; }`);
    bpf.attachTc('eth0', 'ingress', 'cls');
    bpf.attachTc('eth0', 'egress', 'cls');
    expect(stage.receive(udp())).toBe(fate);
    const dropped = (lines: string[]) => lines.filter((line) => line.includes('@'));
    expect(dropped(told())).toEqual(drops);
    expect(stage.transmit(udp())).toBe(out);
    expect(dropped(told())).toEqual(
      drops.map((line) => line.replace('TC_INGRESS @ __netif_receive_skb_core', 'TC_EGRESS @ __dev_queue_xmit')),
    );
  });

  test('without direct action the result is a class, and nothing happens', () => {
    const bpf = stage.load('int cls(struct __sk_buff *skb) { return TC_ACT_SHOT; }');
    const link = bpf.attachTc('eth0', 'ingress', 'cls');
    bpf.attachTc('eth0', 'ingress', 'cls', { directAction: false });
    expect(stage.receive(udp())).toBe('passed');
    // It has decided: the next one is not asked.
    expect(link.info().hits).toBe(0);
  });

  test('classifiers run by priority, the newest of one first, until one decides', () => {
    const bpf = stage.load(`
        BPF_ARRAY(order, u32, 8);
        static inline int note(struct __sk_buff *skb, u32 who) {
          int key = 0; u32 *count = order.lookup(&key);
          if (!count) return TC_ACT_SHOT;
          *count += 1;
          int next = *count;
          order.update(&next, &who);
          return who == 3 ? TC_ACT_OK : TC_ACT_UNSPEC;
        }
        int one(struct __sk_buff *skb) { return note(skb, 1); }
        int two(struct __sk_buff *skb) { return note(skb, 2); }
        int three(struct __sk_buff *skb) { return note(skb, 3); }
        int four(struct __sk_buff *skb) { return note(skb, 4); }`);
    bpf.attachTc('eth0', 'ingress', 'three', { priority: 20 });
    bpf.attachTc('eth0', 'ingress', 'one', { priority: 10 });
    bpf.attachTc('eth0', 'ingress', 'two', { priority: 10 });
    bpf.attachTc('eth0', 'ingress', 'four', { priority: 30 });
    stage.receive(udp());
    expect(numbers(bpf, 'order').slice(0, 5)).toEqual([3, 2, 1, 3, 0]);
    expect(() => bpf.attachTc('eth0', 'ingress', 'one', { priority: 10, handle: 1 })).toThrow(/EEXIST/);
    expect(() => bpf.attachTc('eth0', 'ingress', 'one', { priority: 0 })).toThrow(/EINVAL/);
    expect(() => bpf.attachTc('eth9', 'ingress', 'one')).toThrow(/ENODEV.*|no network device/);
    bpf.detachTc('eth0', 'ingress', 'three');
    bpf.detachTc('eth0', 'ingress');
    expect(() => bpf.detachTc('eth0', 'ingress')).toThrow(/no classifier/);
  });

  test('sees on the way out who sends', () => {
    const bpf = stage.load(`
        BPF_ARRAY(seen, u64, 6);
        static inline void keep(int key, u64 value) { seen.update(&key, &value); }
        int cls(struct __sk_buff *skb) {
          keep(0, bpf_get_socket_uid(skb));
          keep(1, bpf_get_socket_cookie(skb));
          keep(2, bpf_skb_cgroup_id(skb));
          keep(3, skb->mark);
          keep(4, skb->priority);
          keep(5, skb->len);
          return TC_ACT_OK;
        }`);
    bpf.attachTc('eth0', 'egress', 'cls');
    const sk = sock({
      protocol: 'udp',
      source: '10.0.0.1',
      sourcePort: 5,
      destination: '10.0.0.2',
      destinationPort: 53,
    });
    stage.transmit(udp(), { sk, task: curl, mark: 7, priority: 3 });
    expect(numbers(bpf, 'seen')).toEqual([1000, 1, 2, 7, 3, udp().length]);
    stage.transmit(udp());
    expect(numbers(bpf, 'seen').slice(0, 3)).toEqual([65534, 0, 0]);
    // What comes in is nobody's, also where a packet lay that somebody sent, and what comes out of a pair.
    bpf.attachTc('eth0', 'ingress', 'cls');
    stage.transmit(udp(), { sk, task: curl });
    stage.receive(udp(), { task: curl });
    expect(numbers(bpf, 'seen').slice(0, 3)).toEqual([65534, 0, 0]);
    bpf.attachTc('vb', 'ingress', 'cls');
    stage.transmit(udp(), { device: va, sk, task: curl });
    expect(numbers(bpf, 'seen').slice(0, 3)).toEqual([65534, 0, 0]);
  });

  test('a clone goes its own way, in or out', () => {
    const bpf = stage.load(`
        int clone(struct __sk_buff *skb) {
          bpf_clone_redirect(skb, 3, 0);
          bpf_clone_redirect(skb, 3, BPF_F_INGRESS);
          return bpf_clone_redirect(skb, 99, 0) == -22 ? TC_ACT_SHOT : TC_ACT_OK;
        }
        BPF_ARRAY(seen, u32, 1);
        int count(struct __sk_buff *skb) { seen.increment(0, skb->mark); return TC_ACT_OK; }`);
    bpf.attachTc('eth0', 'ingress', 'clone');
    bpf.attachTc('eth1', 'ingress', 'count');
    bpf.attachTc('eth1', 'egress', 'count');
    expect(stage.receive(udp(), { mark: 7 })).toBe('dropped');
    expect([bpf.table('seen').get(0), stage.device('eth1')]).toMatchObject([14, { sent: 1, received: 1 }]);
  });

  test('a packet that is sent round and round comes to rest', () => {
    const bpf = stage.load('int again(struct __sk_buff *skb) { return bpf_redirect(skb->ifindex, BPF_F_INGRESS); }');
    const [link] = [bpf.attachTc('eth0', 'ingress', 'again')];
    expect(stage.receive(udp())).toBe('redirected');
    expect(link.info().hits).toBe(301);
    const out = stage.load('int out(struct __sk_buff *skb) { return bpf_redirect(3, 0); }');
    const sent = out.attachTc('eth1', 'egress', 'out');
    stage.transmit(udp(), { device: eth1 });
    expect(sent.info().hits).toBe(10);
  });

  test('sees what an event says of its packet: mark, priority and queue, which the kernel counts from 1 on the way in', () => {
    const bpf = stage.load(`
      BPF_ARRAY(seen, u32, 5);
      static inline void keep(int key, u32 value) { seen.update(&key, &value); }
      int cls(struct __sk_buff *skb) {
        keep(0, skb->mark); keep(1, skb->priority); keep(2, skb->queue_mapping); keep(3, skb->wire_len);
        return TC_ACT_OK;
      }
      int xdp(struct xdp_md *ctx) { keep(4, ctx->rx_queue_index); return XDP_PASS; }`);
    bpf.attachTc('eth0', 'ingress', 'cls');
    bpf.attachTc('eth0', 'egress', 'cls');
    bpf.attachXdp('eth0', 'xdp');
    stage.receive(udp(), { mark: 7, priority: 3, queue: 2 });
    expect(numbers(bpf, 'seen')).toEqual([7, 3, 3, 32, 2]);
    stage.receive(udp());
    expect(numbers(bpf, 'seen')).toEqual([0, 0, 0, 32, 0]);
    stage.transmit(udp(), { mark: 8, priority: 4, queue: 2 });
    expect(numbers(bpf, 'seen')).toEqual([8, 4, 2, 46, 0]);
  });

  test('packets that become more and more fill the backlog, and the rest is dropped', () => {
    const told = stage.watch();
    const bpf = stage.load(`
      int twice(struct __sk_buff *skb) {
        bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
        return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
      }`);
    const link = bpf.attachTc('eth0', 'ingress', 'twice');
    expect(stage.receive(udp())).toBe('redirected');
    // Of 301 runs that send 602 on, 300 came to their turn and 256 wait.
    expect(link.info().hits).toBe(301);
    const drops = told().filter((line) => line.includes('@'));
    expect(new Set(drops)).toEqual(new Set(['CPU_BACKLOG @ enqueue_to_backlog']));
    expect(stage.device('eth0')?.dropped).toBe(602 - 300 - 256);
  });

  test('the hash of a flow is the same both ways, another for other ports, and of fragments that of their addresses', () => {
    const bpf = stage.load(`
      BPF_ARRAY(seen, u32, 1);
      int cls(struct __sk_buff *skb) {
        int key = 0; u32 hash = bpf_get_hash_recalc(skb);
        seen.update(&key, &hash);
        return TC_ACT_OK;
      }`);
    bpf.attachTc('eth0', 'ingress', 'cls');
    const hash = (sourcePort: number, destinationPort: number, back = false, fragmentOffset = 0): unknown => {
      const ipv4 = back ? { source: addresses.destination, destination: addresses.source } : addresses;
      stage.receive(packet({ ipv4: { ...ipv4, fragmentOffset }, udp: { sourcePort, destinationPort } }));
      return bpf.table('seen').get(0);
    };
    const one = hash(53, 4000);
    expect([hash(4000, 53, true), hash(53, 4001), hash(4000, 53)]).not.toContain(0);
    expect(hash(4000, 53, true)).toBe(one);
    expect(hash(53, 4001)).not.toBe(one);
    expect(hash(53, 4000, false, 8)).toBe(hash(1, 2, false, 8));
    expect(hash(53, 4000, false, 8)).not.toBe(one);
  });
});
