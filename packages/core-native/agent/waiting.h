/* How a call is made that may wait while others of the domain have something to do: only if it will not wait. A part of
 * agent.c, which includes it. */
#ifndef SCRIBE_AGENT_WAITING_H
#define SCRIBE_AGENT_WAITING_H

#define SYS_POLL 7
#define SYS_SELECT 23
#define POLLIN 1
#define POLLOUT 4
#define MSG_DONTWAIT 0x40
#define MSG_WAITALL 0x100
/* Where there is any room in a pipe, there is room for so many bytes. */
#define PIPE_BUF 4096
/* More descriptors than this are polled by the tracer: there is no room to keep more. */
#define MAX_POLLED 128
/* More descriptors than this have their sets looked at by the tracer. */
#define MAX_SELECTED 1024
#define SYS_IOCTL 16
#define SYS_FCNTL 72
#define FIONREAD 0x541b
#define F_GETFL 3
#define F_GETPIPE_SZ 1032
/* Of sockets and terminals: bytes that have not gone out yet. */
#define SIOCOUTQ 0x5411
#define ENOTTY 25
/* A socket takes so many at once if none wait. */
#define SEND_ROOM 16384

struct pollfd {
  int fd;
  short events, revents;
};

/*
 * A call that is interrupted may have changed something by then: what poll found, the time that is left. Whoever is taken
 * out to make its call once more must find it as it was, and so must the frame of what a call was given.
 */
struct kept {
  u64 addr, size;
};

/* Room for what one call keeps, bytes; beyond it begins what the stack may need. */
#define KEPT_ROOM (MAX_POLLED * sizeof(struct pollfd) + 16)
_Static_assert(AGENT_KEPT_BYTES + KEPT_ROOM <= AGENT_ANSWERS, "the answers have their place");

/* False if a call has more to be kept than there is room for, whether it waits or not: any call may be interrupted. */
static int may_keep(const struct agent_row* row, const u64* args) {
  for (u32 i = 0; i < row->keeps; i++)
    if (row->keep_size[i] == KEEP_POLLED && args[1] > MAX_POLLED) return 0;
  return 1;
}

/* Keeps what is at `addr`: `size` bytes, or what poll's arguments say. `may_keep` is true of its call. */
static void keep(u64 addr, u64 size, const u64* args) {
  volatile struct kept* pieces = (volatile struct kept*)(u64)AGENT_KEPT;
  const u32 count = B->kept;
  if (size == KEEP_POLLED) size = args[1] * sizeof(struct pollfd);
  if (addr == 0 || size == 0) return;
  pieces[count].addr = addr;
  pieces[count].size = size;
  copy((u8*)(u64)AGENT_KEPT_BYTES + (count > 0 ? pieces[0].size : 0), (const u8*)addr, size);
  B->kept = count + 1;
}

enum way {
  MAKE,  /* as the program wants it */
  MADE,  /* it has been made without waiting: the result is known */
  LEAVE, /* it would wait: the tracer's */
};

static int is_ready(u32 fd, short events) {
  struct pollfd polled = {(int)fd, events, 0};
  const u64 args[6] = {(u64)&polled, 1, 0, 0, 0, 0};
  return agent_try(SYS_POLL, args) == 1;
}

static int is_prompt(u32 fd) { return fd < AGENT_FD_COUNT && (FDS[fd] & (FD_PROMPT | FD_NONBLOCK)); }

static enum way way_to_read(u32 fd) { return is_prompt(fd) || is_ready(fd, POLLIN) ? MAKE : LEAVE; }

static enum way way_to_write(u32 fd, u64 length) {
  if (is_prompt(fd)) return MAKE;
  return length <= PIPE_BUF && is_ready(fd, POLLOUT) ? MAKE : LEAVE;
}

/* Bytes of a vector's buffers; all ones if they are too many to look at. */
static u64 length_of_vector(const struct iovec* vector, u64 count) {
  u64 length = 0;
  if (count > MAX_VECTOR) return ~0ull;
  for (u64 i = 0; i < count; i++) {
    if (vector[i].length > AGENT_RING_SIZE) return ~0ull;
    length += vector[i].length;
  }
  return length;
}

/* As way_to_write, of a vector. */
static enum way way_to_gather(u32 fd, u64 addr, u64 count) {
  return way_to_write(fd, length_of_vector((const struct iovec*)addr, count));
}

/* Polls copies: what the program has must not change before others have had their turn. `may_keep` is true. */
static enum way poll_now(const u64* args, i64* result) {
  struct pollfd polled[MAX_POLLED];
  const u64 count = args[1];
  copy((u8*)polled, (const u8*)args[0], count * sizeof *polled);
  const u64 now[6] = {(u64)polled, count, 0, 0, 0, 0};
  const i64 ready = agent_try(SYS_POLL, now);
  if (ready <= 0) return LEAVE;
  copy((u8*)args[0], (const u8*)polled, count * sizeof *polled);
  *result = ready;
  return MADE;
}

static int is_zero(const u64* limit) { return limit != 0 && limit[0] == 0 && limit[1] == 0; }

/* A call that counts down its time limit is made as it is if it does not wait. */
static enum way ppoll_now(const u64* args) {
  struct pollfd polled[MAX_POLLED];
  const u64 count = args[1];
  if (is_zero((const u64*)args[2])) return MAKE;
  copy((u8*)polled, (const u8*)args[0], count * sizeof *polled);
  const u64 now[6] = {(u64)polled, count, 0, 0, 0, 0};
  return agent_try(SYS_POLL, now) > 0 ? MAKE : LEAVE;
}

