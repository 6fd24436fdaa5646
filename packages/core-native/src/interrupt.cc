#include "interrupt.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace {

/// The one piece of process-wide state, needed since waiter and interrupter are in different environments.
struct Registry {
  std::mutex mutex;
  std::map<uint32_t, std::shared_ptr<InterruptTarget>> targets;
  uint32_t last_token = 0;
  std::atomic<bool> shut_down{false};
};

Registry& registry() {
  // Never destroyed: a thread may still ring while the process runs its destructors.
  static Registry* const instance = new Registry;
  return *instance;
}

void do_nothing(int) {}

}  // namespace

int interrupt_signal() { return SIGRTMIN + 11; }

int prepare_interrupt_signal() {
  const int number = interrupt_signal();
  struct sigaction action = {};
  action.sa_handler = do_nothing;
  sigaction(number, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return number;
}

InterruptTarget::InterruptTarget() : tid_(static_cast<pid_t>(syscall(SYS_gettid))) {
  if (registry().shut_down.load()) requested_.store(true);
}

bool InterruptTarget::acknowledge() {
  if (!requested_.exchange(false)) return false;
  // Asked after the exchange: a shutdown that comes later sets the flag again itself.
  if (registry().shut_down.load()) requested_.store(true);
  acknowledged_.fetch_add(1);
  return true;
}

void InterruptTarget::ring() {
  const uint64_t acknowledged_before = acknowledged_.load();
  requested_.store(true);
  long pause_ns = 5'000;
  while (waiting_.load() && acknowledged_.load() == acknowledged_before) {
    // May come between the owner's look at the flag and its system call: hence the loop.
    syscall(SYS_tgkill, getpid(), tid_, interrupt_signal());
    const timespec pause = {0, pause_ns};
    nanosleep(&pause, nullptr);
    pause_ns = std::min(2 * pause_ns, 1'000'000L);
  }
}

uint32_t register_interrupt_target(std::shared_ptr<InterruptTarget> target) {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  all.targets.emplace(++all.last_token, std::move(target));
  return all.last_token;
}

void unregister_interrupt_target(uint32_t token) {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  all.targets.erase(token);
}

bool ring_interrupt_target(uint32_t token) {
  std::shared_ptr<InterruptTarget> target;
  {
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    const auto found = all.targets.find(token);
    if (found == all.targets.end()) return false;
    target = found->second;
  }
  target->ring();
  return true;
}

void shut_down_interrupts() {
  std::vector<std::shared_ptr<InterruptTarget>> everybody;
  {
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    all.shut_down.store(true);
    for (const auto& [token, target] : all.targets) everybody.push_back(target);
  }
  for (const auto& target : everybody) target->ring();
}
