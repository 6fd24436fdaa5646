/* What has to hold for a call to be made here beside its row, and what is learnt from it. */

static int may_read(u32 fd) { return fd < AGENT_FD_COUNT && (FDS[fd] & FD_READ); }

/* False if the tracer is to open the file. */
static int may_open(const struct agent_row* row, const u64* args) {
  const u64 flags = args[row->check_arg];
  if (flags & OPEN_WRITES) {
    if (R->written_count == REPORT_WRITTEN_MAX || R->followed_count > REPORT_FOLLOWED_MAX) return 0;
    /* Which file it is, is known only when it is too late: one that is new is not followed. */
    if (R->followed_count > 0 && (flags & O_TRUNC) && (flags & OPEN_NEW) != OPEN_NEW) return 0;
  }
  /* As `learn` finds out of others, but at less cost. */
  const char* path = (const char*)args[row->check_arg - 1];
  if (path[0] == '/' && path[1] == 'p' && path[2] == 'r' && path[3] == 'o' && path[4] == 'c') return 0;
  return row->check_arg != 2 || path[0] == '/' || (int)args[0] < 0 || may_read((u32)args[0]);
}

/* The row of a call whose shape depends on its second argument; 0 if it is none of those made here. */
static const struct agent_row* variant_of(u64 nr, u32 command) {
  for (u32 i = 0; i < AGENT_VARIANTS; i++)
    if (agent_variants[i].nr == nr && agent_variants[i].command == command)
      return &agent_rows[agent_variants[i].row];
  return 0;
}

#define FUTEX_COMMAND 0x7f
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9
/* Random bytes that always come whole. */
#define WHOLE_RANDOM 256
#define FUTEX_WAKE_BITSET 10

#define IPPROTO_IP 0
#define SOL_SOCKET 1
#define IPPROTO_TCP 6
#define IPPROTO_IPV6 41
#define TCP_ZEROCOPY_RECEIVE 35

/* What is known of a call before it is made. */
struct plan {
  int takes;                  /* the tracer is to look at it afterwards */
  int writes_file;            /* it opens a file to write to it */
  int wakes;                  /* it may wake others */
  int output;                 /* it writes to the recorded output */
  u64 handler, handler_flags; /* the disposition that it sets */
};

static enum outcome admit_futex(const u64* args, struct plan* plan) {
  const u32 command = (u32)args[1] & FUTEX_COMMAND;
  plan->wakes = command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET;
  if (plan->wakes) return DONE;
  if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) return FORWARD;
  return *(volatile u32*)args[0] == (u32)args[2] ? FORWARD : DONE;
}

static enum outcome admit_sigaction(const u64* args, struct plan* plan) {
  if ((u32)args[0] == SIGSYS) return FORWARD;
  if (args[1] == 0) return DONE;
  /* What a signal does to another thread is decided by what the tracer knows. */
  if (R->actions_count == REPORT_ACTIONS_MAX || (B->shared & SHARED_ACTIONS)) return FORWARD;
  /* The old action may be stored in the same place. */
  plan->handler = ((const u64*)args[1])[SIGACTION_HANDLER];
  plan->handler_flags = ((const u64*)args[1])[SIGACTION_FLAGS];
  return DONE;
}

/* Dispatch takes the handler for SIGSYS from who blocks the signal. */
static enum outcome admit_sigprocmask(const u64* args) {
  if (!B->guards || args[1] == 0 || (int)args[0] == SIG_UNBLOCK) return DONE;
  return *(const u64*)args[1] >> (SIGSYS - 1) & 1 ? FORWARD : DONE;
}

/* Some options of other levels share memory with the kernel. */
static int is_plain_option(int level, int name) {
  if (level == IPPROTO_TCP) return name != TCP_ZEROCOPY_RECEIVE;
  return level == SOL_SOCKET || level == IPPROTO_IP || level == IPPROTO_IPV6;
}

