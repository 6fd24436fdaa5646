/**
 * What the argument of an ioctl points to. Requests of today carry direction and size in their number (_IOC); listed
 * here are those that don't, those whose number lies, those with pointers inside, and the names people know.
 */
import { readAddress, readI32, readU16, readU32, readU64 } from './words.js';
import type { Peek, Region } from './special.js';

/** How a request takes its argument. */
type Shape =
  /** No argument. */
  | 'none'
  /** A number, not an address. */
  | 'value'
  /** A NUL-terminated string the kernel reads. */
  | 'string'
  /** `size` bytes. */
  | 'in'
  | 'out'
  | 'inout'
  /** Pointers inside, or a tail: `nested` below. */
  | 'nested';

type Entry = readonly [request: number, name: string, shape: Shape, size?: number, struct?: string];

/** An ioctl request that is known. */
export interface IoctlInfo {
  /** The C name, where it is known here. */
  readonly name: string | undefined;
  /**
   * `flat`: no, one or one plain argument of known size. `nested`: with pointers inside. `encoded`: as the request's
   * number says. `unknown`: an old number without a size, or a structure with pointers that are not followed here: what
   * the kernel writes is not recorded. `unsupported`: the request shares memory with the kernel or has it written later.
   */
  readonly kind: 'flat' | 'nested' | 'encoded' | 'unknown' | 'unsupported';
  /** Why it is unsupported, for people; else ''. */
  readonly reason: string;
}

function ioc(dir: number, type: string | number, nr: number, size: number): number {
  const letter = typeof type === 'string' ? type.charCodeAt(0) : type;
  return ((dir << 30) | (size << 16) | (letter << 8) | nr) >>> 0;
}
const io = (type: string | number, nr: number) => ioc(0, type, nr, 0);
const iow = (type: string | number, nr: number, size: number) => ioc(1, type, nr, size);
const ior = (type: string | number, nr: number, size: number) => ioc(2, type, nr, size);
const iowr = (type: string | number, nr: number, size: number) => ioc(3, type, nr, size);

const FS_IOC_FIEMAP = iowr('f', 11, 32);
const FS_IOC_GET_ENCRYPTION_POLICY_EX = iowr('f', 22, 9);
const FS_IOC_ADD_ENCRYPTION_KEY = iowr('f', 23, 80);
const FS_IOC_ENABLE_VERITY = iow('f', 133, 128);
const FS_IOC_MEASURE_VERITY = iowr('f', 134, 4);
const FS_IOC_READ_VERITY_METADATA = iowr('f', 135, 40);
const FS_IOC_GETFSMAP = iowr('X', 59, 192);
const FIDEDUPERANGE = iowr(0x94, 54, 24);
const BTRFS_IOC_SEARCH_TREE_V2 = iowr(0x94, 17, 112);
const BTRFS_IOC_SPACE_INFO = iowr(0x94, 20, 16);
const SIOCGIFCONF = 0x8912;
const SIOCETHTOOL = 0x8946;
const SIOCBONDINFOQUERY = 0x8994;
const SIOCGHWTSTAMP = 0x89b1;
const SIOCSHWTSTAMP = 0x89b0;
const BLKPG = io(0x12, 105);
const BLKREPORTZONE = iowr(0x12, 130, 16);
const SG_IO = 0x2285;
const I2C_RDWR = 0x0707;
const I2C_SMBUS = 0x0720;
const GIO_FONTX = 0x4b6b;
const PIO_FONTX = 0x4b6c;
const GIO_UNIMAP = 0x4b66;
const PIO_UNIMAP = 0x4b67;
const KDFONTOP = 0x4b72;
const TIOCLINUX = 0x541c;
const FBIOGETCMAP = 0x4604;
const FBIOPUTCMAP = 0x4605;
const EVIOCGMASK = ior('E', 0x92, 16);
const EVIOCSMASK = iow('E', 0x93, 16);
const RNDADDENTROPY = iow('R', 3, 8);
const USBDEVFS_CONTROL = iowr('U', 0, 24);
const USBDEVFS_BULK = iowr('U', 2, 24);
const NVME_ADMIN_CMD = iowr('N', 0x41, 72);
const NVME_IO_CMD = iowr('N', 0x43, 72);
const TUNATTACHFILTER = iow('T', 213, 16);
const TUNDETACHFILTER = iow('T', 214, 16);
const TUNGETFILTER = ior('T', 219, 16);
const TUNSETTXFILTER = iow('T', 209, 4);

