import test from 'ava';
import type { Frame } from '@scribe-ts/tracelog';
import { call, callLine, pack, padded, text, u16, u32, u64 } from './support/frames.js';

process.env.TZ = 'UTC';

/** An address on the stack, for whatever is pointed to. */
const P = 0x7ffe1000;
const Q = 0x7ffe2000;
const R = 0x7ffe3000;
const S = 0x7ffe4000;

const cases: readonly (readonly [expected: string, frames: readonly Frame[]])[] = [
  // Files and descriptors.
  [
    'openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3',
    call('openat', [-100, P, 0x80000, 0], 3, { in: [[1, '/etc/ld.so.cache']] }),
  ],
  [
    'openat(4, "new", O_WRONLY|O_CREAT|O_EXCL, 0644) = 5',
    call('openat', [4, P, 0xc1, 0o644], 5, { in: [[1, 'new']] }),
  ],
  [
    'open("/tmp", O_RDWR|O_TMPFILE, 0600) = 3',
    call('open', [P, 0x410002, 0o600], 3, { in: [[0, '/tmp']] }),
  ],
  [
    'open("/none", O_RDONLY) = -1 ENOENT (No such file or directory)',
    call('open', [P, 0, 0], -2, { in: [[0, '/none']] }),
  ],
  ['open(0x7ffe1000, O_RDONLY|O_NONBLOCK|O_DIRECTORY) = 3', call('open', [P, 0x10800, 0], 3)],
  ['close(3) = 0', call('close', [3], 0)],
  ['close(-1) = -1 EBADF (Bad file descriptor)', call('close', [0xffffffff], -9)],
  [
    'read(3, "\\177ELF\\2\\1\\1\\0\\0", 832) = 9',
    call('read', [3, P, 832], 9, { out: [[P, '\x7fELF\x02\x01\x01\0\0']] }),
  ],
  ['read(0, "", 4096) = 0', call('read', [0, P, 4096], 0)],
  [
    'read(0, 0x7ffe1000, 4096) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)',
    call('read', [0, P, 4096], -512),
  ],
  ['write(1, "a\\tb\\"\\\\\\n", 6) = 6', call('write', [1, P, 6], 6, { in: [[1, 'a\tb"\\\n']] })],
  [
    'write(1, "\\0001\\1\\19\\r", 7) = 7',
    call('write', [1, P, 7], 7, { in: [[1, '\x001\x01\x019\r']] }),
  ],
  ['write(1, 0x7ffe1000, 6) = 6', call('write', [1, P, 6], 6)],
  ['write(1, "\\303\\274", 2) = 2', call('write', [1, P, 2], 2, { in: [[1, '\xc3\xbc']] })],
  ['pread64(3, "ab", 2, 784) = 2', call('pread64', [3, P, 2, 784], 2, { out: [[P, 'ab']] })],
  ['pwrite64(3, "ab", 2, 0) = 2', call('pwrite64', [3, P, 2, 0], 2, { in: [[1, 'ab']] })],
  [
    'writev(1, [{iov_base="hello", iov_len=5}, {iov_base="\\n", iov_len=1}], 2) = 6',
    call('writev', [1, P, 2], 6, {
      in: [
        [1, pack(u64(Q), u64(5), u64(R), u64(1))],
        [1, 'hello'],
        [1, '\n'],
      ],
    }),
  ],
  [
    'readv(3, [{iov_base="abcd", iov_len=4}, {iov_base="ef", iov_len=8}, {iov_base="", iov_len=8}], 3) = 6',
    call('readv', [3, P, 3], 6, {
      in: [[1, pack(u64(Q), u64(4), u64(R), u64(8), u64(S), u64(8))]],
      out: [
        [Q, 'abcd'],
        [R, 'ef'],
      ],
    }),
  ],
  [
    'readv(3, [{iov_base="abcd"}, {iov_base="ef"}], 2) = 6',
    call('readv', [3, P, 2], 6, {
      out: [
        [Q, 'abcd'],
        [R, 'ef'],
      ],
    }),
  ],
  ['lseek(3, -10, SEEK_END) = 90', call('lseek', [3, -10, 2], 90)],
  ['lseek(3, 0, SEEK_SET) = -1 ESPIPE (Illegal seek)', call('lseek', [3, 0, 0], -29)],
  [
    'fstat(3, {st_mode=S_IFREG|0644, st_size=2996, ...}) = 0',
    call('fstat', [3, P], 0, {
      out: [
        [
          P,
          padded(
            144,
            pack(u64(0), u64(0), u64(1), u32(0o100644), u32(0), u32(0), u32(0), u64(0), u64(2996)),
          ),
        ],
      ],
    }),
  ],
  [
    'fstat(1, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x3), ...}) = 0',
    call('fstat', [1, P], 0, {
      out: [
        [
          P,
          padded(
            144,
            pack(u64(0), u64(0), u64(1), u32(0o20620), u32(0), u32(0), u32(0), u64(0x8803)),
          ),
        ],
      ],
    }),
  ],
  [
    'newfstatat(AT_FDCWD, "x", 0x7ffe2000, AT_SYMLINK_NOFOLLOW) = -1 EACCES (Permission denied)',
    call('newfstatat', [-100, P, Q, 0x100], -13, { in: [[1, 'x']] }),
  ],
  [
    'statx(AT_FDCWD, "/", AT_STATX_SYNC_AS_STAT|AT_EMPTY_PATH, STATX_MODE|STATX_SIZE, {stx_mask=STATX_BASIC_STATS, stx_attributes=STATX_ATTR_MOUNT_ROOT, stx_mode=S_IFDIR|0755, stx_size=4096, ...}) = 0',
    call('statx', [-100, P, 0x1000, 0x202, Q], 0, {
      in: [[1, '/']],
      out: [
        [
          Q,
          padded(
            256,
            pack(
              u32(0x7ff),
              u32(4096),
              u64(0x2000),
              u32(1),
              u32(0),
              u32(0),
              u16(0o40755),
              u16(0),
              u64(2),
              u64(4096),
            ),
          ),
        ],
      ],
    }),
  ],
  [
    'statfs("/tmp", {f_type=TMPFS_MAGIC, f_bsize=4096, f_blocks=100, f_bfree=50, f_bavail=40, f_files=10, f_ffree=5, f_fsid={val=[0x1, 0x2]}, f_namelen=255, f_frsize=4096, f_flags=ST_VALID}) = 0',
    call('statfs', [P, Q], 0, {
      in: [[0, '/tmp']],
      out: [
        [
          Q,
          padded(
            120,
            pack(
              u64(0x01021994),
              u64(4096),
              u64(100),
              u64(50),
              u64(40),
              u64(10),
              u64(5),
              u32(1),
              u32(2),
              u64(255),
              u64(4096),
              u64(0x20),
            ),
          ),
        ],
      ],
    }),
  ],
  [
    'access("/etc/ld.so.preload", R_OK) = 0',
    call('access', [P, 4], 0, { in: [[0, '/etc/ld.so.preload']] }),
  ],
  ['access("/x", F_OK) = 0', call('access', [P, 0], 0, { in: [[0, '/x']] })],
  [
    'faccessat2(3, "x", R_OK|W_OK, AT_EACCESS) = 0',
    call('faccessat2', [3, P, 6, 0x200], 0, { in: [[1, 'x']] }),
  ],
  ['unlinkat(3, "d", AT_REMOVEDIR) = 0', call('unlinkat', [3, P, 0x200], 0, { in: [[1, 'd']] })],
  ['getcwd("/home", 4096) = 6', call('getcwd', [P, 4096], 6, { out: [[P, '/home\0']] })],
  [
    'readlink("/proc/self/exe", "/usr/bin/date", 4095) = 13',
    call('readlink', [P, Q, 4095], 13, {
      in: [[0, '/proc/self/exe']],
      out: [[Q, '/usr/bin/date']],
    }),
  ],
  [
    'renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE) = 0',
    call('renameat2', [-100, P, -100, Q, 1], 0, {
      in: [
        [1, 'a'],
        [3, 'b'],
      ],
    }),
  ],
  ['mkdir("d", 0755) = 0', call('mkdir', [P, 0o755], 0, { in: [[0, 'd']] })],
  [
    'mknod("/dev/x", S_IFCHR|0666, makedev(0x1, 0x3)) = 0',
    call('mknod', [P, 0o20666, 0x103], 0, { in: [[0, '/dev/x']] }),
  ],
  ['umask(022) = 002', call('umask', [0o22], 2)],
  [
    'getdents64(3, 0x7ffe1000 /* 2 entries */, 32768) = 48',
    call('getdents64', [3, P, 32768], 48, {
      out: [
        [
          P,
          pack(
            u64(1),
            u64(1),
            u16(24),
            [1, 4],
            '.\0\0\0\0',
            u64(2),
            u64(2),
            u16(24),
            [1, 4],
            '..\0\0\0',
          ),
        ],
      ],
    }),
  ],
  ['getdents64(3, 0x7ffe1000 /* 0 entries */, 32768) = 0', call('getdents64', [3, P, 32768], 0)],
  [
    'pipe2([3, 4], O_CLOEXEC) = 0',
    call('pipe2', [P, 0x80000], 0, { out: [[P, pack(u32(3), u32(4))]] }),
  ],
  ['dup3(3, 5, O_CLOEXEC) = 5', call('dup3', [3, 5, 0x80000], 5)],
  [
    'fcntl(3, F_GETFL) = 0x8402 (flags O_RDWR|O_APPEND|O_LARGEFILE)',
    call('fcntl', [3, 3, P], 0x8402),
  ],
  ['fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)', call('fcntl', [3, 1, 0], 1)],
  ['fcntl(3, F_SETFD, FD_CLOEXEC) = 0', call('fcntl', [3, 2, 1], 0)],
  ['fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0', call('fcntl', [3, 4, 0x800], 0)],
  ['fcntl(3, F_DUPFD_CLOEXEC, 10) = 10', call('fcntl', [3, 1030, 10], 10)],
  [
    'fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=10}) = -1 EAGAIN (Resource temporarily unavailable)',
    call('fcntl', [3, 6, P], -11, {
      in: [[2, padded(32, pack(u16(1), u16(0), u32(0), u64(0), u64(10)))]],
    }),
  ],
  ['flock(3, LOCK_EX|LOCK_NB) = 0', call('flock', [3, 6], 0)],
  [
    'ioctl(1, TCGETS, {c_iflag=ICRNL|IXON|IUTF8, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|OPOST|ONLCR, c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|ICANON|ECHO|ECHOE|ECHOK|IEXTEN|ECHOCTL|ECHOKE, ...}) = 0',
    call('ioctl', [1, 0x5401, P], 0, {
      out: [[P, padded(36, pack(u32(0x4500), u32(5), u32(0xbf), u32(0x8a3b)))]],
    }),
  ],
  [
    'ioctl(1, TCGETS, 0x7ffe1000) = -1 ENOTTY (Inappropriate ioctl for device)',
    call('ioctl', [1, 0x5401, P], -25),
  ],
  [
    'ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0',
    call('ioctl', [1, 0x5413, P], 0, { out: [[P, pack(u16(24), u16(80), u16(0), u16(0))]] }),
  ],
  ['ioctl(0, FIONREAD, [5]) = 0', call('ioctl', [0, 0x541b, P], 0, { out: [[P, pack(u32(5))]] })],
  ['ioctl(3, FIONBIO, [1]) = 0', call('ioctl', [3, 0x5421, P], 0, { in: [[2, pack(u32(1))]] })],
  ['ioctl(3, FIOCLEX) = 0', call('ioctl', [3, 0x5451, P], 0)],
  [
    'ioctl(3, _IOC(_IOC_READ, 0x99, 0x7, 0x28), 0x7ffe1000) = 0',
    call('ioctl', [3, 0x80289907, P], 0, { out: [[P, new Uint8Array(40)]] }),
  ],
  [
    'fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 0, 4096) = 0',
    call('fallocate', [3, 3, 0, 4096], 0),
  ],
  ['fadvise64(3, 0, 0, POSIX_FADV_SEQUENTIAL) = 0', call('fadvise64', [3, 0, 0, 2], 0)],
  [
    'utimensat(AT_FDCWD, "f", [UTIME_OMIT, {tv_sec=5, tv_nsec=6} /* 1970-01-01T00:00:05.000000006+0000 */], 0) = 0',
    call('utimensat', [-100, P, Q, 0], 0, {
      in: [
        [1, 'f'],
        [2, pack(u64(0), u64(0x3ffffffe), u64(5), u64(6))],
      ],
    }),
  ],
  [
    'getxattr("f", "user.x", NULL, 0) = 4',
    call('getxattr', [P, Q, 0, 0], 4, {
      in: [
        [0, 'f'],
        [1, 'user.x'],
      ],
    }),
  ],
  [
    'mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, NULL) = 0',
    call('mount', [P, Q, R, 6, 0], 0, {
      in: [
        [0, 'none'],
        [1, '/mnt'],
        [2, 'tmpfs'],
      ],
    }),
  ],
  [
    'openat2(AT_FDCWD, "x", {flags=O_RDONLY|O_CLOEXEC, resolve=RESOLVE_BENEATH}, 24) = 3',
    call('openat2', [-100, P, Q, 24], 3, {
      in: [
        [1, 'x'],
        [2, pack(u64(0x80000), u64(0), u64(8))],
      ],
    }),
  ],
  [
    'sendfile(1, 3, [0] => [100], 100) = 100',
    call('sendfile', [1, 3, P, 100], 100, { in: [[2, pack(u64(0))]], out: [[P, pack(u64(100))]] }),
  ],
  [
    'memfd_create("x", MFD_CLOEXEC|MFD_ALLOW_SEALING) = 3',
    call('memfd_create', [P, 3], 3, { in: [[0, 'x']] }),
  ],

  // Waiting for events.
  [
    'poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN|POLLOUT}, {fd=-1}], 3, -1) = 1 ([{fd=4, revents=POLLOUT}])',
    call('poll', [P, 3, -1], 1, {
      in: [[0, pack(u32(3), u16(1), u16(0), u32(4), u16(5), u16(0), u32(-1), u16(0), u16(0))]],
      out: [[P, pack(u32(3), u16(1), u16(0), u32(4), u16(5), u16(4), u32(-1), u16(0), u16(0))]],
    }),
  ],
  [
    'poll([{fd=0, events=POLLIN}], 1, 100) = 0 (Timeout)',
    call('poll', [P, 1, 100], 0, { out: [[P, pack(u32(0), u16(1), u16(0))]] }),
  ],
  [
    'ppoll([{fd=3, events=POLLIN}], 1, {tv_sec=1, tv_nsec=0}, [INT], 8) = 1 ([{fd=3, revents=POLLIN}], left {tv_sec=0, tv_nsec=5})',
    call('ppoll', [P, 1, Q, R, 8], 1, {
      in: [
        [0, pack(u32(3), u16(1), u16(0))],
        [2, pack(u64(1), u64(0))],
        [3, pack(u64(2))],
      ],
      out: [
        [P, pack(u32(3), u16(1), u16(1))],
        [Q, pack(u64(0), u64(5))],
      ],
    }),
  ],
  [
    'select(6, [0 5], NULL, NULL, {tv_sec=1, tv_usec=0}) = 1 (in [5], left {tv_sec=0, tv_usec=9})',
    call('select', [6, P, 0, 0, Q], 1, {
      in: [
        [1, pack(u64(0x21))],
        [4, pack(u64(1), u64(0))],
      ],
      out: [
        [P, pack(u64(0x20))],
        [Q, pack(u64(0), u64(9))],
      ],
    }),
  ],
  [
    'select(6, 0x7ffe1000, NULL, NULL, 0x7ffe2000) = 1 (in [5], left {tv_sec=0, tv_usec=9})',
    call('select', [6, P, 0, 0, Q], 1, {
      out: [
        [P, pack(u64(0x20))],
        [Q, pack(u64(0), u64(9))],
      ],
    }),
  ],
  [
    'pselect6(1, NULL, NULL, NULL, NULL, {sigmask=[INT], sigsetsize=8}) = -1 EINTR (Interrupted system call)',
    call('pselect6', [1, 0, 0, 0, 0, P], -4, {
      in: [
        [5, pack(u64(Q), u64(8))],
        [5, pack(u64(2))],
      ],
    }),
  ],
  [
    'epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0',
    call('epoll_ctl', [3, 1, 4, P], 0, { in: [[3, pack(u32(0x80000001), u64(4))]] }),
  ],
  [
    'epoll_wait(3, [{events=EPOLLIN, data={u32=7, u64=7}}], 10, -1) = 1',
    call('epoll_wait', [3, P, 10, -1], 1, { out: [[P, pack(u32(1), u64(7))]] }),
  ],
  ['epoll_wait(3, [], 10, 0) = 0', call('epoll_wait', [3, P, 10, 0], 0)],
  ['epoll_create1(EPOLL_CLOEXEC) = 3', call('epoll_create1', [0x80000], 3)],
  ['eventfd2(0, EFD_CLOEXEC|EFD_NONBLOCK) = 3', call('eventfd2', [0, 0x80800], 3)],
  [
    'timerfd_settime(3, TFD_TIMER_ABSTIME, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=1, tv_nsec=2}}, NULL) = 0',
    call('timerfd_settime', [3, 1, P, 0], 0, { in: [[2, pack(u64(0), u64(0), u64(1), u64(2))]] }),
  ],
  [
    'inotify_add_watch(3, "/tmp", IN_CREATE|IN_DELETE|IN_ONLYDIR) = 1',
    call('inotify_add_watch', [3, P, 0x1000300], 1, { in: [[1, '/tmp']] }),
  ],

  // Memory.
  [
    'mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000',
    call('mmap', [0, 8192, 3, 0x22, -1, 0], 0x7f0000001000),
  ],
  [
    'mmap(0x7f0000000000, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3, 0x26000) = -1 ENOMEM (Cannot allocate memory)',
    call('mmap', [0x7f0000000000, 4096, 5, 0x812, 3, 0x26000], -12),
  ],
  ['mprotect(0x400000, 4096, PROT_NONE) = 0', call('mprotect', [0x400000, 4096, 0], 0)],
  ['munmap(0x400000, 4096) = 0', call('munmap', [0x400000, 4096], 0)],
  ['brk(NULL) = 0x555555559000', call('brk', [0], 0x555555559000)],
  [
    'mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE) = 0x2000',
    call('mremap', [0x1000, 4096, 8192, 1, 9], 0x2000),
  ],
  [
    'mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x9000) = 0x9000',
    call('mremap', [0x1000, 4096, 8192, 3, 0x9000], 0x9000),
  ],
  ['madvise(0x1000, 4096, MADV_DONTNEED) = 0', call('madvise', [0x1000, 4096, 4], 0)],
  ['msync(0x1000, 4096, MS_SYNC) = 0', call('msync', [0x1000, 4096, 4], 0)],

  // Tasks.
  [
    'clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0000000a10) = 4321',
    call('clone', [0x1200011, 0, 0, 0x7f0000000a10, 0], 4321),
  ],
  [
    'clone(child_stack=0x7f0000fff000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, parent_tid=[4322], tls=0x7f0000fff700, child_tidptr=0x7ffe2000) = 4322',
    call('clone', [0x3d0f00, 0x7f0000fff000, P, Q, 0x7f0000fff700], 4322, {
      out: [[P, pack(u32(4322))]],
    }),
  ],
  [
    'clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f0000000000, stack_size=0x9000}, 88) = 4323',
    call('clone3', [P, 88], 4323, {
      in: [
        [
          0,
          padded(
            88,
            pack(u64(0x4100), u64(0), u64(0), u64(0), u64(17), u64(0x7f0000000000), u64(0x9000)),
          ),
        ],
      ],
    }),
  ],
  [
    'clone3({flags=CLONE_VM|CLONE_PARENT_SETTID, parent_tid=0x7ffe2000, exit_signal=0, stack=NULL, stack_size=0} => {parent_tid=[77]}, 88) = 77',
    call('clone3', [P, 88], 77, {
      in: [[0, padded(88, pack(u64(0x100100), u64(0), u64(0), u64(Q)))]],
      out: [[Q, pack(u32(77))]],
    }),
  ],
  ['vfork() = 4321', call('vfork', [], 4321)],
  [
    'execve("/bin/ls", ["ls", "-l"], 0x7ffe3000 /* 1 var */) = 0',
    call('execve', [P, Q, R], 0, {
      in: [
        [0, '/bin/ls'],
        [1, new Uint8Array(24)],
        [1, 'ls'],
        [1, '-l'],
        [2, new Uint8Array(16)],
        [2, 'A=b'],
      ],
    }),
  ],
  [
    'execve("/bin/ls", 0x7ffe2000, 0x7ffe3000) = 0',
    call('execve', [P, Q, R], 0, { in: [[0, '/bin/ls']] }),
  ],
  ['exit_group(3) = ?', call('exit_group', [3], 0)],
  [
    'wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 4321',
    call('wait4', [-1, P, 0, 0], 4321, { out: [[P, pack(u32(0x300))]] }),
  ],
  [
    'wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], WNOHANG, {ru_utime={tv_sec=0, tv_usec=1}, ru_stime={tv_sec=2, tv_usec=3}, ...}) = 4321',
    call('wait4', [-1, P, 1, Q], 4321, {
      out: [
        [P, pack(u32(0x8b))],
        [Q, padded(144, pack(u64(0), u64(1), u64(2), u64(3)))],
      ],
    }),
  ],
  ['wait4(-1, NULL, WNOHANG|WSTOPPED, NULL) = 0', call('wait4', [-1, 0, 3, 0], 0)],
  [
    'waitid(P_PID, 4321, {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=4321, si_uid=0, si_status=SIGKILL, si_utime=0, si_stime=0}, WEXITED, NULL) = 0',
    call('waitid', [1, 4321, P, 4, 0], 0, {
      out: [[P, padded(128, pack(u32(17), u32(0), u32(2), u32(0), u32(4321), u32(0), u32(9)))]],
    }),
  ],
  ['getpid() = 4321', call('getpid', [], 4321)],
  ['set_tid_address(0x7f0000000a10) = 4321', call('set_tid_address', [0x7f0000000a10], 4321)],
  ['arch_prctl(ARCH_SET_FS, 0x7f0000000740) = 0', call('arch_prctl', [0x1002, 0x7f0000000740], 0)],
  [
    'arch_prctl(ARCH_GET_FS, [0x7f0000000740]) = 0',
    call('arch_prctl', [0x1003, P], 0, { out: [[P, pack(u64(0x7f0000000740))]] }),
  ],
  ['prctl(PR_SET_NAME, "worker") = 0', call('prctl', [15, P, 0, 0, 0], 0, { in: [[1, 'worker']] })],
  [
    'prctl(PR_GET_NAME, "worker") = 0',
    call('prctl', [16, P, 0, 0, 0], 0, { out: [[P, padded(16, text('worker'))]] }),
  ],
  ['prctl(PR_SET_PDEATHSIG, SIGKILL) = 0', call('prctl', [1, 9, 0, 0, 0], 0)],
  ['prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0', call('prctl', [38, 1, 0, 0, 0], 0)],
  ['prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) = 1', call('prctl', [23, 21, 0, 0, 0], 1)],
  [
    'prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0',
    call('prlimit64', [0, 3, 0, P], 0, { out: [[P, pack(u64(8192 * 1024), u64(-1))]] }),
  ],
  ['getuid() = 1000', call('getuid', [], 1000)],
  [
    'getresuid([0], [1000], [-1]) = 0',
    call('getresuid', [P, Q, R], 0, {
      out: [
        [P, pack(u32(0))],
        [Q, pack(u32(1000))],
        [R, pack(u32(0xffffffff))],
      ],
    }),
  ],
  ['setgroups(2, [4, 24]) = 0', call('setgroups', [2, P], 0, { in: [[1, pack(u32(4), u32(24))]] })],
  ['chown("f", -1, 100) = 0', call('chown', [P, 0xffffffff, 100], 0, { in: [[0, 'f']] })],
  [
    'sched_getaffinity(0, 128, [0 1 9]) = 8',
    call('sched_getaffinity', [0, 128, P], 8, { out: [[P, pack(u64(0x203))]] }),
  ],
  ['sched_getscheduler(0) = 0 (SCHED_OTHER)', call('sched_getscheduler', [0], 0)],
  [
    'personality(0xffffffff) = 0x40000 (PER_LINUX|ADDR_NO_RANDOMIZE)',
    call('personality', [0xffffffff], 0x40000),
  ],
  [
    'membarrier(MEMBARRIER_CMD_QUERY, 0) = 0x3 (MEMBARRIER_CMD_GLOBAL|MEMBARRIER_CMD_GLOBAL_EXPEDITED)',
    call('membarrier', [0, 0, 0], 3),
  ],
  [
    'capget({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|1<<CAP_BPF, permitted=0, inheritable=0}) = 0',
    call('capget', [P, Q], 0, {
      in: [[0, pack(u32(0x20080522), u32(0))]],
      out: [
        [P, pack(u32(0x20080522), u32(0))],
        [Q, pack(u32(1), u32(0), u32(0), u32(0x80), u32(0), u32(0))],
      ],
    }),
  ],

  // Signals.
  [
    'rt_sigaction(SIGINT, {sa_handler=0x401000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0',
    call('rt_sigaction', [2, P, Q, 8], 0, {
      in: [[1, pack(u64(0x401000), u64(0x14000000), u64(0x402000), u64(2))]],
      out: [[Q, new Uint8Array(32)]],
    }),
  ],
  [
    'rt_sigprocmask(SIG_BLOCK, ~[RTMIN RT_1], [], 8) = 0',
    call('rt_sigprocmask', [0, P, Q, 8], 0, {
      in: [[1, pack(u64(-1n ^ (3n << 31n)))]],
      out: [[Q, new Uint8Array(8)]],
    }),
  ],
  [
    'rt_sigprocmask(SIG_SETMASK, [INT CHLD], NULL, 8) = 0',
    call('rt_sigprocmask', [2, P, 0, 8], 0, { in: [[1, pack(u64(0x10002))]] }),
  ],
  ['kill(4321, SIGTERM) = 0', call('kill', [4321, 15], 0)],
  ['kill(-1, 0) = -1 EPERM (Operation not permitted)', call('kill', [-1, 0], -1)],
  ['tgkill(10, 11, SIGRT_2) = 0', call('tgkill', [10, 11, 34], 0)],
  [
    'sigaltstack({ss_sp=0x1000, ss_flags=0, ss_size=8192}, NULL) = 0',
    call('sigaltstack', [P, 0], 0, { in: [[0, pack(u64(0x1000), u32(0), u32(0), u64(8192))]] }),
  ],
  ['rt_sigreturn() = ?', call('rt_sigreturn', [], 0)],
  ['pause() = ? ERESTARTNOHAND (To be restarted if no handler)', call('pause', [], -514)],
  [
    'rt_sigtimedwait([USR1], {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=5, si_uid=0}, NULL, 8) = 10 (SIGUSR1)',
    call('rt_sigtimedwait', [P, Q, 0, 8], 10, {
      in: [[0, pack(u64(0x200))]],
      out: [[Q, padded(128, pack(u32(10), u32(0), u32(-6), u32(0), u32(5), u32(0)))]],
    }),
  ],

  // Time.
  [
    'clock_gettime(CLOCK_MONOTONIC, {tv_sec=12, tv_nsec=345}) = 0',
    call('clock_gettime', [1, P], 0, { out: [[P, pack(u64(12), u64(345))]] }),
  ],
  [
    'clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, {tv_sec=1, tv_nsec=0}, NULL) = 0',
    call('clock_nanosleep', [0, 1, P, 0], 0, { in: [[2, pack(u64(1), u64(0))]] }),
  ],
  [
    'nanosleep({tv_sec=5, tv_nsec=0}, 0x7ffe2000) = 0',
    call('nanosleep', [P, Q], 0, {
      in: [[0, pack(u64(5), u64(0))]],
      out: [[Q, pack(u64(5), u64(0))]],
    }),
  ],
  [
    'nanosleep({tv_sec=5, tv_nsec=0}, {tv_sec=3, tv_nsec=9}) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)',
    call('nanosleep', [P, Q], -516, {
      in: [[0, pack(u64(5), u64(0))]],
      out: [[Q, pack(u64(3), u64(9))]],
    }),
  ],
  [
    'gettimeofday({tv_sec=1, tv_usec=2}, NULL) = 0',
    call('gettimeofday', [P, 0], 0, { out: [[P, pack(u64(1), u64(2))]] }),
  ],
  [
    'setitimer(ITIMER_REAL, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=1, tv_usec=0}}, NULL) = 0',
    call('setitimer', [0, P, 0], 0, { in: [[1, pack(u64(0), u64(0), u64(1), u64(0))]] }),
  ],
  ['clock_getres(0xfffffffa /* CLOCK_??? */, NULL) = 0', call('clock_getres', [-6, 0], 0)],

  // Sockets.
  [
    'socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3',
    call('socket', [2, 0x80001, 6], 3),
  ],
  ['socket(AF_UNIX, SOCK_DGRAM, 0) = 3', call('socket', [1, 2, 0], 3)],
  ['socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) = 3', call('socket', [16, 3, 0], 3)],
  [
    'connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("192.0.2.1")}, 16) = -1 EINPROGRESS (Operation now in progress)',
    call('connect', [3, P, 16], -115, {
      in: [[1, padded(16, pack(u16(2), '\0P', '\xc0\0\x02\x01'))]],
    }),
  ],
  [
    'connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
    call('connect', [3, P, 28], 0, {
      in: [
        [1, pack(u16(10), '\x01\xbb', u32(0), '\x20\x01\x0d\xb8', u64(0), '\0\0\0\x01', u32(0))],
      ],
    }),
  ],
  [
    'bind(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0',
    call('bind', [3, P, 110], 0, { in: [[1, padded(110, pack(u16(1), '/run/x\0'))]] }),
  ],
  [
    'bind(3, {sa_family=AF_UNIX, sun_path=@"abc"}, 6) = 0',
    call('bind', [3, P, 6], 0, { in: [[1, pack(u16(1), '\0abc')]] }),
  ],
  [
    'bind(3, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=0x000011}, 12) = 0',
    call('bind', [3, P, 12], 0, { in: [[1, pack(u16(16), u16(0), u32(0), u32(0x11))]] }),
  ],
  [
    'accept4(3, {sa_family=AF_UNIX}, [110 => 2], SOCK_CLOEXEC|SOCK_NONBLOCK) = 4',
    call('accept4', [3, P, Q, 0x80800], 4, {
      in: [[2, pack(u32(110))]],
      out: [
        [P, pack(u16(1))],
        [Q, pack(u32(2))],
      ],
    }),
  ],
  ['accept(3, NULL, NULL) = 4', call('accept', [3, 0, 0], 4)],
  [
    'sendto(3, "ping", 4, MSG_NOSIGNAL, NULL, 0) = 4',
    call('sendto', [3, P, 4, 0x4000, 0, 0], 4, { in: [[1, 'ping']] }),
  ],
  [
    'recvfrom(3, "pong", 1024, MSG_DONTWAIT, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4',
    call('recvfrom', [3, P, 1024, 0x40, Q, R], 4, {
      out: [
        [P, 'pong'],
        [Q, padded(16, pack(u16(2), '\x005', '\x7f\0\0\x01'))],
        [R, pack(u32(16))],
      ],
    }),
  ],
  [
    'sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="hi", iov_len=2}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], msg_controllen=24, msg_flags=0}, 0) = 2',
    call('sendmsg', [3, P, 0], 2, {
      in: [
        [1, pack(u64(0), u64(0), u64(Q), u64(1), u64(R), u64(24), u64(0))],
        [1, pack(u64(S), u64(2))],
        [1, 'hi'],
        [1, pack(u64(20), u32(1), u32(1), u32(5), u32(0))],
      ],
    }),
  ],
  [
    'recvmsg(3, {msg_name={sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, msg_namelen=12, msg_iov=[{iov_base="data", iov_len=4096}], msg_iovlen=1, msg_controllen=0, msg_flags=MSG_TRUNC}, 0) = 4',
    call('recvmsg', [3, P, 0], 4, {
      in: [
        [1, pack(u64(R), u64(12), u64(Q), u64(1), u64(0), u64(0), u64(0x20))],
        [1, pack(u64(S), u64(4096))],
      ],
      out: [
        [P, pack(u64(R), u64(12), u64(Q), u64(1), u64(0), u64(0), u64(0x20))],
        [R, pack(u16(16), u16(0), u32(0), u32(0))],
        [S, 'data'],
      ],
    }),
  ],
  [
    'sendmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="one", iov_len=3}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=3}, {msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="two!", iov_len=4}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=4}], 2, MSG_NOSIGNAL) = 2',
    call('sendmmsg', [3, P, 2, 0x4000], 2, {
      in: [
        [1, pack(u64(0), u64(0), u64(Q), u64(1), u64(0), u64(0), u64(0), u64(3))],
        [1, pack(u64(R), u64(3))],
        [1, 'one'],
        [1, pack(u64(0), u64(0), u64(Q), u64(1), u64(0), u64(0), u64(0), u64(4))],
        [1, pack(u64(R), u64(4))],
        [1, 'two!'],
      ],
    }),
  ],
  [
    'recvmsg(3, {msg_name={sa_family=AF_UNIX}, msg_namelen=2, msg_iov=[{iov_base="da"}, {iov_base="ta"}], msg_iovlen=2, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], msg_controllen=24, msg_flags=MSG_CMSG_CLOEXEC}, 0) = 4',
    call('recvmsg', [3, P, 0], 4, {
      out: [
        [P, pack(u64(R), u64(2), u64(Q), u64(2), u64(S), u64(24), u64(0x40000000))],
        [R, pack(u16(1))],
        [0x1000, 'da'],
        [0x2000, 'ta'],
        [S, pack(u64(20), u32(1), u32(1), u32(5), u32(0))],
      ],
    }),
  ],
  [
    'recvmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="one"}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=3}, {msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="four"}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=4}], 5, 0, NULL) = 2',
    call('recvmmsg', [3, P, 5, 0, 0], 2, {
      out: [
        [P, pack(u64(0), u64(0), u64(Q), u64(1), u64(0), u64(0), u64(0), u64(3))],
        [0x1000, 'one'],
        [P + 64, pack(u64(0), u64(0), u64(Q), u64(1), u64(0), u64(0), u64(0), u64(4))],
        [0x2000, 'four'],
      ],
    }),
  ],
  [
    'setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0',
    call('setsockopt', [3, 1, 2, P, 4], 0, { in: [[3, pack(u32(1))]] }),
  ],
  [
    'setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0',
    call('setsockopt', [3, 1, 13, P, 8], 0, { in: [[3, pack(u32(1), u32(5))]] }),
  ],
  [
    'setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0',
    call('setsockopt', [3, 6, 1, P, 4], 0, { in: [[3, pack(u32(1))]] }),
  ],
  [
    'getsockopt(3, SOL_SOCKET, SO_PEERCRED, {pid=9, uid=0, gid=-1}, [12]) = 0',
    call('getsockopt', [3, 1, 17, P, Q], 0, {
      out: [
        [P, pack(u32(9), u32(0), u32(-1))],
        [Q, pack(u32(12))],
      ],
    }),
  ],
  [
    'getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0',
    call('getsockopt', [3, 1, 4, P, Q], 0, {
      in: [[4, pack(u32(4))]],
      out: [
        [P, pack(u32(111))],
        [Q, pack(u32(4))],
      ],
    }),
  ],
  [
    'move_pages(0, 2, [0x1, 0x2], NULL, [0, -ENOENT], 0) = 0',
    call('move_pages', [0, 2, P, 0, Q, 0], 0, {
      in: [[2, pack(u64(1), u64(2))]],
      out: [[Q, pack(u32(0), u32(-2))]],
    }),
  ],
  ['rseq(0x1000, 0x20, 0, 0x53053053) = 0', call('rseq', [0x1000, 32, 0, 0x53053053], 0)],
  [
    'socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0',
    call('socketpair', [1, 1, 0, P], 0, { out: [[P, pack(u32(3), u32(4))]] }),
  ],
  ['shutdown(3, SHUT_WR) = 0', call('shutdown', [3, 1], 0)],

  // Futexes and other IPC.
  [
    'futex(0x7f0000001000, FUTEX_WAIT_PRIVATE, 2, NULL) = -1 EAGAIN (Resource temporarily unavailable)',
    call('futex', [0x7f0000001000, 128, 2, 0, 0, 0], -11),
  ],
  [
    'futex(0x7f0000001000, FUTEX_WAKE_PRIVATE, 1) = 1',
    call('futex', [0x7f0000001000, 129, 1, 0, 0, 0], 1),
  ],
  [
    'futex(0x7f0000001000, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 0, {tv_sec=1, tv_nsec=2}, FUTEX_BITSET_MATCH_ANY) = -1 ETIMEDOUT (Connection timed out)',
    call('futex', [0x7f0000001000, 265, 0, P, 0, 0xffffffff], -110, {
      in: [[3, pack(u64(1), u64(2))]],
    }),
  ],
  [
    'futex(0x1000, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2147483647, 0x2000, 4) = 0',
    call('futex', [0x1000, 132, 1, 2147483647, 0x2000, 4], 0),
  ],
  [
    'futex(0x1000, FUTEX_WAKE_OP_PRIVATE, 1, 1, 0x2000, FUTEX_OP_SET<<28|0<<12|FUTEX_OP_CMP_GT<<24|0x1) = 1',
    call('futex', [0x1000, 133, 1, 1, 0x2000, 0x4000001], 1),
  ],
  ['futex(0x1000, FUTEX_UNLOCK_PI) = 0', call('futex', [0x1000, 7, 1, 0, 0, 0], 0)],
  ['shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 7', call('shmget', [0, 4096, 0o1600], 7)],
  ['shmat(7, NULL, SHM_RDONLY) = 0x7f0000001000', call('shmat', [7, 0, 0x1000], 0x7f0000001000)],
  ['shmctl(7, IPC_RMID, NULL) = 0', call('shmctl', [7, 0, 0], 0)],
  ['semctl(1, 0, SETVAL, 5) = 0', call('semctl', [1, 0, 16, 5], 0)],
  [
    'semop(1, [{sem_num=0, sem_op=-1, sem_flg=SEM_UNDO|IPC_NOWAIT}], 1) = 0',
    call('semop', [1, P, 1], 0, { in: [[1, pack(u16(0), u16(0xffff), u16(0x1800))]] }),
  ],
  [
    'msgsnd(2, {mtype=1, mtext="hey"}, 3, IPC_NOWAIT) = 0',
    call('msgsnd', [2, P, 3, 0x800], 0, { in: [[1, pack(u64(1), 'hey')]] }),
  ],

  // The machine.
  [
    'uname({sysname="Linux", nodename="box", ...}) = 0',
    call('uname', [P], 0, {
      out: [[P, padded(390, pack(padded(65, text('Linux')), padded(65, text('box'))))]],
    }),
  ],
  [
    'getrandom("\\x01\\x02\\xff", 3, GRND_NONBLOCK) = 3',
    call('getrandom', [P, 3, 1], 3, { out: [[P, '\x01\x02\xff']] }),
  ],
  [
    'io_uring_setup(8, 0x7ffe1000) = -1 ENOSYS (Function not implemented)',
    call('io_uring_setup', [8, P], -38),
  ],
  [
    'io_uring_setup(8, {flags=IORING_SETUP_SQPOLL, sq_thread_cpu=0, sq_thread_idle=50}) = -1 ENOSYS (Function not implemented)',
    call('io_uring_setup', [8, P], -38, {
      in: [[1, padded(120, pack(u64(0), u32(2), u32(0), u32(50)))]],
    }),
  ],
  [
    'bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_KPROBE, insn_cnt=2, insns=0x1000, license="GPL"}, 24) = -1 ENOSYS (Function not implemented)',
    call('bpf', [5, P, 24], -38, {
      in: [
        [1, pack(u32(2), u32(2), u64(0x1000), u64(Q))],
        [1, 'GPL'],
      ],
    }),
  ],
  [
    // As cut as verbosity 'd' cuts it, and with what is not known here.
    'bpf(BPF_MAP_DELETE_ELEM, {map_fd=3, key=0x1000, ...}, 144) = -1 ENOSYS (Function not implemented)',
    call('bpf', [3, P, 144], -38, { in: [[1, pack(u64(3), u64(0x1000), u64(1))]] }),
  ],
  [
    'bpf(BPF_LINK_DETACH, 0x7ffe1000, 4) = -1 ENOSYS (Function not implemented)',
    call('bpf', [34, P, 4], -38, { in: [[1, pack(u32(3))]] }),
  ],
  [
    'perf_event_open({type=PERF_TYPE_SOFTWARE, size=PERF_ATTR_SIZE_VER0, config=PERF_COUNT_SW_TASK_CLOCK, sample_freq=99, ' +
      'sample_type=PERF_SAMPLE_IP, read_format=0, disabled=1, freq=1, precise_ip=2 /* requested to have 0 skid */, ...}, ' +
      '0, -1, -1, PERF_FLAG_FD_CLOEXEC) = -1 ENOSYS (Function not implemented)',
    call('perf_event_open', [P, 0, 0xffffffff, 0xffffffff, 8], -38, {
      in: [[0, padded(64, pack(u32(1), u32(64), u64(1), u64(99), u64(1), u64(0), u64(0x10401)))]],
    }),
  ],
  [
    'seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, {len=3, filter=0x1000}) = -1 ENOSYS (Function not implemented)',
    call('seccomp', [1, 1, P], -38, { in: [[2, pack(u64(3), u64(0x1000))]] }),
  ],
  [
    'ptrace(PTRACE_SEIZE, 7, NULL, PTRACE_O_TRACECLONE) = -1 ENOSYS (Function not implemented)',
    call('ptrace', [0x4206, 7, 0, 8], -38),
  ],
  [
    'ptrace(PTRACE_TRACEME) = -1 ENOSYS (Function not implemented)',
    call('ptrace', [0, 0, 0, 0], -38),
  ],
  [
    'landlock_create_ruleset({handled_access_fs=LANDLOCK_ACCESS_FS_EXECUTE, handled_access_net=0}, 16, 0) = 3',
    call('landlock_create_ruleset', [P, 16, 0], 3, { in: [[0, pack(u64(1), u64(0))]] }),
  ],
  ['getpriority(PRIO_PROCESS, 0) = 20', call('getpriority', [0, 0], 20)],
  // Words that are no safe integers.
  [
    'munmap(0xffffffff81000000, 18446744073709551615) = -1 EINVAL (Invalid argument)',
    call('munmap', [-0x7f000000, -1], -22),
  ],
  [
    'mmap(0x8000000000000000, 4096, PROT_READ, MAP_SHARED, 3, 0) = -1 ENOMEM (Cannot allocate memory)',
    call('mmap', [-(2n ** 63n), 4096, 1, 1, 3, 0], -12),
  ],
  ['getpid() = -1 (errno 3000)', call('getpid', [], -3000)],
];

