#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "errors.h"
#include "wait.h"

struct SpawnOptions {
  std::string file;
  std::vector<std::string> argv;
  std::vector<std::string> envp;
  std::optional<std::string> cwd;
  std::optional<std::string> chroot;
  bool new_network = false;
  bool disable_aslr = false;
  int stdio[3] = {0, 1, 2};
  /// Soft RLIMIT_NOFILE of the child; none: as ours.
  std::optional<uint64_t> nofile;
};

struct Spawned {
  pid_t tid;
  /// What could not be had but isn't essential.
  std::vector<OsError> missing;
};

/// Starts a program as a tracee of this thread and leaves it in the PTRACE_EVENT_EXEC stop of its exec. It's in our
/// process group and session, so that a shell's job control means recorder and program together. Signal dispositions
/// are the default ones (HUP, INT and QUIT stay ignored if we ignore them); the signal mask is this thread's. On error
/// no process is left; `operation` names the step.
Result<Spawned> spawn(Waiter& waiter, const SpawnOptions& options);