const entries: readonly Entry[] = [
  // Terminals.
  [0x5401, 'TCGETS', 'out', 36, 'termios'],
  [0x5402, 'TCSETS', 'in', 36, 'termios'],
  [0x5403, 'TCSETSW', 'in', 36, 'termios'],
  [0x5404, 'TCSETSF', 'in', 36, 'termios'],
  [0x5405, 'TCGETA', 'out', 18, 'termio'],
  [0x5406, 'TCSETA', 'in', 18, 'termio'],
  [0x5407, 'TCSETAW', 'in', 18, 'termio'],
  [0x5408, 'TCSETAF', 'in', 18, 'termio'],
  [0x5409, 'TCSBRK', 'value'],
  [0x540a, 'TCXONC', 'value'],
  [0x540b, 'TCFLSH', 'value'],
  [0x540c, 'TIOCEXCL', 'none'],
  [0x540d, 'TIOCNXCL', 'none'],
  [0x540e, 'TIOCSCTTY', 'value'],
  [0x540f, 'TIOCGPGRP', 'out', 4],
  [0x5410, 'TIOCSPGRP', 'in', 4],
  [0x5411, 'TIOCOUTQ', 'out', 4],
  [0x5412, 'TIOCSTI', 'in', 1],
  [0x5413, 'TIOCGWINSZ', 'out', 8, 'winsize'],
  [0x5414, 'TIOCSWINSZ', 'in', 8, 'winsize'],
  [0x5415, 'TIOCMGET', 'out', 4],
  [0x5416, 'TIOCMBIS', 'in', 4],
  [0x5417, 'TIOCMBIC', 'in', 4],
  [0x5418, 'TIOCMSET', 'in', 4],
  [0x5419, 'TIOCGSOFTCAR', 'out', 4],
  [0x541a, 'TIOCSSOFTCAR', 'in', 4],
  [0x541b, 'FIONREAD', 'out', 4],
  [TIOCLINUX, 'TIOCLINUX', 'nested'],
  [0x541d, 'TIOCCONS', 'none'],
  [0x541e, 'TIOCGSERIAL', 'out', 72, 'serial_struct'],
  [0x541f, 'TIOCSSERIAL', 'in', 72, 'serial_struct'],
  [0x5420, 'TIOCPKT', 'in', 4],
  [0x5421, 'FIONBIO', 'in', 4],
  [0x5422, 'TIOCNOTTY', 'none'],
  [0x5423, 'TIOCSETD', 'in', 4],
  [0x5424, 'TIOCGETD', 'out', 4],
  [0x5425, 'TCSBRKP', 'value'],
  [0x5427, 'TIOCSBRK', 'none'],
  [0x5428, 'TIOCCBRK', 'none'],
  [0x5429, 'TIOCGSID', 'out', 4],
  [ior('T', 0x2a, 44), 'TCGETS2', 'out', 44, 'termios2'],
  [iow('T', 0x2b, 44), 'TCSETS2', 'in', 44, 'termios2'],
  [iow('T', 0x2c, 44), 'TCSETSW2', 'in', 44, 'termios2'],
  [iow('T', 0x2d, 44), 'TCSETSF2', 'in', 44, 'termios2'],
  [0x542e, 'TIOCGRS485', 'out', 32, 'serial_rs485'],
  [0x542f, 'TIOCSRS485', 'inout', 32, 'serial_rs485'],
  [ior('T', 0x30, 4), 'TIOCGPTN', 'out', 4],
  [iow('T', 0x31, 4), 'TIOCSPTLCK', 'in', 4],
  [ior('T', 0x32, 4), 'TIOCGDEV', 'out', 4],
  [iow('T', 0x36, 4), 'TIOCSIG', 'value'],
  [0x5437, 'TIOCVHANGUP', 'none'],
  [ior('T', 0x38, 4), 'TIOCGPKT', 'out', 4],
  [ior('T', 0x39, 4), 'TIOCGPTLCK', 'out', 4],
  [ior('T', 0x40, 4), 'TIOCGEXCL', 'out', 4],
  [0x5441, 'TIOCGPTPEER', 'value'],
  [0x5450, 'FIONCLEX', 'none'],
  [0x5451, 'FIOCLEX', 'none'],
  [0x5452, 'FIOASYNC', 'in', 4],
  [0x5453, 'TIOCSERCONFIG', 'none'],
  [0x5456, 'TIOCGLCKTRMIOS', 'out', 36, 'termios'],
  [0x5457, 'TIOCSLCKTRMIOS', 'in', 36, 'termios'],
  [0x5459, 'TIOCSERGETLSR', 'out', 4],
  [0x545c, 'TIOCMIWAIT', 'value'],
  [0x545d, 'TIOCGICOUNT', 'out', 80, 'serial_icounter_struct'],
  [0x5460, 'FIOQSIZE', 'out', 8],

  // Consoles.
  [0x4b2f, 'KIOCSOUND', 'value'],
  [0x4b30, 'KDMKTONE', 'value'],
  [0x4b31, 'KDGETLED', 'out', 1],
  [0x4b32, 'KDSETLED', 'value'],
  [0x4b33, 'KDGKBTYPE', 'out', 1],
  [0x4b3a, 'KDSETMODE', 'value'],
  [0x4b3b, 'KDGETMODE', 'out', 4],
  [0x4b40, 'GIO_SCRNMAP', 'out', 256],
  [0x4b41, 'PIO_SCRNMAP', 'in', 256],
  [0x4b44, 'KDGKBMODE', 'out', 4],
  [0x4b45, 'KDSKBMODE', 'value'],
  [0x4b46, 'KDGKBENT', 'inout', 4, 'kbentry'],
  [0x4b47, 'KDSKBENT', 'in', 4, 'kbentry'],
  [0x4b48, 'KDGKBSENT', 'inout', 513, 'kbsentry'],
  [0x4b49, 'KDSKBSENT', 'in', 513, 'kbsentry'],
  [0x4b4a, 'KDGKBDIACR', 'out', 772, 'kbdiacrs'],
  [0x4b4b, 'KDSKBDIACR', 'in', 772, 'kbdiacrs'],
  [0x4b4c, 'KDGETKEYCODE', 'inout', 8, 'kbkeycode'],
  [0x4b4d, 'KDSETKEYCODE', 'in', 8, 'kbkeycode'],
  [0x4b4e, 'KDSIGACCEPT', 'value'],
  [0x4b52, 'KDKBDREP', 'inout', 8, 'kbd_repeat'],
  [0x4b60, 'GIO_FONT', 'out', 8192],
  [0x4b61, 'PIO_FONT', 'in', 8192],
  [0x4b62, 'KDGKBMETA', 'out', 4],
  [0x4b63, 'KDSKBMETA', 'value'],
  [0x4b64, 'KDGKBLED', 'out', 1],
  [0x4b65, 'KDSKBLED', 'value'],
  [GIO_UNIMAP, 'GIO_UNIMAP', 'nested', 16, 'unimapdesc'],
  [PIO_UNIMAP, 'PIO_UNIMAP', 'nested', 16, 'unimapdesc'],
  [0x4b68, 'PIO_UNIMAPCLR', 'in', 6, 'unimapinit'],
  [0x4b69, 'GIO_UNISCRNMAP', 'out', 512],
  [0x4b6a, 'PIO_UNISCRNMAP', 'in', 512],
  [GIO_FONTX, 'GIO_FONTX', 'nested', 16, 'consolefontdesc'],
  [PIO_FONTX, 'PIO_FONTX', 'nested', 16, 'consolefontdesc'],
  [0x4b6d, 'PIO_FONTRESET', 'none'],
  [0x4b70, 'GIO_CMAP', 'out', 48],
  [0x4b71, 'PIO_CMAP', 'in', 48],
  [KDFONTOP, 'KDFONTOP', 'nested', 32, 'console_font_op'],
  [0x4bfa, 'KDGKBDIACRUC', 'out', 3076, 'kbdiacrsuc'],
  [0x4bfb, 'KDSKBDIACRUC', 'in', 3076, 'kbdiacrsuc'],
  [0x5600, 'VT_OPENQRY', 'out', 4],
  [0x5601, 'VT_GETMODE', 'out', 8, 'vt_mode'],
  [0x5602, 'VT_SETMODE', 'in', 8, 'vt_mode'],
  [0x5603, 'VT_GETSTATE', 'out', 6, 'vt_stat'],
  [0x5604, 'VT_SENDSIG', 'none'],
  [0x5605, 'VT_RELDISP', 'value'],
  [0x5606, 'VT_ACTIVATE', 'value'],
  [0x5607, 'VT_WAITACTIVE', 'value'],
  [0x5608, 'VT_DISALLOCATE', 'value'],
  [0x5609, 'VT_RESIZE', 'in', 6, 'vt_sizes'],
  [0x560a, 'VT_RESIZEX', 'in', 12, 'vt_consize'],
  [0x560b, 'VT_LOCKSWITCH', 'none'],
  [0x560c, 'VT_UNLOCKSWITCH', 'none'],
  [0x560d, 'VT_GETHIFONTMASK', 'out', 2],
  [0x560e, 'VT_WAITEVENT', 'inout', 28, 'vt_event'],
  [0x560f, 'VT_SETACTIVATE', 'in', 12, 'vt_setactivate'],

  // Sockets.
  [0x8901, 'FIOSETOWN', 'in', 4],
  [0x8902, 'SIOCSPGRP', 'in', 4],
  [0x8903, 'FIOGETOWN', 'out', 4],
  [0x8904, 'SIOCGPGRP', 'out', 4],
  [0x8905, 'SIOCATMARK', 'out', 4],
  [0x8906, 'SIOCGSTAMP_OLD', 'out', 16],
  [0x8907, 'SIOCGSTAMPNS_OLD', 'out', 16],
  [0x890b, 'SIOCADDRT', 'in', 120, 'rtentry'],
  [0x890c, 'SIOCDELRT', 'in', 120, 'rtentry'],
  [0x8910, 'SIOCGIFNAME', 'inout', 40, 'ifreq'],
  [0x8911, 'SIOCSIFLINK', 'none'],
  [SIOCGIFCONF, 'SIOCGIFCONF', 'nested', 16, 'ifconf'],
  [0x8913, 'SIOCGIFFLAGS', 'inout', 40, 'ifreq'],
  [0x8914, 'SIOCSIFFLAGS', 'in', 40, 'ifreq'],
  [0x8915, 'SIOCGIFADDR', 'inout', 40, 'ifreq'],
  [0x8916, 'SIOCSIFADDR', 'in', 40, 'ifreq'],
  [0x8917, 'SIOCGIFDSTADDR', 'inout', 40, 'ifreq'],
  [0x8918, 'SIOCSIFDSTADDR', 'in', 40, 'ifreq'],
  [0x8919, 'SIOCGIFBRDADDR', 'inout', 40, 'ifreq'],
  [0x891a, 'SIOCSIFBRDADDR', 'in', 40, 'ifreq'],
  [0x891b, 'SIOCGIFNETMASK', 'inout', 40, 'ifreq'],
  [0x891c, 'SIOCSIFNETMASK', 'in', 40, 'ifreq'],
  [0x891d, 'SIOCGIFMETRIC', 'inout', 40, 'ifreq'],
  [0x891e, 'SIOCSIFMETRIC', 'in', 40, 'ifreq'],
  [0x891f, 'SIOCGIFMEM', 'inout', 40, 'ifreq'],
  [0x8920, 'SIOCSIFMEM', 'in', 40, 'ifreq'],
  [0x8921, 'SIOCGIFMTU', 'inout', 40, 'ifreq'],
  [0x8922, 'SIOCSIFMTU', 'in', 40, 'ifreq'],
  [0x8923, 'SIOCSIFNAME', 'inout', 40, 'ifreq'],
  [0x8924, 'SIOCSIFHWADDR', 'in', 40, 'ifreq'],
  [0x8925, 'SIOCGIFENCAP', 'inout', 40, 'ifreq'],
  [0x8926, 'SIOCSIFENCAP', 'in', 40, 'ifreq'],
  [0x8927, 'SIOCGIFHWADDR', 'inout', 40, 'ifreq'],
  [0x8929, 'SIOCGIFSLAVE', 'inout', 40, 'ifreq'],
  [0x8930, 'SIOCSIFSLAVE', 'in', 40, 'ifreq'],
  [0x8931, 'SIOCADDMULTI', 'in', 40, 'ifreq'],
  [0x8932, 'SIOCDELMULTI', 'in', 40, 'ifreq'],
  [0x8933, 'SIOCGIFINDEX', 'inout', 40, 'ifreq'],
  [0x8934, 'SIOCSIFPFLAGS', 'in', 40, 'ifreq'],
  [0x8935, 'SIOCGIFPFLAGS', 'inout', 40, 'ifreq'],
  [0x8936, 'SIOCDIFADDR', 'in', 40, 'ifreq'],
  [0x8937, 'SIOCSIFHWBROADCAST', 'in', 40, 'ifreq'],
  [0x8938, 'SIOCGIFCOUNT', 'inout', 40, 'ifreq'],
  [0x8942, 'SIOCGIFTXQLEN', 'inout', 40, 'ifreq'],
  [0x8943, 'SIOCSIFTXQLEN', 'in', 40, 'ifreq'],
  [SIOCETHTOOL, 'SIOCETHTOOL', 'nested', 40, 'ifreq'],
  [0x8947, 'SIOCGMIIPHY', 'inout', 40, 'ifreq'],
  [0x8948, 'SIOCGMIIREG', 'inout', 40, 'ifreq'],
  [0x8949, 'SIOCSMIIREG', 'in', 40, 'ifreq'],
  [0x894b, 'SIOCOUTQNSD', 'out', 4],
  [0x894c, 'SIOCGSKNS', 'none'],
  [0x8953, 'SIOCDARP', 'in', 68, 'arpreq'],
  [0x8954, 'SIOCGARP', 'inout', 68, 'arpreq'],
  [0x8955, 'SIOCSARP', 'in', 68, 'arpreq'],
  [0x8970, 'SIOCGIFMAP', 'inout', 40, 'ifreq'],
  [0x8971, 'SIOCSIFMAP', 'in', 40, 'ifreq'],
  [0x8982, 'SIOCGIFVLAN', 'inout', 56, 'vlan_ioctl_args'],
  [0x8983, 'SIOCSIFVLAN', 'inout', 56, 'vlan_ioctl_args'],
  [0x8990, 'SIOCBONDENSLAVE', 'in', 40, 'ifreq'],
  [0x8991, 'SIOCBONDRELEASE', 'in', 40, 'ifreq'],
  [0x8992, 'SIOCBONDSETHWADDR', 'in', 40, 'ifreq'],
  [SIOCBONDINFOQUERY, 'SIOCBONDINFOQUERY', 'nested', 40, 'ifreq'],
  [0x8995, 'SIOCBONDCHANGEACTIVE', 'in', 40, 'ifreq'],
  [0x89a0, 'SIOCBRADDBR', 'string'],
  [0x89a1, 'SIOCBRDELBR', 'string'],
  [0x89a2, 'SIOCBRADDIF', 'in', 40, 'ifreq'],
  [0x89a3, 'SIOCBRDELIF', 'in', 40, 'ifreq'],
  [SIOCSHWTSTAMP, 'SIOCSHWTSTAMP', 'nested', 40, 'ifreq'],
  [SIOCGHWTSTAMP, 'SIOCGHWTSTAMP', 'nested', 40, 'ifreq'],
  [0x8b01, 'SIOCGIWNAME', 'inout', 32, 'iwreq'],
  [0x8b03, 'SIOCGIWNWID', 'inout', 32, 'iwreq'],
  [0x8b05, 'SIOCGIWFREQ', 'inout', 32, 'iwreq'],
  [0x8b07, 'SIOCGIWMODE', 'inout', 32, 'iwreq'],
  [0x8b09, 'SIOCGIWSENS', 'inout', 32, 'iwreq'],
  [0x8b15, 'SIOCGIWAP', 'inout', 32, 'iwreq'],
  [0x8b21, 'SIOCGIWRATE', 'inout', 32, 'iwreq'],
  [0x8b23, 'SIOCGIWRTS', 'inout', 32, 'iwreq'],
  [0x8b25, 'SIOCGIWFRAG', 'inout', 32, 'iwreq'],
  [0x8b27, 'SIOCGIWTXPOW', 'inout', 32, 'iwreq'],
  [0x8b29, 'SIOCGIWRETRY', 'inout', 32, 'iwreq'],
  [0x8b2d, 'SIOCGIWPOWER', 'inout', 32, 'iwreq'],

  // Tunnels: their numbers speak of an int where the argument is a value or a struct ifreq.
  [iow('T', 200, 4), 'TUNSETNOCSUM', 'value'],
  [iow('T', 201, 4), 'TUNSETDEBUG', 'value'],
  [iow('T', 202, 4), 'TUNSETIFF', 'inout', 40, 'ifreq'],
  [iow('T', 203, 4), 'TUNSETPERSIST', 'value'],
  [iow('T', 204, 4), 'TUNSETOWNER', 'value'],
  [iow('T', 205, 4), 'TUNSETLINK', 'value'],
  [iow('T', 206, 4), 'TUNSETGROUP', 'value'],
  [ior('T', 207, 4), 'TUNGETFEATURES', 'out', 4],
  [iow('T', 208, 4), 'TUNSETOFFLOAD', 'value'],
  [TUNSETTXFILTER, 'TUNSETTXFILTER', 'nested'],
  [ior('T', 210, 4), 'TUNGETIFF', 'out', 40, 'ifreq'],
  [ior('T', 211, 4), 'TUNGETSNDBUF', 'out', 4],
  [iow('T', 212, 4), 'TUNSETSNDBUF', 'in', 4],
  [TUNATTACHFILTER, 'TUNATTACHFILTER', 'nested', 16, 'sock_fprog'],
  [TUNDETACHFILTER, 'TUNDETACHFILTER', 'in', 16, 'sock_fprog'],
  [ior('T', 215, 4), 'TUNGETVNETHDRSZ', 'out', 4],
  [iow('T', 216, 4), 'TUNSETVNETHDRSZ', 'in', 4],
  [iow('T', 217, 4), 'TUNSETQUEUE', 'in', 40, 'ifreq'],
  [iow('T', 218, 4), 'TUNSETIFINDEX', 'in', 4],
  [TUNGETFILTER, 'TUNGETFILTER', 'out', 16, 'sock_fprog'],
  [io('T', 227), 'TUNGETDEVNETNS', 'none'],

  // Files and file systems. The flag and version requests say long, but an int goes through.
  [1, 'FIBMAP', 'inout', 4],
  [2, 'FIGETBSZ', 'out', 4],
  [ior('f', 1, 8), 'FS_IOC_GETFLAGS', 'out', 4],
  [iow('f', 2, 8), 'FS_IOC_SETFLAGS', 'in', 4],
  [ior('v', 1, 8), 'FS_IOC_GETVERSION', 'out', 4],
  [iow('v', 2, 8), 'FS_IOC_SETVERSION', 'in', 4],
  [ior('f', 3, 8), 'EXT4_IOC_GETVERSION', 'out', 4],
  [iow('f', 4, 8), 'EXT4_IOC_SETVERSION', 'in', 4],
  [ior('X', 31, 28), 'FS_IOC_FSGETXATTR', 'out', 28, 'fsxattr'],
  [iow('X', 32, 28), 'FS_IOC_FSSETXATTR', 'in', 28, 'fsxattr'],
  [iowr('X', 119, 4), 'FIFREEZE', 'none'],
  [iowr('X', 120, 4), 'FITHAW', 'none'],
  [iowr('X', 121, 24), 'FITRIM', 'inout', 24, 'fstrim_range'],
  [iow(0x94, 9, 4), 'FICLONE', 'value'],
  [iow(0x94, 13, 32), 'FICLONERANGE', 'in', 32, 'file_clone_range'],
  [FIDEDUPERANGE, 'FIDEDUPERANGE', 'nested', 24, 'file_dedupe_range'],
  [FS_IOC_GETFSMAP, 'FS_IOC_GETFSMAP', 'nested', 192, 'fsmap_head'],
  [FS_IOC_FIEMAP, 'FS_IOC_FIEMAP', 'nested', 32, 'fiemap'],
  [ior(0x94, 49, 256), 'FS_IOC_GETFSLABEL', 'out', 256],
  [iow(0x94, 50, 256), 'FS_IOC_SETFSLABEL', 'in', 256],
  [ior('f', 19, 12), 'FS_IOC_SET_ENCRYPTION_POLICY', 'in', 12, 'fscrypt_policy_v1'],
  [iow('f', 20, 16), 'FS_IOC_GET_ENCRYPTION_PWSALT', 'out', 16],
  [iow('f', 21, 12), 'FS_IOC_GET_ENCRYPTION_POLICY', 'out', 12, 'fscrypt_policy_v1'],
  [FS_IOC_GET_ENCRYPTION_POLICY_EX, 'FS_IOC_GET_ENCRYPTION_POLICY_EX', 'nested'],
  [FS_IOC_ADD_ENCRYPTION_KEY, 'FS_IOC_ADD_ENCRYPTION_KEY', 'nested', 80],
  [FS_IOC_ENABLE_VERITY, 'FS_IOC_ENABLE_VERITY', 'nested', 128],
  [FS_IOC_MEASURE_VERITY, 'FS_IOC_MEASURE_VERITY', 'nested', 4],
  [FS_IOC_READ_VERITY_METADATA, 'FS_IOC_READ_VERITY_METADATA', 'nested', 40],
  [BTRFS_IOC_SEARCH_TREE_V2, 'BTRFS_IOC_TREE_SEARCH_V2', 'nested', 112],
  [BTRFS_IOC_SPACE_INFO, 'BTRFS_IOC_SPACE_INFO', 'nested', 16],

  // Namespaces and processes.
  [io(0xb7, 1), 'NS_GET_USERNS', 'none'],
  [io(0xb7, 2), 'NS_GET_PARENT', 'none'],
  [io(0xb7, 3), 'NS_GET_NSTYPE', 'none'],
  [io(0xb7, 4), 'NS_GET_OWNER_UID', 'out', 4],
  [ior(0xb7, 6, 4), 'NS_GET_PID_FROM_PIDNS', 'value'],
  [ior(0xb7, 7, 4), 'NS_GET_TGID_FROM_PIDNS', 'value'],
  [ior(0xb7, 8, 4), 'NS_GET_PID_IN_PIDNS', 'value'],
  [ior(0xb7, 9, 4), 'NS_GET_TGID_IN_PIDNS', 'value'],
  [io(0xff, 1), 'PIDFD_GET_CGROUP_NAMESPACE', 'none'],
  [io(0xff, 2), 'PIDFD_GET_IPC_NAMESPACE', 'none'],
  [io(0xff, 3), 'PIDFD_GET_MNT_NAMESPACE', 'none'],
  [io(0xff, 4), 'PIDFD_GET_NET_NAMESPACE', 'none'],
  [io(0xff, 5), 'PIDFD_GET_PID_NAMESPACE', 'none'],
  [io(0xff, 6), 'PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE', 'none'],
  [io(0xff, 7), 'PIDFD_GET_TIME_NAMESPACE', 'none'],
  [io(0xff, 8), 'PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE', 'none'],
  [io(0xff, 9), 'PIDFD_GET_USER_NAMESPACE', 'none'],
  [io(0xff, 10), 'PIDFD_GET_UTS_NAMESPACE', 'none'],
  [iow('I', 0, 4), 'INOTIFY_IOC_SETNEXTWD', 'value'],
  [RNDADDENTROPY, 'RNDADDENTROPY', 'nested', 8],
  [io('R', 4), 'RNDZAPENTCNT', 'none'],
  [io('R', 6), 'RNDCLEARPOOL', 'none'],
  [io('R', 7), 'RNDRESEEDCRNG', 'none'],

  // Block devices.
  [io(0x12, 93), 'BLKROSET', 'in', 4],
  [io(0x12, 94), 'BLKROGET', 'out', 4],
  [io(0x12, 95), 'BLKRRPART', 'none'],
  [io(0x12, 96), 'BLKGETSIZE', 'out', 8],
  [io(0x12, 97), 'BLKFLSBUF', 'none'],
  [io(0x12, 98), 'BLKRASET', 'value'],
  [io(0x12, 99), 'BLKRAGET', 'out', 8],
  [io(0x12, 100), 'BLKFRASET', 'value'],
  [io(0x12, 101), 'BLKFRAGET', 'out', 8],
  [io(0x12, 103), 'BLKSECTGET', 'out', 2],
  [io(0x12, 104), 'BLKSSZGET', 'out', 4],
  [BLKPG, 'BLKPG', 'nested', 24, 'blkpg_ioctl_arg'],
  [ior(0x12, 112, 8), 'BLKBSZGET', 'out', 4],
  [iow(0x12, 113, 8), 'BLKBSZSET', 'in', 4],
  [ior(0x12, 114, 8), 'BLKGETSIZE64', 'out', 8],
  [io(0x12, 119), 'BLKDISCARD', 'in', 16],
  [io(0x12, 120), 'BLKIOMIN', 'out', 4],
  [io(0x12, 121), 'BLKIOOPT', 'out', 4],
  [io(0x12, 122), 'BLKALIGNOFF', 'out', 4],
  [io(0x12, 123), 'BLKPBSZGET', 'out', 4],
  [io(0x12, 124), 'BLKDISCARDZEROES', 'out', 4],
  [io(0x12, 125), 'BLKSECDISCARD', 'in', 16],
  [io(0x12, 126), 'BLKROTATIONAL', 'out', 2],
  [io(0x12, 127), 'BLKZEROOUT', 'in', 16],
  [BLKREPORTZONE, 'BLKREPORTZONE', 'nested', 16, 'blk_zone_report'],
  [0x0301, 'HDIO_GETGEO', 'out', 16, 'hd_geometry'],
  [0x030d, 'HDIO_GET_IDENTITY', 'out', 512, 'hd_driveid'],
  [0x4c00, 'LOOP_SET_FD', 'value'],
  [0x4c01, 'LOOP_CLR_FD', 'none'],
  [0x4c02, 'LOOP_SET_STATUS', 'in', 168, 'loop_info'],
  [0x4c03, 'LOOP_GET_STATUS', 'out', 168, 'loop_info'],
  [0x4c04, 'LOOP_SET_STATUS64', 'in', 232, 'loop_info64'],
  [0x4c05, 'LOOP_GET_STATUS64', 'out', 232, 'loop_info64'],
  [0x4c06, 'LOOP_CHANGE_FD', 'value'],
  [0x4c07, 'LOOP_SET_CAPACITY', 'none'],
  [0x4c08, 'LOOP_SET_DIRECT_IO', 'value'],
  [0x4c09, 'LOOP_SET_BLOCK_SIZE', 'value'],
  [0x4c0a, 'LOOP_CONFIGURE', 'in', 304, 'loop_config'],
  [0x4c80, 'LOOP_CTL_ADD', 'value'],
  [0x4c81, 'LOOP_CTL_REMOVE', 'value'],
  [0x4c82, 'LOOP_CTL_GET_FREE', 'none'],
  [SG_IO, 'SG_IO', 'nested', 88, 'sg_io_hdr'],
  [0x2282, 'SG_GET_VERSION_NUM', 'out', 4],
  [0x2276, 'SG_GET_SCSI_ID', 'out', 32],
  [0x2201, 'SG_SET_TIMEOUT', 'in', 4],
  [0x2202, 'SG_GET_TIMEOUT', 'none'],
  [0x2272, 'SG_GET_RESERVED_SIZE', 'out', 4],
  [0x2275, 'SG_SET_RESERVED_SIZE', 'in', 4],
  [0x5382, 'SCSI_IOCTL_GET_IDLUN', 'out', 8],
  [0x5386, 'SCSI_IOCTL_GET_BUS_NUMBER', 'out', 4],
  [0x5305, 'CDROMREADTOCHDR', 'out', 2, 'cdrom_tochdr'],
  [0x5306, 'CDROMREADTOCENTRY', 'inout', 12, 'cdrom_tocentry'],
  [0x5307, 'CDROMSTOP', 'none'],
  [0x5308, 'CDROMSTART', 'none'],
  [0x5309, 'CDROMEJECT', 'none'],
  [0x530b, 'CDROMSUBCHNL', 'inout', 16, 'cdrom_subchnl'],
  [0x530f, 'CDROMEJECT_SW', 'value'],
  [0x5310, 'CDROMMULTISESSION', 'inout', 8, 'cdrom_multisession'],
  [0x5319, 'CDROMCLOSETRAY', 'none'],
  [0x5320, 'CDROM_SET_OPTIONS', 'value'],
  [0x5321, 'CDROM_CLEAR_OPTIONS', 'value'],
  [0x5325, 'CDROM_MEDIA_CHANGED', 'value'],
  [0x5326, 'CDROM_DRIVE_STATUS', 'value'],
  [0x5327, 'CDROM_DISC_STATUS', 'none'],
  [0x5329, 'CDROM_LOCKDOOR', 'value'],
  [0x5331, 'CDROM_GET_CAPABILITY', 'none'],
  [io('N', 0x40), 'NVME_IOCTL_ID', 'none'],
  [NVME_ADMIN_CMD, 'NVME_IOCTL_ADMIN_CMD', 'nested', 72],
  [NVME_IO_CMD, 'NVME_IOCTL_IO_CMD', 'nested', 72],

  // Clocks and watchdogs.
  [io('p', 1), 'RTC_AIE_ON', 'none'],
  [io('p', 2), 'RTC_AIE_OFF', 'none'],
  [io('p', 3), 'RTC_UIE_ON', 'none'],
  [io('p', 4), 'RTC_UIE_OFF', 'none'],
  [io('p', 5), 'RTC_PIE_ON', 'none'],
  [io('p', 6), 'RTC_PIE_OFF', 'none'],
  [io('p', 15), 'RTC_WIE_ON', 'none'],
  [io('p', 16), 'RTC_WIE_OFF', 'none'],
  [io('p', 20), 'RTC_VL_CLR', 'none'],
  [ior('p', 9, 36), 'RTC_RD_TIME', 'out', 36, 'rtc_time'],
  [iow('p', 10, 36), 'RTC_SET_TIME', 'in', 36, 'rtc_time'],
  [iow('p', 12, 8), 'RTC_IRQP_SET', 'value'],
  [iow('p', 14, 8), 'RTC_EPOCH_SET', 'value'],
  [iow('p', 19, 24), 'RTC_PARAM_GET', 'inout', 24, 'rtc_param'],
  [ior('W', 5, 4), 'WDIOC_KEEPALIVE', 'none'],

  // Input devices.
  [iow('E', 0x81, 4), 'EVIOCRMFF', 'value'],
  [iow('E', 0x90, 4), 'EVIOCGRAB', 'value'],
  [iow('E', 0x91, 4), 'EVIOCREVOKE', 'value'],
  [EVIOCGMASK, 'EVIOCGMASK', 'nested', 16, 'input_mask'],
  [EVIOCSMASK, 'EVIOCSMASK', 'nested', 16, 'input_mask'],
  [io('U', 1), 'UI_DEV_CREATE', 'none'],
  [io('U', 2), 'UI_DEV_DESTROY', 'none'],
  [iow('U', 100, 4), 'UI_SET_EVBIT', 'value'],
  [iow('U', 101, 4), 'UI_SET_KEYBIT', 'value'],
  [iow('U', 102, 4), 'UI_SET_RELBIT', 'value'],
  [iow('U', 103, 4), 'UI_SET_ABSBIT', 'value'],
  [iow('U', 104, 4), 'UI_SET_MSCBIT', 'value'],
  [iow('U', 105, 4), 'UI_SET_LEDBIT', 'value'],
  [iow('U', 106, 4), 'UI_SET_SNDBIT', 'value'],
  [iow('U', 107, 4), 'UI_SET_FFBIT', 'value'],
  [iow('U', 108, 8), 'UI_SET_PHYS', 'string'],
  [iow('U', 109, 4), 'UI_SET_SWBIT', 'value'],
  [iow('U', 110, 4), 'UI_SET_PROPBIT', 'value'],

  // Buses.
  [0x0701, 'I2C_RETRIES', 'value'],
  [0x0702, 'I2C_TIMEOUT', 'value'],
  [0x0703, 'I2C_SLAVE', 'value'],
  [0x0704, 'I2C_TENBIT', 'value'],
  [0x0705, 'I2C_FUNCS', 'out', 8],
  [0x0706, 'I2C_SLAVE_FORCE', 'value'],
  [I2C_RDWR, 'I2C_RDWR', 'nested', 16, 'i2c_rdwr_ioctl_data'],
  [0x0708, 'I2C_PEC', 'value'],
  [I2C_SMBUS, 'I2C_SMBUS', 'nested', 16, 'i2c_smbus_ioctl_data'],
  [USBDEVFS_CONTROL, 'USBDEVFS_CONTROL', 'nested', 24, 'usbdevfs_ctrltransfer'],
  [USBDEVFS_BULK, 'USBDEVFS_BULK', 'nested', 24, 'usbdevfs_bulktransfer'],
  [ior('U', 3, 4), 'USBDEVFS_RESETEP', 'in', 4],
  [ior('U', 4, 8), 'USBDEVFS_SETINTERFACE', 'in', 8],
  [ior('U', 5, 4), 'USBDEVFS_SETCONFIGURATION', 'in', 4],
  [iow('U', 8, 260), 'USBDEVFS_GETDRIVER', 'inout', 260],
  [ior('U', 15, 4), 'USBDEVFS_CLAIMINTERFACE', 'in', 4],
  [ior('U', 16, 4), 'USBDEVFS_RELEASEINTERFACE', 'in', 4],
  [iow('U', 17, 8), 'USBDEVFS_CONNECTINFO', 'out', 8],
  [io('U', 20), 'USBDEVFS_RESET', 'none'],
  [ior('U', 21, 4), 'USBDEVFS_CLEAR_HALT', 'in', 4],

  // Frame buffers.
  [0x4600, 'FBIOGET_VSCREENINFO', 'out', 160, 'fb_var_screeninfo'],
  [0x4601, 'FBIOPUT_VSCREENINFO', 'inout', 160, 'fb_var_screeninfo'],
  [0x4602, 'FBIOGET_FSCREENINFO', 'out', 80, 'fb_fix_screeninfo'],
  [FBIOGETCMAP, 'FBIOGETCMAP', 'nested', 40, 'fb_cmap'],
  [FBIOPUTCMAP, 'FBIOPUTCMAP', 'nested', 40, 'fb_cmap'],
  [0x4606, 'FBIOPAN_DISPLAY', 'inout', 160, 'fb_var_screeninfo'],
  [0x4611, 'FBIOBLANK', 'value'],

  // A memfd-backed FUSE clone reads the descriptor although its number says it writes.
  [ior(229, 0, 4), 'FUSE_DEV_IOC_CLONE', 'in', 4],
];

