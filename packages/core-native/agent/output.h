/* Writes to the recorded output. */

/* More than the head of such a frame takes, bytes. */
#define OUTPUT_ROOM 64

/* Whether the agent may make it: nobody else can put out something at the same time, so that the order of all output is known. */
static int may_put_out(const struct agent_row* row, u32 use) {
  return row->waits == WAITS_WRITE && (use & FD_OUTPUT) && B->solo;
}

/* The frame of what has been put out. */
static u8* put_output(u8* at, i64 delta, u32 fd, u64 addr, u64 length) {
  u8 head[40];
  u8* end = put_int(head, delta);
  end = put_uint(end, B->serial);
  end = put_int(end, FDS[fd] >> FD_TARGET_SHIFT);
  const u64 fixed = (u64)(end - head);
  *at++ = CODE_OUTPUT;
  at = put_uint(at, fixed + (u64)uint_length(length) + length);
  return put_bytes(put_head(at, head, fixed), addr, length);
}
