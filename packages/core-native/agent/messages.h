/* Calls with a struct msghdr. */

struct message {
  u64 name;
  u32 name_length, padding;
  u64 vector, count, control, control_length;
  u64 flags;
};

/* Socket addresses are not longer. */
#define MAX_SOCKADDR 128
/* A message's count of pieces for which MAX_VECTOR is not enough. */
#define MANY (MAX_VECTOR + 1)

static u64 shorter(u64 a, u64 b) { return a < b ? a : b; }

/* How many pieces a message has. */
static u64 pieces_of(const struct message* message) {
  if (message->vector == 0) return 0;
  return shorter(message->count, MANY);
}

/* `data` frames of what the kernel reads of a message. The vector is short. */
static u8* put_message(u8* at, u32* frames, i64 delta, const struct agent_step* step, u64 addr) {
  const struct message* message = (const struct message*)addr;
  const int sends = step->op == OP_MESSAGE_OUT;
  const u64 count = pieces_of(message);
  at = put_piece(at, frames, delta, step->arg, addr, sizeof *message);
  if (sends && message->name != 0)
    at = put_piece(at, frames, 0, step->arg, message->name, shorter(message->name_length, MAX_SOCKADDR));
  at = put_piece(at, frames, 0, step->arg, message->vector, count * sizeof(struct iovec));
  if (!sends) return at;
  at = put_gathered(at, frames, step->arg, (const struct iovec*)message->vector, count);
  if (message->control != 0) at = put_piece(at, frames, 0, step->arg, message->control, message->control_length);
  return at;
}

/* Whether a call that has failed may have stored control messages: the kernel tells of credentials without a message, too. */
static int may_have_control(const struct agent_row* row, const u64* args) {
  for (u32 i = 0; i < row->steps; i++) {
    const struct agent_step* step = &row->step[i];
    if (step->op != OP_MESSAGE_IN || args[step->arg] == 0) continue;
    const struct message* message = (const struct message*)args[step->arg];
    if (message->control != 0 && message->control_length > 0) return 1;
  }
  return 0;
}

/* Adds what the kernel has stored of a message with `total` bytes; `room`: for the name, before the call. */
static u32 received(struct region* regions, u32 known, u64 addr, i64 total, u64 room) {
  const struct message* message = (const struct message*)addr;
  regions[known].addr = addr;
  regions[known++].size = sizeof *message;
  const u64 name_length = shorter(shorter(message->name_length, room), MAX_SOCKADDR);
  if (message->name != 0 && name_length > 0) {
    regions[known].addr = message->name;
    regions[known++].size = name_length;
  }
  known = spread(regions, known, message->vector, pieces_of(message), total);
  if (message->control != 0 && message->control_length > 0) {
    regions[known].addr = message->control;
    regions[known++].size = message->control_length;
  }
  return known;
}