const table: ReadonlyMap<number, Entry> = new Map(entries.map((entry) => [entry[0], entry]));

/** Requests with a name, a shape and, where it is plain, a size: for tests and for printing. */
export const knownIoctls: readonly {
  readonly request: number;
  readonly name: string;
  readonly size: number | undefined;
  readonly struct: string | undefined;
}[] = entries.map(([request, name, , size, struct]) => ({ request, name, size, struct }));

/** Requests whose number tells the size of a structure, but not of the buffers it points to, by letter and number. */
const opaque: ReadonlyMap<number, string> = new Map([
  [0x9423, 'BTRFS_IOC_INO_PATHS'],
  [0x9424, 'BTRFS_IOC_LOGICAL_INO'],
  [0x943b, 'BTRFS_IOC_LOGICAL_INO_V2'],
  [0x9440, 'BTRFS_IOC_ENCODED_READ'],
  [0x5826, 'XFS_IOC_GETBMAP'],
  [0x5838, 'XFS_IOC_GETBMAPX'],
  [0x5865, 'XFS_IOC_FSBULKSTAT'],
  [0x5866, 'XFS_IOC_FSBULKSTAT_SINGLE'],
  [0x5867, 'XFS_IOC_FSINUMBERS'],
  [0x586c, 'XFS_IOC_READLINK_BY_HANDLE'],
  [0x587a, 'XFS_IOC_ATTRLIST_BY_HANDLE'],
  [0x587b, 'XFS_IOC_ATTRMULTI_BY_HANDLE'],
  [0x587f, 'XFS_IOC_BULKSTAT'],
  [0x5880, 'XFS_IOC_INUMBERS'],
  [0xb300, 'MMC_IOC_CMD'],
  [0xb301, 'MMC_IOC_MULTI_CMD'],
  [0x6b00, 'SPI_IOC_MESSAGE'],
  [0x690b, 'IPMICTL_RECEIVE_MSG_TRUNC'],
  [0x690c, 'IPMICTL_RECEIVE_MSG'],
  [0x3e04, 'SYNC_IOC_FILE_INFO'],
  [0x4d04, 'MEMREADOOB'],
  [0x4d16, 'MEMREADOOB64'],
  [0x4d1a, 'MEMREAD'],
  [0x7c02, 'MEDIA_IOC_ENUM_LINKS'],
  [0x7c04, 'MEDIA_IOC_G_TOPOLOGY'],
  [0x6f53, 'FE_GET_PROPERTY'],
]);

