/* Where the agent's parts lie in every recorded address space, and the block of words it shares with the tracer.
 * lib/agent.ts has the same numbers for the tracer's side: change both. */
#ifndef SCRIBE_AGENT_LAYOUT_H
#define SCRIBE_AGENT_LAYOUT_H

#define AGENT_CODE 0x71000000
#define AGENT_DATA 0x71100000
#define AGENT_FDS (AGENT_DATA + 0x1000)
#define AGENT_FD_COUNT 4096
#define AGENT_STACK_TOP (AGENT_DATA + 0x8000)
#define AGENT_RING (AGENT_DATA + 0x8000)
#define AGENT_RING_SIZE 0x40000

/* Byte offsets in the block, which is at AGENT_DATA. */
#define BLOCK_HEAD 0
#define BLOCK_FRAMES 8
#define BLOCK_CALLS 16
#define BLOCK_CHANGES 24
#define BLOCK_TIME 32
#define BLOCK_RET 40
#define BLOCK_NR 48
#define BLOCK_RESULT 56
#define BLOCK_RSP 64
#define BLOCK_HALT 72
#define BLOCK_STAGE 76
#define BLOCK_DETAILS 80
#define BLOCK_WRITING 84
#define BLOCK_CLOCK 88
#define BLOCK_CHANGED 96
#define BLOCK_CHANGED_MAX 32
#define BLOCK_SHARED 224
#define BLOCK_LUCK 228
#define BLOCK_ENTRY 232
#define BLOCK_REPORTED 240
#define BLOCK_GUARDS 244
#define BLOCK_CONNECTIONS 248
#define BLOCK_KEPT 252
#define BLOCK_PRECISE 256
#define BLOCK_TRAP 260
#define BLOCK_MAPPED 288
#define BLOCK_FULL 292
#define BLOCK_SERIAL 296
#define BLOCK_SOLO 304

/* What a call that sleeps may change before it ends, as it was: see struct kept. */
#define AGENT_KEPT (AGENT_DATA + 0x2000)
#define AGENT_KEPT_BYTES (AGENT_KEPT + 0x40)
#define KEPT_MAX 2

/* What cpuid answers, as far as it has been asked: see struct answers. */
#define AGENT_ANSWERS (AGENT_DATA + 0x3000)
#define ANSWERS_MAX 128

/* The file that the last call has mapped: see struct mapped_file. */
#define AGENT_MAPPED (AGENT_DATA + 0x3d00)
#define MAPPED_BYTES 0x2f8

/* What the tracer has to be told of calls made here, and what it tells of memory and files; see struct reports. */
#define REPORTS (AGENT_DATA + 0x200)
#define REPORT_FOLLOWED_MAX 16
#define REPORT_CODE_MAX 24
#define REPORT_WRITTEN_MAX 32
#define REPORT_ACTIONS_MAX 32

/* Bits of BLOCK_HALT. */
#define HALT_OFF 1
#define HALT_SIGNAL 2

/* Bits of BLOCK_SHARED: others of the domain may have to run before a call that waits can end; some of them have the
 * same dispositions. */
#define SHARED_TURN 1
#define SHARED_ACTIONS 2

/* Bits of BLOCK_DETAILS. */
#define DETAIL_ARGS 1
#define DETAIL_STRINGS 2
#define DETAIL_DATA 4
#define DETAIL_DURATIONS 8

/* Bits of a descriptor's byte at AGENT_FDS: what the agent may do with it by itself. */
#define FD_READ 1
#define FD_WRITE 2
/* No call on it waits: a regular file, or O_NONBLOCK. */
#define FD_PROMPT 4
/* The same, as far as the agent knows: it has made the descriptor so, and nobody here has changed that. */
#define FD_NONBLOCK 8
/* It is the recorded output: which, as `output` frames have it, is in the bits from FD_TARGET_SHIFT on. */
#define FD_OUTPUT 16
#define FD_TARGET_SHIFT 5

#endif
