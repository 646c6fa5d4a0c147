import { editDistance, nearest } from '../../base/index.ts';

/**
 * The kernel's headers by folder, so that a misspelt one can be told: those of 6.1 that a tracing tool might include.
 * Nobody is turned away for a name that is missing here, unless it is a letter away from one that is not.
 */
const folders: Readonly<Record<string, string>> = {
  linux: `
    8250_pci acct acpi acpi_agdi acpi_dma acpi_iort acpi_mdio acpi_pmtmr acpi_viot adb adfs_fs adreno-smmu-priv adxl
    aer agp_backend agpgart ahci-remap ahci_platform aio alarmtimer alcor_pci align altera_jtaguart altera_uart
    amd-iommu amd-pstate anon_inodes aperture apm-emulation apm_bios apple-gmux apple-mailbox apple_bl arch_topology
    arm-cci arm-smccc arm_ffa arm_sdei armada-37xx-rwtm-mailbox array_size ascii85 asn1 asn1_ber_bytecode
    asn1_decoder asn1_encoder assoc_array assoc_array_priv async async_tx ata ata_platform atalk ath9k_platform atm
    atm_tcp atmdev atmel-isc-media atmel-mci atmel-ssc atmel_pdc atomic attribute_container audit audit_arch
    auto_dev-ioctl auto_fs auxiliary_bus auxvec average backing-dev backing-dev-defs backlight badblocks
    balloon_compaction base64 bcd bch bcm47xx_nvram bcm47xx_sprom bcm47xx_wdt bcm963xx_nvram bcm963xx_tag binfmts
    bio bit_spinlock bitfield bitmap bitops bitrev bits blk-cgroup blk-crypto blk-crypto-profile blk-integrity
    blk-mq blk-mq-pci blk-mq-rdma blk-mq-virtio blk-pm blk_types blkdev blkpg blktrace_api blockgroup_lock bma150
    bootconfig bootmem_info bottom_half bpf bpf-cgroup bpf-cgroup-defs bpf-netns bpf_lirc bpf_local_storage bpf_lsm
    bpf_mem_alloc bpf_trace bpf_types bpf_verifier bpfilter bpfptr brcmphy bsearch bsg bsg-lib btf btf_ids btree
    btree-128 btree-type btrfs buffer_head bug build-salt build_bug buildid bvec c2port cache cacheflush cacheinfo
    capability cb710 cc_platform cciss_ioctl ccp cdev cdrom cfag12864b cfi cfi_types cgroup cgroup-defs cgroup_api
    cgroup_rdma cgroup_subsys circ_buf cleanup clk clk-provider clkdev clockchips clocksource clocksource_ids
    cm4000_cs cma cn_proc cnt32_to_63 coda compaction compat compiler compiler-clang compiler-gcc compiler-intel
    compiler-version compiler_attributes compiler_types completion component configfs connector console
    console_struct consolemap const container container_of context_tracking context_tracking_irq
    context_tracking_state cookie cordic coredump coresight coresight-pmu coresight-stm count_zeros counter cper cpu
    cpu_cooling cpu_pm cpu_rmap cpufeature cpufreq cpuhotplug cpuidle cpuidle_haltpoll cpumask cpumask_api cpuset
    crash_core crash_dump crc-ccitt crc-itu-t crc-t10dif crc16 crc32 crc32c crc32poly crc4 crc64 crc7 crc8 cred
    crypto cs5535 ctype cuda damon dasd_mod davinci_emac dax dca dcache dccp debug_locks debugfs debugobjects delay
    delayacct delayed_call dev_printk devcoredump devfreq devfreq-event devfreq_cooling device device-mapper
    device_cgroup devm-helpers devpts_fs dfl digsig dim dio dirent dlm dlm_plock dm-bufio dm-dirty-log dm-io
    dm-kcopyd dm-region-hash dm-verity-loadpin dm9000 dma-buf dma-direct dma-direction dma-fence dma-fence-array
    dma-fence-chain dma-fence-unwrap dma-heap dma-map-ops dma-mapping dma-resv dmaengine dmapool dmar dmi dnotify
    dns_resolver dqblk_qtree dqblk_v1 dqblk_v2 drbd drbd_genl drbd_genl_api drbd_limits ds2782_battery dtlk dtpm
    dw_apb_timer dynamic_debug dynamic_queue_limits earlycpio ecryptfs edac edd eeprom_93cx6 eeprom_93xx46 efi
    efi-bgrt efi_embedded_fw efs_vh eisa elf elf-fdpic elf-randomize elfcore elfcore-compat elfnote elfnote-lto
    enclosure energy_model entry-common entry-kvm err errname errno error-injection errqueue errseq etherdevice
    ethtool ethtool_netlink eventfd eventpoll evm export export-internal exportfs ext2_fs extable extcon
    extcon-provider f2fs_fs f75375s falloc fanotify fault-inject fault-inject-usercopy fb fbcon fcdevice fcntl fd
    fddidevice fdtable fec fiemap file fileattr filter find fips firewire firmware firmware-map fixp-arith flat
    flex_proportions font fortify-string fprobe freelist freezer frontswap fs fs_api fs_context fs_enet_pd fs_parser
    fs_pin fs_stack fs_struct fs_types fs_uart_pd fscache fscache-cache fscrypt fsi fsi-occ fsi-sbefifo fsl-diu-fb
    fsl_devices fsl_hypervisor fsl_ifc fsldma fsnotify fsnotify_backend fsverity ftrace ftrace_irq futex fwnode
    fwnode_mdio gameport gcd genalloc generic-radix-tree genetlink genl_magic_func genl_magic_struct getcpu gfp
    gfp_api gfp_types glob gnss goldfish gpio gpio-pxa gpio_keys greybus group_cpus hardirq hash hashtable
    hashtable_api hdlc hdlcdrv hdmi hid hid-debug hid-roccat hid-sensor-hub hid-sensor-ids hidden hiddev hidraw
    highmem highmem-internal highuid hil hil_mlc hippidevice hisi_acc_qm hmm host1x host1x_context_bus hp_sdc hpet
    hrtimer hrtimer_api hrtimer_defs htcpld hte huge_mm hugetlb hugetlb_cgroup hugetlb_inline hw_breakpoint
    hw_random hwmon hwmon-sysfs hwmon-vid hwspinlock hyperv hypervisor i2c i2c-algo-bit i2c-algo-pca i2c-algo-pcf
    i2c-dev i2c-mux i2c-smbus i8042 i8253 icmp icmpv6 idle_inject idr ieee80211 ieee802154 if_arp if_bridge if_eql
    if_ether if_fddi if_hsr if_link if_ltalk if_macvlan if_phonet if_pppol2tp if_pppox if_rmnet if_tap if_team
    if_tun if_tunnel if_vlan igmp ihex ima imx-media in in6 indirect_call_wrapper inet inet_diag inetdevice init
    init_ohci1394_dma init_syscalls init_task initrd inotify input instruction_pointer instrumentation instrumented
    integrity intel-ish-client-if intel-svm intel_rapl intel_th interconnect interconnect-provider interrupt
    interval_tree interval_tree_generic io io-64-nonatomic-hi-lo io-64-nonatomic-lo-hi io-mapping io-pgtable
    io_uring io_uring_types ioam6 ioam6_genl ioam6_iptunnel ioasid iocontext iomap iommu iommu-helper iopoll ioport
    ioprio iosys-map iova iova_bitmap ip ipack ipc ipc_namespace ipmi ipmi_smi ipv6 ipv6_route irq irq_poll irq_sim
    irq_work irqbypass irqchip irqdesc irqdomain irqflags irqhandler irqnr irqreturn isa isa-dma isapnp
    iscsi_boot_sysfs iscsi_ibft iversion jbd2 jhash jiffies journal-head joystick jump_label jump_label_ratelimit
    jz4740-adc jz4780-nemc kallsyms kasan kasan-checks kasan-enabled kasan-tags kbd_diacr kbd_kern kbuild kconfig
    kcore kcov kcsan kcsan-checks kdb kdebug kdev_t kern_levels kernel kernel-page-flags kernel_read_file
    kernel_stat kernelcapi kernfs kexec key key-type keyboard keyctl kfence kfifo kgdb khugepaged klist kmemleak
    kmod kmsan kmsan-checks kmsan_string kmsan_types kmsg_dump kobj_map kobject kobject_api kobject_ns kprobes kref
    kref_api ks0108 ks8842 ks8851_mll ksm kstrtox kthread ktime ktime_api kvm_dirty_ring kvm_host kvm_irqfd kvm_para
    kvm_types l2tp lantiq lapb latencytop lcd lcm led-class-flash led-class-multicolor led-lm3530 leds leds-bd2802
    leds-lp3944 leds-lp3952 leds-pca9532 leds-regulator leds-ti-lmu-common libata libfdt libfdt_env libgcc libnvdimm
    libps2 license limits linear_range linkage linkmode linux_logo lis3lv02d list list_bl list_lru list_nulls
    list_sort litex livepatch llc llist llist_api local_lock local_lock_internal lockdep lockdep_api lockdep_types
    lockref log2 logic_iomem logic_pio lp lru_cache lsm_audit lsm_hook_defs lsm_hooks lz4 lzo mISDNdsp mISDNhw
    mISDNif mailbox_client mailbox_controller map_benchmark maple maple_tree marvell_phy math math64 mbcache mbus
    mc146818rtc mc6821 mcb mdev mdio mdio-bitbang mdio-gpio mdio-mux mei_aux mei_cl_bus mem_encrypt memblock
    memcontrol memfd memory memory-tiers memory_hotplug mempolicy mempool memregion memremap memstick mhi mhi_ep
    micrel_phy microchipphy migrate migrate_mode mii mii_timestamper min_heap minmax misc_cgroup miscdevice mm
    mm_api mm_inline mm_types mm_types_task mman mmap_lock mmdebug mmiotrace mmu_context mmu_notifier mmzone
    mnt_idmapping mnt_namespace mod_devicetable module module_signature moduleloader moduleparam most mount moxtet
    mpage mpi mpls mpls_iptunnel mroute mroute6 mroute_base msdos_fs msdos_partition msg msi mtio mutex mutex_api
    mv643xx mv643xx_eth mv643xx_i2c mvebu-pmsu mxm-wmi namei nd ndctl net netdev_features netdevice netfilter
    netfilter_bridge netfilter_defs netfilter_ipv4 netfilter_ipv6 netfilter_netdev netfs netlink netpoll nfs nfs3
    nfs4 nfs_common nfs_fs nfs_fs_i nfs_fs_sb nfs_iostat nfs_page nfs_ssc nfs_xdr nfsacl nitro_enclaves nl802154 nls
    nmi node nodemask nospec notifier ns_common nsc_gpio nsproxy ntb ntb_transport nubus numa nvme nvme-auth nvme-fc
    nvme-fc-driver nvme-rdma nvme-tcp nvmem-consumer nvmem-provider nvram objagg objtool of of_address of_clk
    of_device of_dma of_fdt of_gpio of_graph of_iommu of_irq of_mdio of_net of_pci of_pdt of_platform
    of_reserved_mem oid_registry olpc-ec omap-dma omap-gpmc omap-iommu omap-mailbox omapfb once once_lite oom
    openvswitch osq_lock overflow packing padata page-flags page-flags-layout page-isolation page_counter page_ext
    page_idle page_owner page_ref page_reporting page_table_check pageblock-flags pagemap pagevec pagewalk panic
    panic_notifier parman parport parport_pc parser part_stat pata_arasan_cf_data patchkey path pch_dma pci pci-acpi
    pci-ats pci-doe pci-ecam pci-ep-cfs pci-epc pci-epf pci-p2pdma pci_hotplug pci_ids pcs-altera-tse pcs-lynx
    pcs-rzn1-miic pda_power pe peci peci-cpu percpu percpu-defs percpu-refcount percpu-rwsem percpu_counter
    perf_event perf_event_api perf_regs personality pfn pfn_t pgalloc pgtable pgtable_api phonet phy phy_fixed
    phy_led_triggers phylink pid pid_namespace pim pipe_fs_i pkeys pktcdvd pl320-ipc platform_device
    platform_profile pldmfw plist pm pm-trace pm_clock pm_domain pm_opp pm_qos pm_runtime pm_wakeirq pm_wakeup pmbus
    pmu pnp poison poll polynomial posix-clock posix-timers posix_acl posix_acl_xattr power_supply powercap ppp-comp
    ppp_channel ppp_defs pps_kernel pr prandom preempt prefetch prime_numbers printk prmt proc_fs proc_ns processor
    profile projid property pruss_driver psci pseudo_fs psi psi_types psp-sev psp-tee pstore pstore_blk pstore_ram
    pstore_zone ptdump pti ptp_classify ptp_clock_kernel ptp_kvm ptp_pch ptr_ring ptrace ptrace_api purgatory
    pvclock_gtod pwm pwm_backlight pxa168_eth pxa2xx_ssp qcom-geni-se qcom_scm qnx6_fs quota quotaops radix-tree
    raid_class ramfs random randomize_kstack range ras ratelimit ratelimit_types rational rbtree rbtree_augmented
    rbtree_latch rbtree_types rcu_node_tree rcu_segcblist rcu_sync rculist rculist_bl rculist_nulls rcupdate
    rcupdate_trace rcupdate_wait rcutiny rcutree rcuwait rcuwait_api reboot reboot-mode reciprocal_div ref_tracker
    refcount refcount_api regmap regset relay remoteproc resctrl reset reset-controller resource resource_ext
    restart_block resume_user_mode rethook rfkill rhashtable rhashtable-types ring_buffer rio rio_drv rio_ids
    rio_regs rmap rmi rndis rodata_test root_dev rpmsg rslib rtc rtmutex rtnetlink rtsx_common rtsx_pci rtsx_usb rv
    rwbase_rt rwlock rwlock_api_smp rwlock_rt rwlock_types rwsem s3c_adc_battery sbitmap scatterlist scc sched
    sched_clock scmi_protocol scpi_protocol screen_info scs sctp scx200 scx200_gpio seccomp secretmem securebits
    security sed-opal seg6 seg6_genl seg6_hmac seg6_iptunnel seg6_local selection sem semaphore seq_buf seq_file
    seq_file_net seqlock seqlock_api serdev serial serial_8250 serial_bcm63xx serial_core serial_max3100 serial_s3c
    serial_sci serio set_memory sfp sh_clk sh_dma sh_eth sh_intc sh_timer shdma-base shm shmem_fs shrinker signal
    signal_types signalfd siox siphash sizes skb_array skbuff skmsg slab slab_def slimbus slub_def sm501 sm501-regs
    smc911x smc91x smp smp_types smpboot smsc911x smscphy sock_diag socket sockptr softirq sonet sony-laptop sonypi
    sort sound soundcard spinlock spinlock_api spinlock_api_smp spinlock_api_up spinlock_rt spinlock_types
    spinlock_types_raw spinlock_types_up spinlock_up splice spmi sram srcu srcutiny srcutree ssbi stackdepot
    stackleak stackprotector stacktrace start_kernel stat statfs static_call static_call_types static_key stdarg
    stddef stm stmmac stmp3xxx_rtc_wdt stmp_device stop_machine string string_helpers stringhash stringify
    sungem_phy sunserialcore sunxi-rsb superhyway surface_acpi_notify suspend svga sw842 swab swait swait_api swap
    swap_cgroup swap_slots swapfile swapops swiotlb switchtec sxgbe_platform sync_core sync_file synclink sys
    sys_soc syscall_user_dispatch syscalls syscalls_api syscore_ops sysctl sysfb sysfs syslog sysrq sysv_fs t10-pi
    task_io_accounting task_io_accounting_ops task_work taskstats_kern tboot tc tca6416_keypad tcp tee_drv
    termios_internal textsearch textsearch_fsm tfrc thermal thread_info threads thunderbolt ti-emif-sram
    ti_wilink_st tick tifm timb_dma timb_gpio time time32 time64 time_namespace timecounter timekeeper_internal
    timekeeping timer timerfd timeriomem-rng timerqueue timex tnum topology torture toshiba tpm tpm_command
    tpm_eventlog trace trace_clock trace_events trace_recursion trace_seq tracefs tracepoint tracepoint-defs
    transport_class ts-nbus tsacct_kern tty tty_buffer tty_driver tty_flip tty_ldisc tty_port typecheck types
    u64_stats_sync u64_stats_sync_api uacce uaccess ucb1400 ucs2_string udp uidgid uio uio_driver umh unicode units
    uprobes usb usb_usual usbdevice_fs user user-return-notifier user_events user_namespace userfaultfd_k
    usermode_driver util_macros uts utsname uuid vbox_utils vdpa verification vermagic vexpress vfio vfio_pci_core
    vfs vga_switcheroo vgaarb vhost_iotlb via via-core via-gpio via_i2c videodev2 virtio virtio_anchor
    virtio_byteorder virtio_caif virtio_config virtio_console virtio_dma_buf virtio_net virtio_pci_legacy
    virtio_pci_modern virtio_ring virtio_vsock vlynq vm_event_item vmalloc vmpressure vmstat vmw_vmci_api
    vmw_vmci_defs vringh vt vt_buffer vt_kern vtime w1 w1-gpio wait wait_api wait_bit watch_queue watchdog
    win_minmax wireless wkup_m3_ipc wl12xx wm97xx wmi workqueue workqueue_api writeback ww_mutex wwan xarray xattr
    xxhash xz yam z2_battery zconf zlib zorro zpool zsmalloc zstd zstd_errors zstd_lib zutil`,
  'linux/sched': `
    affinity autogroup clock cond_resched coredump cpufreq cputime deadline debug hotplug idle init isolation jobctl
    loadavg mm nohz numa_balancing posix-timers prio rseq_api rt sd_flags signal smt stat sysctl task task_flags
    task_stack thread_info_api topology types user wake_q xacct`,
  'linux/netfilter': `
    nf_conntrack_amanda nf_conntrack_common nf_conntrack_dccp nf_conntrack_ftp nf_conntrack_h323
    nf_conntrack_h323_asn1 nf_conntrack_h323_types nf_conntrack_irc nf_conntrack_pptp nf_conntrack_proto_gre
    nf_conntrack_sane nf_conntrack_sctp nf_conntrack_sip nf_conntrack_snmp nf_conntrack_tcp nf_conntrack_tftp
    nf_conntrack_zones_common nfnetlink nfnetlink_acct nfnetlink_osf x_tables`,
  'linux/device': `
    bus class driver`,
  'uapi/linux': `
    a.out acct acrn adb adfs_fs affs_hardblocks agpgart aio_abi am437x-vpfe amt apm_bios arcfb arm_sdei
    aspeed-lpc-ctrl aspeed-p2a-ctrl atalk atm atm_eni atm_he atm_idt77105 atm_nicstar atm_tcp atm_zatm atmapi atmarp
    atmbr2684 atmclip atmdev atmioc atmlec atmmpc atmppp atmsap atmsvc audit auto_dev-ioctl auto_fs auto_fs4 auxvec
    ax25 batadv_packet batman_adv baycom bcm933xx_hcs bfs_fs binfmts blkpg blktrace_api blkzoned bpf bpf_common
    bpf_perf_event bpfilter bpqether bsg bt-bmc btf btrfs btrfs_tree cachefiles can capability capi cciss_defs
    cciss_ioctl ccs cdrom cec cec-funcs cfm_bridge cgroupstats chio close_range cm4000_cs cn_proc coda coff comedi
    connector const coresight-stm counter cramfs_fs cryptouser cuda cxl_mem cyclades cycx_cfm dcbnl dccp devlink dlm
    dlm_device dlm_netlink dlm_plock dlmconstants dm-ioctl dm-log-userspace dma-buf dma-heap dns_resolver dqblk_xfs
    dw100 edd efs_fs_sb elf elf-em elf-fdpic errno errqueue erspan ethtool ethtool_netlink eventpoll f2fs fadvise
    falloc fanotify fb fcntl fd fdreg fib_rules fiemap filter firewire-cdev firewire-constants fou fpga-dfl fs
    fscrypt fsi fsl_hypervisor fsl_mc fsmap fsverity fuse futex gameport gen_stats genetlink gfs2_ondisk gpio gsmmux
    gtp hash_info hdlc hdlcdrv hdreg hid hiddev hidraw hpet hsr_netlink hw_breakpoint hyperv i2c i2c-dev i2o-dev i8k
    icmp icmpv6 idxd if if_addr if_addrlabel if_alg if_arcnet if_arp if_bonding if_bridge if_cablemodem if_eql
    if_ether if_fc if_fddi if_hippi if_infiniband if_link if_ltalk if_macsec if_packet if_phonet if_plip if_ppp
    if_pppol2tp if_pppox if_slip if_team if_tun if_tunnel if_vlan if_x25 if_xdp ife igmp ila in in6 in_route
    inet_diag inotify input input-event-codes io_uring ioam6 ioam6_genl ioam6_iptunnel ioctl iommu ioprio ip
    ip6_tunnel ip_vs ipc ipmi ipmi_bmc ipmi_msgdefs ipsec ipv6 ipv6_route irqnr iso_fs isst_if ivtv ivtvfb jffs2
    joystick kcm kcmp kcov kd kdev_t kernel kernel-page-flags kernelcapi kexec keyboard keyctl kfd_ioctl kfd_sysfs
    kvm kvm_para l2tp landlock libc-compat limits lirc llc loadpin loop lp lwtunnel magic major map_to_14segment
    map_to_7segment matroxfb max2175 mctp mdio media media-bus-format mei membarrier memfd mempolicy meye mii
    minix_fs mman mmtimer module mount mpls mpls_iptunnel mptcp mqueue mroute mroute6 mrp_bridge msdos_fs msg mtio
    nbd nbd-netlink ncsi ndctl neighbour net net_dropmon net_namespace net_tstamp netconf netdevice netfilter
    netfilter_arp netfilter_bridge netfilter_ipv4 netfilter_ipv6 netlink netlink_diag netrom nexthop nfc nfs nfs2
    nfs3 nfs4 nfs4_mount nfs_fs nfs_idmap nfs_mount nfsacl nilfs2_api nilfs2_ondisk nitro_enclaves nl80211
    nl80211-vnd-intel nsfs nubus nvme_ioctl nvram omap3isp omapfb oom openat2 openvswitch packet_diag param parport
    patchkey pci pci_regs pcitest perf_event personality pfkeyv2 pfrut pg phantom phonet pidfd pkt_cls pkt_sched
    pktcdvd pmu poll posix_acl posix_acl_xattr posix_types ppdev ppp-comp ppp-ioctl ppp_defs pps pr prctl psample
    psci psp-sev ptp_clock ptrace qemu_fw_cfg qnx4_fs qnxtypes qrtr quota radeonfb random rds reboot reiserfs_fs
    reiserfs_xattr remoteproc_cdev resource rfkill rio_cm_cdev rio_mport_cdev rkisp1-config romfs_fs rose route rpl
    rpl_iptunnel rpmsg rpmsg_types rseq rtc rtnetlink rxrpc scc sched scif_ioctl screen_info sctp seccomp securebits
    sed-opal seg6 seg6_genl seg6_hmac seg6_iptunnel seg6_local selinux_netlink sem serial serial_core serial_reg
    serio sev-guest shm signal signalfd smc smc_diag smiapp snmp sock_diag socket sockios sonet sonypi sound
    soundcard stat stddef stm string suspend_ioctls swab switchtec_ioctl sync_file synclink sysctl sysinfo
    target_core_user taskstats tcp tcp_metrics tee termios thermal time time_types timerfd times timex tiocl tipc
    tipc_config tipc_netlink tipc_sockets_diag tls toshiba tty tty_flags types ublk_cmd udf_fs_i udmabuf udp uhid
    uinput uio uleds ultrasound um_timetravel un unistd unix_diag usbdevice_fs usbip userfaultfd userio utime
    utsname uuid uvcvideo v4l2-common v4l2-controls v4l2-dv-timings v4l2-mediabus v4l2-subdev vbox_err
    vbox_vmmdev_types vboxguest vdpa vduse veth vfio vfio_ccw vfio_zdev vhost vhost_types videodev2 virtio_9p
    virtio_balloon virtio_blk virtio_bt virtio_config virtio_console virtio_crypto virtio_fs virtio_gpio virtio_gpu
    virtio_i2c virtio_ids virtio_input virtio_iommu virtio_mem virtio_mmio virtio_net virtio_pci virtio_pcidev
    virtio_pmem virtio_ring virtio_rng virtio_scmi virtio_scsi virtio_snd virtio_types virtio_vsock vm_sockets
    vm_sockets_diag vmcore vsockmon vt vtpm_proxy wait watch_queue watchdog wireguard wireless wmi wwan x25 xattr
    xdp_diag xfrm xilinx-v4l2-controls zorro zorro_ids`,
  net: `
    6lowpan Space act_api addrconf af_ieee802154 af_rxrpc af_unix af_vsock ah amt arp atmclip ax25 ax88796 bareudp
    bond_3ad bond_alb bond_options bonding bpf_sk_storage busy_poll calipso cfg80211 cfg80211-wext cfg802154
    checksum cipso_ipv4 cls_cgroup codel codel_impl codel_qdisc compat datalink dcbevent dcbnl devlink dropreason
    dsa dsfield dst dst_cache dst_metadata dst_ops erspan esp espintcp ethoc failover fib_notifier fib_rules
    firewire flow flow_dissector flow_offload fou fq fq_impl garp gen_stats genetlink geneve gre gro gro_cells gtp
    gue hwbm icmp ieee80211_radiotap ieee802154_netdev if_inet6 ife ila inet6_connection_sock inet6_hashtables
    inet_common inet_connection_sock inet_dscp inet_ecn inet_frag inet_hashtables inet_sock inet_timewait_sock
    inetpeer ioam6 ip ip6_checksum ip6_fib ip6_route ip6_tunnel ip_fib ip_tunnels ip_vs ipcomp ipconfig ipv6
    ipv6_frag ipv6_stubs iw_handler kcm l3mdev lag lapb lib80211 llc llc_c_ac llc_c_ev llc_c_st llc_conn llc_if
    llc_pdu llc_s_ac llc_s_ev llc_s_st llc_sap lwtunnel mac80211 mac802154 macsec mctp mctpdevice mip6 mld mpls
    mpls_iptunnel mptcp mrp ncsi ndisc neighbour net_debug net_failover net_namespace net_ratelimit net_trackers
    netdev_queues netevent netlabel netlink netprio_cgroup netrom nexthop nl802154 nsh p8022 page_pool pie ping
    pkt_cls pkt_sched pptp protocol psample psnap raw rawv6 red regulatory request_sock rose route rpl rsi_91x
    rtnetlink rtnh sch_generic scm secure_seq seg6 seg6_hmac seg6_local selftests slhc_vj smc snmp sock
    sock_reuseport stp strparser switchdev tcp tcp_states timewait_sock tipc tls tls_toe transp_v6 tso tun_proto udp
    udp_tunnel udplite vsock_addr vxlan wext x25 x25device xdp xdp_priv xdp_sock xdp_sock_drv xfrm xsk_buff_pool`,
  'net/netns': `
    bpf can conntrack core flow_table generic hash ieee802154_6lowpan ipv4 ipv6 mctp mib mpls netfilter nexthop
    nftables packet sctp smc unix xdp xfrm`,
  trace: `
    bpf_probe define_custom_trace define_trace perf syscall trace_custom_events trace_events`,
  'trace/events': `
    9p afs alarmtimer asoc avc bcache block bpf_test_run bridge btrfs cachefiles cgroup clk cma compaction
    context_tracking cpuhp damon devfreq devlink dlm dma_fence erofs error_report ext4 f2fs fib fib6 filelock
    filemap fs_dax fscache fsi fsi_master_aspeed fsi_master_ast_cf fsi_master_gpio gpio gpu_mem habanalabs host1x
    huge_memory hwmon i2c i2c_slave ib_mad ib_umad icmp initcall intel-sst intel_ifs intel_ish io_uring iocost iommu
    ipi irq irq_matrix iscsi jbd2 kmem kvm kyber libata lock maple_tree mce mctp mdio migrate mlxsw mmap mmap_lock
    mmc mmflags module mptcp napi nbd neigh net net_probe_common netfs netlink nilfs2 nmi objagg oom osnoise
    page_isolation page_pool page_ref pagemap percpu power power_cpu_migrate preemptirq printk pwc pwm qdisc qla
    qrtr rcu rdma_core regulator rpcgss rpcrdma rpm rseq rtc rv rwmmio rxrpc sched scmi scsi sctp signal siox skb
    smbus sock sof sof_intel spi spmi sunrpc sunvnet swiotlb syscalls target task tcp tegra_apb_dma thermal
    thermal_power_allocator thermal_pressure thp timer tlb udp ufs v4l2 vb2 vmscan vsock_virtio_transport_common
    watchdog wbt workqueue writeback xdp xen`,
  scsi: `
    fc_frame fcoe_sysfs iscsi_if iscsi_proto iser libfc libfcoe libiscsi libiscsi_tcp libsas sas sas_ata scsi
    scsi_bsg_iscsi scsi_cmnd scsi_common scsi_dbg scsi_device scsi_devinfo scsi_dh scsi_driver scsi_eh scsi_host
    scsi_ioctl scsi_proto scsi_status scsi_tcq scsi_transport scsi_transport_fc scsi_transport_iscsi
    scsi_transport_sas scsi_transport_spi scsi_transport_srp scsicam sg srp viosrp`,
  'asm-generic': `
    access_ok archrandom asm-offsets asm-prototypes atomic atomic64 audit_change_attr audit_dir_write audit_read
    audit_signal audit_write barrier bitops bitsperlong bug cache cacheflush checksum cmpxchg cmpxchg-local compat
    current delay device div64 dma dma-mapping early_ioremap emergency-restart error-injection exec export extable
    fb fixmap flat ftrace futex getorder gpio hardirq hugetlb hw_irq hyperv-tlfs ide_iops int-ll64 io ioctl iomap
    irq irq_regs irq_work irqflags kdebug kmap_size kprobes kvm_para kvm_types linkage local local64 logic_io
    mcs_spinlock memory_model mm_hooks mmiowb mmiowb_types mmu mmu_context module module.lds mshyperv msi
    nommu_context numa page param parport pci pci_iomap percpu pgalloc pgtable-nop4d pgtable-nopmd pgtable-nopud
    pgtable_uffd preempt qrwlock qrwlock_types qspinlock qspinlock_types resource rwonce seccomp sections serial
    set_memory shmparam signal simd softirq_stack spinlock spinlock_types statfs string switch_to syscall syscalls
    timex tlb tlbflush topology trace_clock uaccess unaligned user vermagic vga vmlinux.lds vtime word-at-a-time xor`,
  kvm: `
    arm_arch_timer arm_hypercalls arm_pmu arm_psci arm_vgic iodev`,
  vdso: `
    bits clocksource const datapage helpers jiffies ktime limits math64 processor time time32 time64 vsyscall`,
  crypto: `
    acompress aead aes akcipher algapi arc4 aria authenc b128ops blake2b blake2s blowfish cast5 cast6 cast_common
    chacha chacha20poly1305 cryptd ctr curve25519 des dh drbg ecc_curve ecdh engine gcm gf128mul ghash hash
    hash_info hmac if_alg kdf_sp800108 kpp md5 nhpoly1305 null padlock pcrypt pkcs7 poly1305 polyval public_key rng
    scatterwalk serpent sha1 sha1_base sha2 sha256_base sha3 sha512_base skcipher sm2 sm3 sm3_base sm4 streebog
    twofish xts`,
  asm: `
    GEN-for-each-reg a.out access_ok acenv acpi acrn agp alternative amd-ibs amd_hsmp amd_nb apic apicdef apm
    arch_hweight archrandom asm asm-offsets asm-prototypes atomic atomic64 atomic64_32 atomic64_64 audit
    audit_change_attr audit_dir_write audit_read audit_signal audit_write auxvec barrier bios_ebda bitops
    bitsperlong boot bootparam bootparam_utils bug bugs byteorder cache cacheflush cacheinfo ce4100 cfi checksum
    checksum_32 checksum_64 clocksource cmdline cmpxchg cmpxchg-local cmpxchg_32 cmpxchg_64 coco compat cpu
    cpu_device_id cpu_entry_area cpufeature cpufeatures cpuid cpuidle_haltpoll cpumask crash current debugreg delay
    desc desc_defs device disabled-features div64 dma dma-mapping dmi doublefault dwarf2 e820 early_ioremap edac efi
    elf elfcore-compat emergency-restart emulate_prefix enclu entry-common error-injection espfix exec export
    extable extable_fixup_types fb fixmap flat floppy frame fsgsbase ftrace futex gart genapic geode getorder gpio
    hardirq highmem hpet hugetlb hw_breakpoint hw_irq hwcap2 hyperv-tlfs hypervisor i8259 ia32 ia32_unistd ibt
    ide_iops idtentry imr inat inat_types init insn insn-eval inst int-ll64 intel-family intel-mid intel_ds
    intel_pconfig intel_pt intel_punit_ipc intel_scu_ipc intel_telemetry invpcid io io_apic io_bitmap ioctl iomap
    iommu iosf_mbi irq irq_regs irq_remapping irq_stack irq_vectors irq_work irqdomain irqflags ist jailhouse_para
    jump_label kasan kaslr kbdleds kdebug kexec kexec-bzimage64 kfence kgdb kmap_size kmsan kprobes kvm kvm-x86-ops
    kvm-x86-pmu-ops kvm_host kvm_page_track kvm_para kvm_perf kvm_types kvm_vcpu_regs kvmclock ldt linkage local
    local64 logic_io mach_timer mach_traps math_emu mc146818rtc mce mcs_spinlock mem_encrypt memory_model memtype
    microcode microcode_amd microcode_intel misc mm_hooks mman mmconfig mmiowb mmiowb_types mmu mmu_context mmzone
    mmzone_32 mmzone_64 module module.lds mpspec mpspec_def msgbuf mshyperv msi msr msr-index msr-trace mtrr mwait
    nmi nommu_context nops nospec-branch numa numa_32 olpc olpc_ofw orc_lookup orc_types page page_32 page_32_types
    page_64 page_64_types page_types param paravirt paravirt_api_clock paravirt_types parport pc-conf-reg pci
    pci-direct pci-functions pci_iomap pci_x86 percpu perf_event perf_event_p4 perf_regs pgalloc pgtable
    pgtable-2level pgtable-2level_types pgtable-3level pgtable-3level_types pgtable-invert pgtable-nop4d
    pgtable-nopmd pgtable-nopud pgtable_32 pgtable_32_areas pgtable_32_types pgtable_64 pgtable_64_types
    pgtable_areas pgtable_types pgtable_uffd pkeys pkru platform_sst_audio pm-trace posix_types posix_types_32
    posix_types_64 posix_types_x32 prctl preempt probe_roms processor processor-cyrix processor-flags prom proto pti
    ptrace ptrace-abi purgatory pvclock pvclock-abi qrwlock qrwlock_types qspinlock qspinlock_paravirt
    qspinlock_types realmode reboot reboot_fixups required-features resctrl resource rmwcc rwonce seccomp sections
    segment sembuf serial set_memory setup setup_arch sev sev-common sgx shmbuf shmparam sigcontext sigcontext32
    sigframe sighandling siginfo signal simd smap smp softirq_stack sparsemem spec-ctrl special_insns spinlock
    spinlock_types sta2x11 stackprotector stacktrace stat statfs static_call string string_32 string_64 suspend
    suspend_32 suspend_64 svm swab switch_to sync_bitops sync_core syscall syscall_wrapper syscalls tdx
    text-patching thermal thread_info time timer timex tlb tlbbatch tlbflush topology trace_clock trap_pf trapnr
    traps tsc uaccess uaccess_32 uaccess_64 ucontext umip unaligned unistd unwind unwind_hints uprobes user user32
    user_32 user_64 vdso vermagic vga vgtod virtext vm86 vmalloc vmlinux.lds vmware vmx vmxfeatures vsyscall vtime
    vvar word-at-a-time x86_init xor xor_32 xor_64 xor_avx`,
  bcc: `
    proto helpers bpf_common libbpf`,
};

const names: ReadonlySet<string> = new Set(
  Object.entries(folders).flatMap(([folder, list]) => {
    const all = list.trim().split(/\s+/);
    // What is for user space lies in uapi/, and is found without that, too.
    const paths = folder.startsWith('uapi/') ? [folder, folder.slice(5)] : [folder];
    return paths.flatMap((path) => all.map((name) => `${path}/${name}.h`));
  }),
);

export function headerNames(): Iterable<string> {
  return names;
}

/** The header that was meant, when a name is no header's and all but one's. */
export function misspeltHeader(path: string): string | undefined {
  if (names.has(path)) return undefined;
  const [near] = nearest(path, names, 1, 2);
  if (near === undefined) return undefined;
  const name = near.slice(near.lastIndexOf('/') + 1, -2);
  const most = name.length < 5 ? 0 : name.length < 8 ? 1 : 2;
  return editDistance(path, near, most) <= most ? near : undefined;
}