function opaqueName(request: number): string | undefined {
  return (request >>> 16) & 0x3fff ? opaque.get(request & 0xffff) : undefined;
}

const SHARED = 'it shares memory with the kernel or a device';

/**
 * Drivers whose mappings change without a call, by the letter in their requests. `encoded`: only requests that carry a
 * size, as older drivers use the letter for others.
 */
const unsupportedTypes: ReadonlyMap<number, { readonly what: string; readonly encoded: boolean }> =
  new Map([
    [0xae, { what: 'KVM', encoded: false }],
    [0xaa, { what: 'userfaultfd', encoded: false }],
    [0xaf, { what: 'vhost', encoded: false }],
    [0x3b, { what: 'VFIO and IOMMU', encoded: false }],
    [0x64, { what: 'DRM', encoded: true }],
    [0x24, { what: 'perf events', encoded: false }],
    [0x1b, { what: 'InfiniBand', encoded: true }],
    [0x62, { what: 'binder and DMA buffers', encoded: true }],
    [0x56, { what: 'Video4Linux', encoded: true }],
    [0x41, { what: 'ALSA PCM', encoded: true }],
    [0x4b, { what: 'AMD compute', encoded: true }],
  ]);

function unsupportedName(request: number): string | undefined {
  if (table.has(request)) return undefined;
  const type = (request >>> 8) & 0xff;
  const size = (request >>> 16) & 0x3fff;
  const found = unsupportedTypes.get(type);
  if (found !== undefined && (!found.encoded || size > 0)) return found.what;
  // NVIDIA's driver has the frame buffer's letter, from number 200 on.
  if (type === 0x46 && size > 0 && (request & 0xff) >= 200) return 'NVIDIA';
  // USBDEVFS_SUBMITURB and REAPURB: the data arrives between calls.
  if (type === 0x55 && size > 0 && ((request & 0xff) === 10 || (request & 0xff) === 12)) {
    return 'asynchronous USB';
  }
  if (type === 0x55 && size > 0 && (request & 0xff) === 13) return 'asynchronous USB';
  return undefined;
}