/* FORWARD: the call is the tracer's. */
static enum outcome admit(const struct agent_row* row, const u64* args, struct plan* plan) {
  plan->takes = row->takes;
  plan->writes_file = 0;
  plan->wakes = 0;
  plan->output = 0;
  plan->handler = plan->handler_flags = 0;
  if (row->fd_arg != NO_ARG) {
    const u32 fd = (u32)args[row->fd_arg];
    if (fd >= AGENT_FD_COUNT) return FORWARD;
    const u32 use = FDS[fd];
    if ((use & row->fd_need) != row->fd_need) {
      if (!may_put_out(row, use)) return FORWARD;
      plan->output = 1;
    }
  }
  if (row->null_arg != NO_ARG && args[row->null_arg] != 0) return FORWARD;
  B->entry = ~0UL;
  if (row->entry_arg != NO_ARG && args[row->entry_arg] != 0)
    B->entry = *(const u32*)(args[row->entry_arg] + row->entry_offset);
  switch (row->check) {
    case CHECK_NONE:
    case CHECK_DUP:
    case CHECK_CONNECT:
    case CHECK_ACCEPT:
      return DONE;
    case CHECK_OPEN:
      plan->writes_file = (args[row->check_arg] & OPEN_WRITES) != 0;
      return may_open(row, args) ? DONE : FORWARD;
    case CHECK_SOCKOPT:
      return is_plain_option((int)args[1], (int)args[2]) ? DONE : FORWARD;
    case CHECK_FUTEX:
      return admit_futex(args, plan);
    case CHECK_RANDOM:
      /* A longer one comes back with less when somebody interrupts it, as the tracer may. */
      return args[1] <= WHOLE_RANDOM ? DONE : FORWARD;
    case CHECK_SIGACTION:
      return admit_sigaction(args, plan);
    case CHECK_SIGPROCMASK:
      return admit_sigprocmask(args);
    default: {
      const enum outcome outcome = way_of_memory(row->check, args);
      plan->takes = outcome == TAKE;
      return outcome;
    }
  }
}

#define O_NONBLOCK 04000

/* What is known beside it of descriptors that a call makes, or changes. */
static u8 mode_of(const struct agent_row* row, const u64* args) {
  return row->nonblock != NO_ARG && (args[row->nonblock] & O_NONBLOCK) ? FD_NONBLOCK : 0;
}

/* As mode_of, of a call that changes a descriptor: FIONBIO has a pointer in place of the flag. */
static u8 mode_after(const struct agent_row* row, const u64* args) {
  if (row->nonblock != NO_ARG) return mode_of(row, args);
  return *(const u32*)args[2] != 0 ? FD_NONBLOCK : 0;
}

/* O_NONBLOCK has been cleared, which copies of the descriptor have in common with it. */
static void forget_nonblock(void) {
  for (u32 fd = 0; fd < AGENT_FD_COUNT; fd++) FDS[fd] &= (u8) ~(FD_PROMPT | FD_NONBLOCK);
}

/* Notes what a call that did not fail has changed of descriptors and dispositions; `generation`: as it was before the call.
 * -1: the tracer is to look at it, and says what is known. */
static int learn(const struct agent_row* row, const u64* args, i64 result, const struct plan* plan, u64 generation) {
  if (row->gives || row->check == CHECK_DUP) {
    int use = row->gives | mode_of(row, args);
    if (row->check == CHECK_DUP) use = (u32)args[0] < AGENT_FD_COUNT ? FDS[args[0]] : 0;
    /* A copy may be another target. */
    if (use & FD_OUTPUT) use = 0;
    if (plan->writes_file && (use = opened_to_write((u64)result)) < 0) return -1;
    if (!plan->writes_file && row->check == CHECK_OPEN && may_be_proc((u64)result)) use = 0;
    changed((int)result);
    if ((u64)result < AGENT_FD_COUNT) FDS[result] = (u8)use;
    if (plan->writes_file) {
      /* Whoever begins to follow a file says so first, and then clears what is known of descriptors. */
      __sync_synchronize();
      if (R->generation != generation) return -1;
    }
  } else if (row->pair != NO_ARG) {
    const u32* fds = (const u32*)args[row->pair];
    for (int i = 0; i < 2; i++) {
      changed((int)fds[i]);
      if (fds[i] < AGENT_FD_COUNT) FDS[fds[i]] = FD_READ | FD_WRITE | mode_of(row, args);
    }
  } else if (row->modes) {
    const u32 fd = (u32)args[0];
    const u8 mode = mode_after(row, args);
    if (mode == 0) forget_nonblock();
    if (fd < AGENT_FD_COUNT && FDS[fd] != 0) FDS[fd] |= mode;
  } else if (row->check == CHECK_SIGACTION && args[1] != 0) {
    const u64 count = R->actions_count;
    R->actions[count].signo = (u32)args[0];
    R->actions[count].handler = plan->handler;
    R->actions[count].flags = plan->handler_flags;
    R->actions_count = count + 1;
    B->reported = 1;
  }
  return 0;
}
