/* How a call is made that may wait while others of the domain have something to do: only if it will not wait. A part of
 * agent.c, which includes it. */
#ifndef SCRIBE_AGENT_WAITING_H
#define SCRIBE_AGENT_WAITING_H

#define SYS_POLL 7
#define POLLIN 1
#define POLLOUT 4
#define MSG_DONTWAIT 0x40
#define MSG_WAITALL 0x100
/* Where there is any room in a pipe, there is room for so many bytes. */
#define PIPE_BUF 4096
/* More descriptors than this are polled by the tracer. */
#define MAX_POLLED 128

struct pollfd {
  int fd;
  short events, revents;
};

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

static int is_prompt(u32 fd) { return fd < AGENT_FD_COUNT && (FDS[fd] & FD_PROMPT); }

static enum way way_to_read(u32 fd) { return is_prompt(fd) || is_ready(fd, POLLIN) ? MAKE : LEAVE; }

static enum way way_to_write(u32 fd, u64 length) {
  if (is_prompt(fd)) return MAKE;
  return length <= PIPE_BUF && is_ready(fd, POLLOUT) ? MAKE : LEAVE;
}

/* As way_to_write, of a vector. */
static enum way way_to_gather(u32 fd, u64 addr, u64 count) {
  const struct iovec* vector = (const struct iovec*)addr;
  u64 length = 0;
  if (is_prompt(fd)) return MAKE;
  if (count > MAX_VECTOR) return LEAVE;
  for (u64 i = 0; i < count; i++) {
    if (vector[i].length > PIPE_BUF) return LEAVE;
    length += vector[i].length;
  }
  return way_to_write(fd, length);
}

/* Polls copies: what the program has must not change before others have had their turn. */
static enum way poll_now(const u64* args, i64* result) {
  struct pollfd polled[MAX_POLLED];
  const u64 count = args[1];
  if (count > MAX_POLLED) return LEAVE;
  copy((u8*)polled, (const u8*)args[0], count * sizeof *polled);
  const u64 now[6] = {(u64)polled, count, 0, 0, 0, 0};
  const i64 ready = agent_try(SYS_POLL, now);
  if (ready <= 0) return LEAVE;
  copy((u8*)args[0], (const u8*)polled, count * sizeof *polled);
  *result = ready;
  return MADE;
}

static enum way epoll_now(i64 nr, const u64* args, i64* result) {
  const u64 now[6] = {args[0], args[1], args[2], 0, args[4], args[5]};
  const i64 ready = agent_try(nr, now);
  if (ready == 0 || ready == ABORTED) return LEAVE;
  *result = ready;
  return MADE;
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
    case WAITS_EPOLL:
      return (int)args[3] == 0 ? MAKE : epoll_now(nr, args, result);
    default:
      return LEAVE;
  }
}

#endif