/** Why a request cannot be recorded: it shares memory with the kernel, or has it written after the call. Else undefined. */
export function unsupportedIoctl(request: number): string | undefined {
  const what = unsupportedName(request);
  return what === undefined ? undefined : `${what}: ${SHARED}`;
}

/** What is known of a request, for names and warnings. `request` is the low 32 bits, unsigned. */
export function ioctlInfo(request: number): IoctlInfo {
  const entry = table.get(request);
  if (entry !== undefined) {
    return { name: entry[1], kind: entry[2] === 'nested' ? 'nested' : 'flat', reason: '' };
  }
  const reason = unsupportedIoctl(request);
  if (reason !== undefined) return { name: undefined, kind: 'unsupported', reason };
  const name = opaqueName(request);
  if (name !== undefined) return { name, kind: 'unknown', reason: '' };
  const encoded = request >>> 30 !== 0 && ((request >>> 16) & 0x3fff) !== 0;
  return { name: undefined, kind: encoded ? 'encoded' : 'unknown', reason: '' };
}

const NONE: readonly Region[] = [];
const DM_TYPE = 0xfd;

/** The regions of an ioctl: `arg` is the address it was given, `result` its result if it has run. */
export function ioctlRegions(
  request: number,
  arg: number,
  peek: Peek,
  result: number | undefined,
): readonly Region[] {
  if (arg === 0) return NONE;
  const entry = table.get(request);
  if (entry === undefined) return encodedRegions(request, arg, peek);
  const shape = entry[2];
  switch (shape) {
    case 'none':
    case 'value':
      return NONE;
    case 'string':
      return [{ addr: arg, size: stringLength(peek, arg), dir: 'in', when: 'success' }];
    case 'nested':
      return nested(request, arg, peek, result);
    default:
      return [{ addr: arg, size: entry[3]!, dir: shape, when: 'success', ...structOf(entry) }];
  }
}

