#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

/// What a full ring is emptied into while a tracer waits, so that its JavaScript need not see that stop: the memory of the
/// stream of the log in which the ring's frames come next.
struct RingLoan {
  /// The task that uses the ring; 0: nothing is lent.
  pid_t tid = 0;
  /// The agent's memory, from its block on, as the tracer has it mapped.
  uint8_t* memory = nullptr;
  /// How much of the ring has been taken before, bytes.
  size_t from = 0;
  uint8_t* into = nullptr;
  /// Bytes there.
  size_t room = 0;
  /// How many `connection` frames there have been: the tracer has to number any other.
  uint32_t connections = 0;
  /// Where the agent asks for the tracer, and where the task comes in.
  uint64_t asked = 0;
  uint64_t entry = 0;
};

/// What has been taken, and what the agent had counted by then.
struct RingTaken {
  size_t bytes = 0;
  uint64_t frames = 0;
  uint64_t calls = 0;
  /// CLOCK_MONOTONIC of the last frame, ns.
  int64_t time = 0;
};

/// For a task at a signal-delivery-stop of SIGSYS: if its agent asks for nothing but an empty ring, empties that and lets the
/// task go on. False if the stop is somebody else's business; then nothing has changed.
bool take_full_ring(RingLoan& loan, RingTaken& taken);
