import test from 'ava';
import { call, linesOf, pack, padded, text, u32 } from './support/frames.js';

const P = 0x1000;
const u16 = (value: number): Uint8Array => pack(u32(value)).subarray(0, 2);
const socket = (protocol: number) => call('socket', [16, 3, protocol], 3);

function lineOf(message: Uint8Array, protocol: number, size = message.length): string {
  const frames = [
    ...socket(protocol),
    ...call('sendto', [3, P, size, 0, 0, 0], size, { in: [[1, message]] }),
  ];
  const line = linesOf(frames, { form: 'strace' })[1]!;
  return line.slice(line.indexOf('3, ') + 3, line.lastIndexOf(`, ${size}, 0, NULL`));
}

const header = (length: number, type: number, flags: number): Uint8Array =>
  pack(u32(length), u16(type), u16(flags), u32(7), u32(0));
const loopback = pack(
  header(40, 22, 0x301),
  text('\u0002\u0008\u0080\u00fe'),
  u32(1),
  u16(8),
  u16(1),
  text('\u007f\0\0\u0001'),
  u16(7),
  u16(3),
  text('lo\0\0'),
);
const LOOPBACK =
  '[{nlmsg_len=40, nlmsg_type=RTM_GETADDR, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP, nlmsg_seq=7, nlmsg_pid=0}, ' +
  '{ifa_family=AF_INET, ifa_prefixlen=8, ifa_flags=IFA_F_PERMANENT, ifa_scope=RT_SCOPE_HOST, ifa_index=1}, ' +
  '[[{nla_len=8, nla_type=IFA_ADDRESS}, inet_addr("127.0.0.1")], [{nla_len=7, nla_type=IFA_LABEL}, "lo"]]]';

test('a message, and several', (t) => {
  t.is(lineOf(loopback, 0), LOOPBACK);
  t.is(lineOf(pack(loopback, loopback), 0), `[${LOOPBACK}, ${LOOPBACK}]`);
  const ended = header(16, 3, 2);
  t.is(
    lineOf(pack(loopback, ended), 0),
    `[${LOOPBACK}, {nlmsg_len=16, nlmsg_type=NLMSG_DONE, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=0}]`,
  );
});

test('messages of other protocols have their header', (t) => {
  t.is(
    lineOf(pack(header(20, 20, 1), text('ab\0\0')), 16),
    '[{nlmsg_len=20, nlmsg_type=0x14, nlmsg_flags=NLM_F_REQUEST, nlmsg_seq=7, nlmsg_pid=0}, "\\x61\\x62\\x00\\x00"]',
  );
  t.is(lineOf(text('short'), 16), '"short"');
});

test('what the log does not hold is not made up', (t) => {
  t.regex(
    lineOf(loopback.subarray(0, 36), 0, 40),
    /IFA_ADDRESS\}, inet_addr\("127.0.0.1"\)\], \[\{nla_len=7, nla_type=IFA_LABEL\}, \.\.\.\]\]\]$/,
  );
  t.regex(lineOf(loopback.subarray(0, 20), 0, 40), /, \{ifa_family=AF_INET, \.\.\.\}\]$/);
  for (let length = 0; length < loopback.length; length++) {
    t.true(lineOf(loopback.subarray(0, length), 0, 40).length > 0);
  }
  // Lengths that lie.
  for (const length of [0, 3, 15, 17, 0xffff, 0xffffffff]) {
    const lying = padded(64, pack(u32(length), loopback.subarray(4)));
    t.true(lineOf(lying, 0).length > 0);
    const attribute = padded(64, pack(loopback.subarray(0, 24), u16(length & 0xffff)));
    t.true(lineOf(attribute, 0).length > 0);
  }
});

test('without knowing the socket the bytes are printed', (t) => {
  const [line] = linesOf(call('sendto', [3, P, 4, 0, 0, 0], 4, { in: [[1, text('abcd')]] }), {
    form: 'strace',
  });
  t.regex(line!, /^sendto\(3, "abcd", 4/);
});

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

test('what is told of sockets', (t) => {
  const message = pack(
    header(104, 20, 2),
    bytes(2, 10, 0, 0),
    bytes(0x1f, 0x90, 0, 0),
    padded(16, bytes(127, 0, 0, 1)),
    padded(16, bytes()),
    ...[0, 7, 0, 0, 3, 128, 1000, 99].map(u32),
    ...[u16(8), u16(4), text('bbr\0')],
    ...[u16(6), u16(22), bytes(0x52, 0, 0, 0)],
  );
  t.is(
    lineOf(message, 4),
    '[{nlmsg_len=104, nlmsg_type=SOCK_DIAG_BY_FAMILY, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=0}, ' +
      '{idiag_family=AF_INET, idiag_state=TCP_LISTEN, idiag_timer=0, idiag_retrans=0, id={idiag_sport=htons(8080), ' +
      'idiag_dport=htons(0), idiag_src=inet_addr("127.0.0.1"), idiag_dst=inet_addr("0.0.0.0"), idiag_if=0, ' +
      'idiag_cookie=[7, 0]}, idiag_expires=0, idiag_rqueue=3, idiag_wqueue=128, idiag_uid=1000, idiag_inode=99}, ' +
      '[[{nla_len=8, nla_type=INET_DIAG_CONG}, "bbr"], ' +
      '[{nla_len=6, nla_type=INET_DIAG_SOCKOPT}, {is_icsk=1, mc_loop=1, mc_all=1}]]]',
  );
  const local = pack(
    ...[header(52, 20, 2), bytes(1, 1, 1, 0), u32(41), u32(1), u32(0)],
    ...[u16(7), u16(0), text('\0ab\0')],
    ...[u16(12), u16(4), u32(1), u32(2)],
  );
  t.true(
    lineOf(local, 4).endsWith(
      '{udiag_family=AF_UNIX, udiag_type=SOCK_STREAM, udiag_state=TCP_ESTABLISHED, udiag_ino=41, ' +
        'udiag_cookie=[1, 0]}, [[{nla_len=7, nla_type=UNIX_DIAG_NAME}, "\\0ab"...], ' +
        '[{nla_len=12, nla_type=UNIX_DIAG_RQLEN}, {udiag_rqueue=1, udiag_wqueue=2}]]]',
    ),
    lineOf(local, 4),
  );
  for (let length = 0; length <= message.length; length++)
    t.true(lineOf(message.subarray(0, length), 4, message.length).length > 0);
});

test('a routing rule', (t) => {
  const message = pack(
    ...[header(52, 32, 2), bytes(2, 0, 32, 0, 254, 0, 0, 1), u32(2)],
    ...[u16(8), u16(2), bytes(192, 0, 2, 77)],
    ...[u16(8), u16(15), u32(254)],
    ...[u16(8), u16(23), u16(80), u16(90)],
  );
  t.true(
    lineOf(message, 0).endsWith(
      '{family=AF_INET, dst_len=0, src_len=32, tos=0, table=RT_TABLE_MAIN, action=FR_ACT_TO_TBL, flags=FIB_RULE_INVERT}, ' +
        '[[{nla_len=8, nla_type=FRA_SRC}, inet_addr("192.0.2.77")], ' +
        '[{nla_len=8, nla_type=FRA_TABLE}, RT_TABLE_MAIN], ' +
        '[{nla_len=8, nla_type=FRA_SPORT_RANGE}, {start=80, end=90}]]]',
    ),
    lineOf(message, 0),
  );
});