function structOf(entry: Entry): { struct?: string } {
  return entry[4] === undefined ? {} : { struct: entry[4] };
}

function encodedRegions(request: number, arg: number, peek: Peek): readonly Region[] {
  const dir = request >>> 30;
  const size = (request >>> 16) & 0x3fff;
  if (dir === 0 || size === 0) {
    return [{ addr: arg, size: 0, dir: 'out', when: 'success', unknown: true }];
  }
  if (((request >>> 8) & 0xff) === DM_TYPE) {
    // Device mapper: the structure says itself how long it and what follows it are.
    const head = peek(arg, 16);
    const whole = head === undefined ? size : Math.max(size, readU32(head, 12));
    return [{ addr: arg, size: whole, dir: 'inout', when: 'success', struct: 'dm_ioctl' }];
  }
  const flat: Region = {
    addr: arg,
    size,
    dir: dir === 1 ? 'in' : dir === 2 ? 'out' : 'inout',
    // Some drivers store their answer although they fail.
    when: dir === 3 ? 'always' : 'success',
  };
  if (opaqueName(request) === undefined) return [flat];
  return [flat, { addr: arg, size: 0, dir: 'out', when: 'success', part: 'nested', unknown: true }];
}

/** Length of the string at `addr` without its NUL, at most a page; what can be read of it. */
export function stringLength(peek: Peek, addr: number, limit = 4096): number {
  let length = 0;
  while (length < limit) {
    const at = addr + length;
    // Never across a page: the next one may not be there.
    const chunk = Math.min(256, 4096 - (at % 4096), limit - length);
    const bytes = peek(at, chunk);
    if (bytes === undefined) return length;
    for (let i = 0; i < chunk; i++) if (bytes[i] === 0) return length + i;
    length += chunk;
  }
  return length;
}

