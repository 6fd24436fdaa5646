#include "ring_loan.h"

#include <signal.h>
#include <string.h>

#include "../agent/layout.h"
#include "stopped_task.h"

namespace {

constexpr size_t kRing = AGENT_RING - AGENT_DATA;

template <class Word>
Word read_word(const uint8_t* memory, size_t offset) {
  Word word;
  memcpy(&word, memory + offset, sizeof word);
  return word;
}

template <class Word>
void write_word(uint8_t* memory, size_t offset, Word word) {
  memcpy(memory + offset, &word, sizeof word);
}

}  // namespace

bool take_full_ring(RingLoan& loan, RingTaken& taken) {
  const StoppedTask task(loan.tid);
  user_regs_struct regs;
  if (!task.get_registers(regs).ok() || regs.rip != loan.asked) return false;
  uint8_t* const memory = loan.memory;
  if (read_word<uint32_t>(memory, BLOCK_FULL) == 0 || read_word<uint32_t>(memory, BLOCK_HALT) != 0) return false;
  if (read_word<uint32_t>(memory, BLOCK_CONNECTIONS) != loan.connections) return false;
  const auto head = read_word<uint64_t>(memory, BLOCK_HEAD);
  if (head <= loan.from || head > AGENT_RING_SIZE || head - loan.from > loan.room) return false;
  siginfo_t info;
  if (!task.get_siginfo(info).ok() || info.si_code != kUserDispatch) return false;

  const size_t bytes = head - loan.from;
  memcpy(loan.into, memory + kRing + loan.from, bytes);
  loan.into += bytes;
  loan.room -= bytes;
  loan.from = 0;
  taken.bytes += bytes;
  taken.frames = read_word<uint64_t>(memory, BLOCK_FRAMES);
  taken.calls = read_word<uint64_t>(memory, BLOCK_CALLS);
  taken.time = read_word<int64_t>(memory, BLOCK_TIME);
  write_word<uint64_t>(memory, BLOCK_HEAD, 0);
  write_word<uint32_t>(memory, BLOCK_FULL, 0);

  regs.rcx = read_word<uint64_t>(memory, BLOCK_RET);
  regs.r11 = regs.eflags;
  regs.rip = loan.entry;
  regs.orig_rax = static_cast<unsigned long long>(-1);
  // Killed meanwhile: its end is what comes next.
  if (task.set_registers(regs).ok()) (void)StoppedTask(loan.tid).resume(ResumeHow::Cont, 0);
  return true;
}
