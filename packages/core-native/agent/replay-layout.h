/* Where the replay's agent lies in an address space, and the block of words it shares with the tracer.
 * lib/replay-agent.ts has the same numbers for the tracer's side: change both. */
#ifndef SCRIBE_REPLAY_LAYOUT_H
#define SCRIBE_REPLAY_LAYOUT_H

#define AGENT_DATA 0x71100000
/* A byte for each call: which of its arguments point to bytes that are compared; ROW_ANSWERED if the agent answers it. */
#define AGENT_ROWS (AGENT_DATA + 0x1000)
#define AGENT_ROW_COUNT 1024
#define AGENT_STACK_TOP (AGENT_DATA + 0x8000)

/* Byte offsets in the block, which is at AGENT_DATA. */
#define BLOCK_POSITION 0
#define BLOCK_END 8
#define BLOCK_TIME 16
#define BLOCK_FRAMES 24
#define BLOCK_CALLS 32
#define BLOCK_TASK 40
#define BLOCK_ARMED 48
#define BLOCK_RET 56
#define BLOCK_RSP 64

#define ROW_ANSWERED 0x80

#endif