function nested(
  request: number,
  arg: number,
  peek: Peek,
  result: number | undefined,
): readonly Region[] {
  const regions: Region[] = [];
  const add = (addr: number, size: number, dir: Region['dir']): void => {
    if (addr === 0 || size <= 0) return;
    regions.push({ addr, size, dir, when: 'success', part: 'nested' });
  };
  /** The argument itself: `size` bytes. Several of these requests store their answer although they fail. */
  const own = (size: number, dir: Region['dir']): Uint8Array | undefined => {
    regions.push({ addr: arg, size, dir, when: 'always' });
    return peek(arg, size);
  };
  /** The argument with a tail of `tail(head)` bytes right behind it. */
  const tailed = (head: number, dir: Region['dir'], tail: (bytes: Uint8Array) => number): void => {
    const bytes = peek(arg, head);
    const more = bytes === undefined ? 0 : Math.max(tail(bytes), 0);
    regions.push({ addr: arg, size: head + more, dir, when: 'always' });
  };

  switch (request) {
    case SIOCGIFCONF: {
      const head = own(16, 'inout');
      if (head !== undefined) add(readAddress(head, 8), readI32(head, 0), 'out');
      break;
    }
    case SIOCETHTOOL: {
      const head = own(40, 'inout');
      const data = head === undefined ? 0 : readAddress(head, 16);
      if (data !== 0) ethtool(data, peek, regions);
      break;
    }
    case SIOCBONDINFOQUERY: {
      const head = own(40, 'in');
      if (head !== undefined) add(readAddress(head, 16), 12, 'inout');
      break;
    }
    case SIOCSHWTSTAMP:
    case SIOCGHWTSTAMP: {
      const head = own(40, 'inout');
      if (head !== undefined) add(readAddress(head, 16), 12, 'inout');
      break;
    }
    case FS_IOC_FIEMAP:
      // fm_mapped_extents of fiemap_extent, or only their number where no room was given.
      tailed(32, 'inout', (head) => Math.min(readU32(head, 20), readU32(head, 24)) * 56);
      break;
    case FS_IOC_GETFSMAP:
      // fmh_entries of struct fsmap, or only their number where no room was given.
      tailed(192, 'inout', (head) => Math.min(readU32(head, 8), readU32(head, 12)) * 64);
      break;
    case FIDEDUPERANGE:
      tailed(24, 'inout', (head) => readU16(head, 16) * 32);
      break;
    case BTRFS_IOC_SEARCH_TREE_V2:
      tailed(112, 'inout', (head) => readU64(head, 104));
      break;
    case BTRFS_IOC_SPACE_INFO:
      tailed(16, 'inout', (head) => Math.min(readU64(head, 0), readU64(head, 8)) * 24);
      break;
    case BLKREPORTZONE:
      tailed(16, 'inout', (head) => readU32(head, 8) * 64);
      break;
    case FS_IOC_MEASURE_VERITY:
      tailed(4, 'inout', (head) => readU16(head, 2));
      break;
    case FS_IOC_GET_ENCRYPTION_POLICY_EX:
      tailed(8, 'inout', (head) => Math.min(readU64(head, 0), 4096));
      break;
    case FS_IOC_ADD_ENCRYPTION_KEY:
      tailed(80, 'inout', (head) => Math.min(readU32(head, 40), 4096));
      break;
    case RNDADDENTROPY:
      tailed(8, 'in', (head) => readI32(head, 4));
      break;
    case TUNSETTXFILTER:
      tailed(4, 'in', (head) => readU16(head, 2) * 6);
      break;
    case TUNATTACHFILTER: {
      const head = own(16, 'in');
      if (head !== undefined) add(readAddress(head, 8), readU16(head, 0) * 8, 'in');
      break;
    }
    case FS_IOC_ENABLE_VERITY: {
      const head = own(128, 'in');
      if (head === undefined) break;
      const saltSize = readU32(head, 12);
      const salt = readAddress(head, 16);
      const signatureSize = readU32(head, 24);
      const signature = readAddress(head, 32);
      add(salt, saltSize, 'in');
      add(signature, signatureSize, 'in');
      break;
    }
    case FS_IOC_READ_VERITY_METADATA: {
      const head = own(40, 'in');
      if (head === undefined) break;
      add(readAddress(head, 24), Math.min(readU64(head, 16), result ?? Infinity), 'out');
      break;
    }
    case BLKPG: {
      const head = own(24, 'in');
      if (head !== undefined) add(readAddress(head, 16), readI32(head, 8), 'in');
      break;
    }
    case SG_IO: {
      const head = own(88, 'inout');
      if (head === undefined) break;
      const direction = readI32(head, 4);
      const data = readAddress(head, 16);
      const length = readU32(head, 12);
      const vectors = readU16(head, 10);
      const command = readAddress(head, 24);
      const commandLength = head[8]!;
      const sense = readAddress(head, 32);
      const senseLength = head[9]!;
      add(command, commandLength, 'in');
      add(sense, senseLength, 'out');
      const dir =
        direction === -2 ? 'in' : direction === -3 || direction === -4 ? 'inout' : undefined;
      if (dir === undefined) break;
      if (vectors === 0) add(data, length, dir);
      else vectored(data, vectors, peek, dir, regions);
      break;
    }
    case NVME_ADMIN_CMD:
    case NVME_IO_CMD: {
      const head = own(72, 'inout');
      if (head === undefined) break;
      // Bit 0 of the opcode: from the host to the controller.
      const dir = (head[0]! & 1) === 1 ? 'in' : 'inout';
      const metadata = readAddress(head, 16);
      const data = readAddress(head, 24);
      const metadataLength = readU32(head, 32);
      const length = readU32(head, 36);
      add(data, length, dir);
      add(metadata, metadataLength, dir);
      break;
    }
    case I2C_RDWR: {
      const head = own(16, 'in');
      if (head === undefined) break;
      const messages = readAddress(head, 0);
      const count = Math.min(readU32(head, 8), 42);
      const all = messages === 0 ? undefined : peek(messages, count * 16)?.slice();
      add(messages, count * 16, 'in');
      for (let i = 0; all !== undefined && i < count; i++) {
        const read = (readU16(all, i * 16 + 2) & 1) === 1;
        add(readAddress(all, i * 16 + 8), readU16(all, i * 16 + 4), read ? 'out' : 'in');
      }
      break;
    }
    case I2C_SMBUS: {
      const head = own(16, 'in');
      if (head !== undefined) add(readAddress(head, 8), 34, 'inout');
      break;
    }
    case USBDEVFS_CONTROL: {
      const head = own(24, 'in');
      if (head === undefined) break;
      const inward = (head[0]! & 0x80) !== 0;
      const length = readU16(head, 6);
      const data = readAddress(head, 16);
      if (inward) add(data, Math.min(length, result ?? length), 'out');
      else add(data, length, 'in');
      break;
    }
    case USBDEVFS_BULK: {
      const head = own(24, 'in');
      if (head === undefined) break;
      const inward = (readU32(head, 0) & 0x80) !== 0;
      const length = readU32(head, 4);
      const data = readAddress(head, 16);
      if (inward) add(data, Math.min(length, result ?? length), 'out');
      else add(data, length, 'in');
      break;
    }
    case EVIOCGMASK:
    case EVIOCSMASK: {
      const head = own(16, 'in');
      if (head === undefined) break;
      add(readAddress(head, 8), readU32(head, 4), request === EVIOCGMASK ? 'out' : 'in');
      break;
    }
    case GIO_UNIMAP: {
      const head = own(16, 'inout');
      if (head !== undefined) add(readAddress(head, 8), readU16(head, 0) * 4, 'out');
      break;
    }
    case PIO_UNIMAP: {
      const head = own(16, 'in');
      if (head !== undefined) add(readAddress(head, 8), readU16(head, 0) * 4, 'in');
      break;
    }
    case GIO_FONTX:
    case PIO_FONTX: {
      const dir = request === GIO_FONTX ? 'inout' : 'in';
      const head = own(16, dir);
      if (head !== undefined) add(readAddress(head, 8), readU16(head, 0) * 32, dir);
      break;
    }
    case KDFONTOP: {
      const head = own(32, 'inout');
      if (head === undefined) break;
      const op = readU32(head, 0);
      const width = readU32(head, 8);
      const height = readU32(head, 12);
      const count = readU32(head, 16);
      const data = readAddress(head, 24);
      // Glyphs are padded to 32 lines, except in the two tall operations (4: set, 5: get).
      const size =
        Math.ceil(Math.min(width, 64) / 8) * count * (op >= 4 ? Math.min(height, 128) : 32);
      if (op === 0 || op === 4) add(data, size, 'in');
      else if (op === 1 || op === 5) add(data, size, 'out');
      else if (op === 2) add(data, data === 0 ? 0 : stringLength(peek, data, 32), 'in');
      break;
    }
    case FBIOGETCMAP:
    case FBIOPUTCMAP: {
      const head = own(40, 'in')?.slice();
      if (head === undefined) break;
      const size = readU32(head, 4) * 2;
      for (let at = 8; at < 40; at += 8) {
        add(readAddress(head, at), size, request === FBIOGETCMAP ? 'out' : 'in');
      }
      break;
    }
    case TIOCLINUX: {
      // The first byte says what is asked; answers overwrite it.
      const head = own(1, 'inout');
      if (head !== undefined && head[0] === 2) add(arg + 1, 10, 'in');
      break;
    }
  }
  return regions;
}

