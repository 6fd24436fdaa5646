/* Whom a call has connected or accepted: a `connection` frame, as the traced path has it. A part of agent.c, which includes
 * it. */
#ifndef SCRIBE_AGENT_CONNECTIONS_H
#define SCRIBE_AGENT_CONNECTIONS_H

#define CODE_CONNECTION 69
#define NR_GETSOCKNAME 51
#define NR_GETPEERNAME 52
#define NR_GETSOCKOPT 55
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_SEQPACKET 5
#define SO_TYPE 3
#define SO_PEERCRED 17
#define EINPROGRESS 115
/* Bytes up to the end of the port and address that tell of an internet socket. */
#define INET_SIZE 8
#define INET6_SIZE 24
/* The longest such frame, bytes. */
#define CONNECTION_ROOM (2 * MAX_SOCKADDR + 64)

/* Bits beside the socket's inode and its other end's process; lib/agent-connections.ts has the same. */
#define CONNECTION_ACCEPTED 1
#define CONNECTION_STREAM 2
#define CONNECTION_UNDER_WAY 4

struct ends {
  u8 local[MAX_SOCKADDR], peer[MAX_SOCKADDR];
  u32 local_size, peer_size; /* 0: there is no address */
  u32 inode, pid, flags;
};

/* False if the tracer has called it off. */
static int name_of(u64 nr, u64 fd, u8* name, u32* size) {
  u32 length = MAX_SOCKADDR;
  const u64 args[6] = {fd, (u64)name, (u64)&length, 0, 0, 0};
  const i64 result = agent_try((i64)nr, args);
  *size = result < 0 ? 0 : length > MAX_SOCKADDR ? MAX_SOCKADDR : length;
  return result != ABORTED;
}

/* As name_of. The first word of an option's value, 0 if it has none. */
static int option_of(u64 fd, u64 name, u32* value) {
  u32 words[3] = {0, 0, 0}, length = sizeof words;
  const u64 args[6] = {fd, SOL_SOCKET, name, (u64)words, (u64)&length, 0};
  const i64 result = agent_try(NR_GETSOCKOPT, args);
  *value = words[0];
  return result != ABORTED;
}

static u32 family_of(const u8* name, u32 size) { return size < 2 ? 0 : (u32)name[0] | (u32)name[1] << 8; }

/* The internet address that connect was given, that of this machine if it was any. */
static u32 asked(const u64* args, u8* peer) {
  const u64 given = (u32)args[2];
  const u32 size = given > MAX_SOCKADDR ? MAX_SOCKADDR : (u32)given;
  copy(peer, (const u8*)args[1], size);
  const u32 family = family_of(peer, size);
  const int old = family == AF_INET;
  if ((!old && family != AF_INET6) || size < (old ? INET_SIZE : INET6_SIZE)) return 0;
  u8* host = peer + (old ? 4 : 8);
  const u32 length = old ? 4 : 16;
  for (u32 i = 0; i < length; i++)
    if (host[i]) return size;
  if (old) host[0] = 127;
  host[length - 1] = 1;
  return size;
}

/* 1: `ends` tells it, 0: there is nothing to be told, -1: the tracer is to find out. */
static int find_ends(u32 check, const u64* args, i64 result, struct ends* ends) {
  const int accepted = check == CHECK_ACCEPT;
  const u64 fd = accepted ? (u64)result : (u32)args[0];
  if (!name_of(NR_GETSOCKNAME, fd, ends->local, &ends->local_size)) return -1;
  const u32 family = family_of(ends->local, ends->local_size);
  const int internet = family == AF_INET || family == AF_INET6;
  if (!internet && family != AF_UNIX) return 0;
  u32 type = SOCK_STREAM;
  if (!accepted && !option_of(fd, SO_TYPE, &type)) return -1;
  const int stream = type == SOCK_STREAM || type == SOCK_SEQPACKET;
  if (!internet && !stream) return 0;
  if (!name_of(NR_GETPEERNAME, fd, ends->peer, &ends->peer_size)) return -1;
  if (internet && ends->peer_size == 0) {
    /* It has been reset since, or is not connected yet, or not any more. */
    if (accepted) return 0;
    ends->peer_size = asked(args, ends->peer);
    if (ends->peer_size == 0) return 0;
  }
  ends->pid = 0;
  if (!internet && !option_of(fd, SO_PEERCRED, &ends->pid)) return -1;
  u64 stat[STAT_WORDS];
  if (!status_of(fd, stat)) return -1;
  ends->inode = (u32)stat[STAT_INO];
  ends->flags = accepted ? CONNECTION_ACCEPTED : 0;
  if (stream) ends->flags |= CONNECTION_STREAM;
  if (result < 0) ends->flags |= CONNECTION_UNDER_WAY;
  return 1;
}

/* The frame. Its number is the tracer's to give: until then there is in its place what the number depends on. */
static u8* put_connection(u8* at, i64 delta, const struct ends* ends) {
  u8 head[24];
  u8* end = put_int(head, delta);
  *end++ = 0xff;
  for (int i = 3; i >= 0; i--) *end++ = (u8)(ends->inode >> (8 * i));
  for (int i = 2; i >= 0; i--) *end++ = (u8)(ends->pid >> (8 * i));
  *end++ = (u8)ends->flags;
  const u64 fixed = (u64)(end - head);
  *at++ = CODE_CONNECTION;
  at = put_uint(at, fixed + (u64)uint_length(ends->local_size) + ends->local_size +
                        (u64)uint_length(ends->peer_size) + ends->peer_size);
  for (u64 i = 0; i < fixed; i++) *at++ = head[i];
  at = put_bytes(at, (u64)ends->local, ends->local_size);
  return put_bytes(at, (u64)ends->peer, ends->peer_size);
}

#endif