static enum way select_now(const u64* args) {
  u64 sets[3][MAX_SELECTED / 64];
  const u64 none[2] = {0, 0};
  const u32 count = (u32)args[0];
  if (count > MAX_SELECTED) return LEAVE;
  if (is_zero((const u64*)args[4])) return MAKE;
  u64 now[6] = {count, 0, 0, 0, (u64)none, 0};
  for (int i = 0; i < 3; i++) {
    if (args[1 + i] == 0) continue;
    copy((u8*)sets[i], (const u8*)args[1 + i], (count + 63) / 64 * 8);
    now[1 + i] = (u64)sets[i];
  }
  return agent_try(SYS_SELECT, now) > 0 ? MAKE : LEAVE;
}

static enum way epoll_now(i64 nr, const u64* args, i64* result) {
  const u64 now[6] = {args[0], args[1], args[2], 0, args[4], args[5]};
  const i64 ready = agent_try(nr, now);
  if (ready == 0 || ready == ABORTED) return LEAVE;
  *result = ready;
  return MADE;
}

/* Whether a write of so many bytes most likely does not sleep: nobody waits there, or there is room. */
static int has_room(u32 fd, u64 length) {
  u32 waiting = 0;
  const u64 flags[6] = {fd, F_GETFL, 0, 0, 0, 0};
  const u64 capacity[6] = {fd, F_GETPIPE_SZ, 0, 0, 0, 0};
  const u64 filled[6] = {fd, FIONREAD, (u64)&waiting, 0, 0, 0};
  const u64 unsent[6] = {fd, SIOCOUTQ, (u64)&waiting, 0, 0, 0};
  const i64 mode = agent_try(SYS_FCNTL, flags);
  if (mode < 0 || mode & O_NONBLOCK) return mode >= 0;
  const i64 size = agent_try(SYS_FCNTL, capacity);
  /* The last page may have been begun. */
  if (size > 0) return agent_try(SYS_IOCTL, filled) == 0 && waiting + length + PIPE_BUF <= (u64)size;
  const i64 answer = agent_try(SYS_IOCTL, unsent);
  /* Other devices do not fill up. */
  return answer == -ENOTTY || (answer == 0 && waiting == 0 && length <= SEND_ROOM);
}

/*
 * While no other task waits for its turn the agent may sleep in a call, but not where the tracer, which takes it out of there
 * for a bookmark, would end the call with half its work done: in a write of more than a pipe takes at once, and in a read of
 * all or nothing.
 */
static enum way way_alone(const struct agent_row* row, const u64* args) {
  u64 flags = 0, length = 0;
  switch (row->waits) {
    case WAITS_SEND:
      flags = args[3];
      length = args[2];
      break;
    case WAITS_WRITE:
      length = args[2];
      break;
    case WAITS_WRITEV:
      length = length_of_vector((const struct iovec*)args[1], args[2]);
      break;
    case WAITS_MESSAGE_OUT: {
      const struct message* message = (const struct message*)args[1];
      flags = args[2];
      length = length_of_vector((const struct iovec*)message->vector, pieces_of(message));
      break;
    }
    case WAITS_RECEIVE:
      return args[3] & MSG_WAITALL ? LEAVE : MAKE;
    case WAITS_MESSAGE_IN:
      return args[2] & MSG_WAITALL ? LEAVE : MAKE;
    default:
      return MAKE;
  }
  const u32 fd = (u32)args[0];
  if (length <= PIPE_BUF || flags & MSG_DONTWAIT || is_prompt(fd)) return MAKE;
  return has_room(fd, length) ? MAKE : LEAVE;
}

/* `result` is set for MADE. */
static enum way way_of(const struct agent_row* row, i64 nr, const u64* args, i64* result) {
  switch (row->waits) {
    case WAITS_NEVER:
      return MAKE;
    case WAITS_READ:
      return way_to_read((u32)args[0]);
    case WAITS_WRITE:
      return way_to_write((u32)args[0], args[2]);
    case WAITS_WRITEV:
      return way_to_gather((u32)args[0], args[1], args[2]);
    case WAITS_RECEIVE:
      if (args[3] & MSG_DONTWAIT) return MAKE;
      return args[3] & MSG_WAITALL ? LEAVE : way_to_read((u32)args[0]);
    case WAITS_MESSAGE_IN:
      if (args[2] & MSG_DONTWAIT) return MAKE;
      return args[2] & MSG_WAITALL ? LEAVE : way_to_read((u32)args[0]);
    case WAITS_MESSAGE_OUT: {
      const struct message* message = (const struct message*)args[1];
      if (args[2] & MSG_DONTWAIT) return MAKE;
      return way_to_gather((u32)args[0], message->vector, pieces_of(message));
    }
    case WAITS_SEND:
      return args[3] & MSG_DONTWAIT ? MAKE : way_to_write((u32)args[0], args[2]);
    case WAITS_POLL:
      return (int)args[2] == 0 ? MAKE : poll_now(args, result);
    case WAITS_PPOLL:
      return ppoll_now(args);
    case WAITS_SELECT:
      return select_now(args);
    case WAITS_EPOLL:
      return (int)args[3] == 0 ? MAKE : epoll_now(nr, args, result);
    default:
      return LEAVE;
  }
}

#endif