function vectored(
  addr: number,
  count: number,
  peek: Peek,
  dir: Region['dir'],
  regions: Region[],
): void {
  if (addr === 0) return;
  const vector = peek(addr, count * 16)?.slice();
  regions.push({ addr, size: count * 16, dir: 'in', when: 'success', part: 'vector' });
  for (let i = 0; vector !== undefined && i < count; i++) {
    const base = readAddress(vector, i * 16);
    const size = readU64(vector, i * 16 + 8);
    if (base !== 0 && size > 0) {
      regions.push({ addr: base, size, dir, when: 'success', part: 'data' });
    }
  }
}

/** Sizes of ethtool's structures by command; those that only set something are read, the others answered in place. */
const ethtoolSizes: ReadonlyMap<number, number> = new Map([
  [0x01, 44], // ETHTOOL_GSET: ethtool_cmd
  [0x02, 44],
  [0x03, 196], // ETHTOOL_GDRVINFO
  [0x05, 20], // ETHTOOL_GWOL
  [0x06, 20],
  [0x07, 8], // ETHTOOL_GMSGLVL
  [0x08, 8],
  [0x09, 4], // ETHTOOL_NWAY_RST
  [0x0a, 8], // ETHTOOL_GLINK
  [0x0e, 92], // ETHTOOL_GCOALESCE
  [0x0f, 92],
  [0x10, 36], // ETHTOOL_GRINGPARAM
  [0x11, 36],
  [0x12, 16], // ETHTOOL_GPAUSEPARAM
  [0x13, 16],
  [0x14, 8], // ETHTOOL_GRXCSUM
  [0x15, 8],
  [0x16, 8], // ETHTOOL_GTXCSUM
  [0x17, 8],
  [0x18, 8], // ETHTOOL_GSG
  [0x19, 8],
  [0x1e, 8], // ETHTOOL_GTSO
  [0x1f, 8],
  [0x21, 8], // ETHTOOL_GUFO
  [0x22, 8],
  [0x23, 8], // ETHTOOL_GGSO
  [0x24, 8],
  [0x25, 8], // ETHTOOL_GFLAGS
  [0x26, 8],
  [0x27, 8], // ETHTOOL_GPFLAGS
  [0x28, 8],
  [0x2b, 8], // ETHTOOL_GGRO
  [0x2c, 8],
  [0x3c, 36], // ETHTOOL_GCHANNELS
  [0x3d, 36],
  [0x41, 44], // ETHTOOL_GET_TS_INFO
]);

function ethtool(data: number, peek: Peek, regions: Region[]): void {
  const head = peek(data, 12);
  if (head === undefined) return;
  const command = readU32(head, 0);
  let size = ethtoolSizes.get(command);
  // ETHTOOL_GPERMADDR, GSTRINGS, GSTATS, GSSET_INFO, GFEATURES, GLINKSETTINGS: a head, and a tail it counts.
  if (command === 0x20) size = 8 + Math.min(readU32(head, 4), 32);
  else if (command === 0x1b) size = 12 + readU32(head, 8) * 32;
  else if (command === 0x1d) size = 8 + readU32(head, 4) * 8;
  else if (command === 0x37) size = 16 + 64 * 4;
  else if (command === 0x3a) size = 8 + readU32(head, 4) * 16;
  else if (command === 0x4c || command === 0x4d) {
    const more = peek(data, 48);
    // link_mode_masks_nwords is a signed byte, negative in the kernel's first answer.
    const words = more === undefined ? 0 : (more[15]! << 24) >> 24;
    size = 48 + Math.max(words, 0) * 12;
  }
  if (size === undefined) {
    regions.push({
      addr: data,
      size: 0,
      dir: 'out',
      when: 'success',
      part: 'nested',
      unknown: true,
    });
  } else {
    regions.push({ addr: data, size, dir: 'inout', when: 'success', part: 'nested' });
  }
}