for (const [expected, frames] of cases) {
  test(expected, (t) => {
    t.is(callLine(frames), expected);
  });
}

test('a call without arguments in the log prints as name(...)', (t) => {
  t.is(callLine(call('openat', [], 3)), 'openat(...) = 3');
  t.is(callLine(call('clone', [], 99)), 'clone(...) = 99');
  t.is(callLine(call('getpid', [], 99)), 'getpid() = 99');
});

test('numbers without a row print with their words', (t) => {
  const unknown = (args: readonly number[], result: number): Frame[] => [
    { type: 'syscall', task: 2, time: 0, nr: 9999, args, result, writes: [] },
  ];
  t.is(
    callLine(unknown([1, -1], -38)),
    'syscall_0x270f(0x1, 0xffffffffffffffff) = -1 ENOSYS (Function not implemented)',
  );
  t.is(callLine(unknown([], 5)), 'syscall_0x270f(...) = 0x5');
});

test('text that the log cut ends in dots', (t) => {
  t.is(
    callLine(call('write', [1, P, 1000], 1000, { in: [[1, 'beginning', 1000]] })),
    'write(1, "beginning"..., 1000) = 1000',
  );
  t.is(callLine(call('chdir', [P], 0, { in: [[0, '/long', 5000]] })), 'chdir("/long"...) = 0');
  t.is(
    callLine(call('read', [0, P, 4096], 300, { out: [[P, 'x'.repeat(300)]] })),
    `read(0, "${'x'.repeat(128)}"..., 4096) = 300`,
  );
  t.is(
    callLine(call('read', [0, P, 4096], 300, { out: [[P, 'x'.repeat(300)]] }), { textBytes: 4 }),
    'read(0, "xxxx"..., 4096) = 300',
  );
  t.is(
    callLine(
      call('writev', [1, P, 20], 20, {
        in: [
          [1, pack(u64(Q), u64(1)), 320],
          [1, 'a'],
        ],
      }),
    ),
    'writev(1, [{iov_base="a", iov_len=1}, ...], 20) = 20',
  );
});
