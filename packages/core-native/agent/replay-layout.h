/* Where the replay's agent lies in an address space, and the block of words it shares with the tracer.
 * lib/replay-agent.ts has the same numbers for the tracer's side: change both. */
#ifndef SCRIBE_REPLAY_LAYOUT_H
#define SCRIBE_REPLAY_LAYOUT_H

#define AGENT_DATA 0x71100000
/* Pages that are not the program's alone: see struct code. */
#define AGENT_CODE_RANGES (AGENT_DATA + 0x200)
#define CODE_RANGES_MAX 24
/* A byte for each call: which of its arguments point to bytes that are compared; ROW_ANSWERED if the agent answers it. */
#define AGENT_ROWS (AGENT_DATA + 0x1000)
#define AGENT_ROW_COUNT 1024
/* Where contents of mapped files are, behind the window: see struct contents. */
#define AGENT_CONTENTS (AGENT_DATA + 0x48000)
#define CONTENTS_MAX 128
#define CONTENT_PATH_BYTES 112
#define CONTENT_NAME_BYTES 120
#define AGENT_STACK_TOP (AGENT_DATA + 0x8000)

/* Byte offsets in the block, which is at AGENT_DATA. */
#define BLOCK_POSITION 0
#define BLOCK_END 8
#define BLOCK_TIME 16
#define BLOCK_FRAMES 24
#define BLOCK_CALLS 32
#define BLOCK_TASK 40
#define BLOCK_ARMED 48
#define BLOCK_BREAK 56
#define BLOCK_RET 64
#define BLOCK_RSP 72

#define ROW_ANSWERED 0x80
/* It makes the call itself, too. */
#define ROW_MADE 0x40

#endif
