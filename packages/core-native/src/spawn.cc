#include "spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_traps.h"
#include "stopped_task.h"
#include "unique_fd.h"

namespace {

/// The child's steps. Their names are what users see as NativeError.operation.
enum class Step : int {
  Fork,
  Ptrace,
  NewUser,
  NewNetwork,
  Loopback,
  Chroot,
  Chdir,
  Stdio,
  Personality,
  Nofile,
  Execve
};

const char* name_of(Step step) {
  static constexpr const char* kNames[] = {
      "fork",
      "ptrace",
      "unshare(CLONE_NEWUSER)",
      "unshare(CLONE_NEWNET)",
      "loopback",
      "chroot",
      "chdir",
      "stdio",
      "personality",
      "setrlimit(NOFILE)",
      "execve",
  };
  return kNames[static_cast<int>(step)];
}

/// What the child writes into the report pipe; small enough to be written at once.
struct Report {
  Step step;
  int error;
  bool fatal;
};

/// Everything the child needs, in plain memory: between fork and exec in a process with threads nothing may be
/// allocated and no lock may be taken.
struct Plan {
  const char* file;
  char* const* argv;
  char* const* envp;
  const char* cwd;
  const char* chroot;
  bool new_network;
  bool disable_aslr;
  int stdio[3];
  bool set_nofile;
  rlim_t nofile;
  char uid_map[64];
  char gid_map[64];
  sigset_t mask;
  int go_read;
  int go_write;
  int report_write;
};

class Child {
 public:
  explicit Child(const Plan& plan) : plan_(plan) {}

  [[noreturn]] void run() {
    reset_signals();
    open_tsc();
    // Until the parent has seized us, or is gone (end of file).
    close(plan_.go_write);
    char go;
    ssize_t count;
    do count = read(plan_.go_read, &go, 1);
    while (count < 0 && errno == EINTR);
    if (count != 1) _exit(127);

    if (plan_.new_network) isolate_network();
    if (plan_.chroot != nullptr) {
      require(Step::Chroot, chroot(plan_.chroot));
      require(Step::Chroot, chdir("/"));
    }
    if (plan_.cwd != nullptr) require(Step::Chdir, chdir(plan_.cwd));
    if (plan_.disable_aslr) {
      const int current = personality(0xffffffff);
      if (current == -1 || personality(static_cast<unsigned long>(current) | ADDR_NO_RANDOMIZE) == -1) {
        report(Step::Personality, errno, false);
      }
    }
    place_stdio();
    if (plan_.set_nofile) limit_nofile();
    close_the_rest();
    sigprocmask(SIG_SETMASK, &plan_.mask, nullptr);
    execve(plan_.file, plan_.argv, plan_.envp);
    fail(Step::Execve);
  }

 private:
  void report(Step step, int error, bool fatal) {
    const Report message = {step, error, fatal};
    while (write(plan_.report_write, &message, sizeof message) < 0 && errno == EINTR) {
    }
  }
  [[noreturn]] void fail(Step step) {
    report(step, errno, true);
    _exit(127);
  }
  void require(Step step, int result) {
    if (result < 0) fail(step);
  }

  void reset_signals() {
    for (int signal = 1; signal < NSIG; signal++) {
      struct sigaction action;
      if (sigaction(signal, nullptr, &action) != 0) continue;
      const bool may_stay_ignored = signal == SIGHUP || signal == SIGINT || signal == SIGQUIT;
      if (action.sa_handler == SIG_DFL || (may_stay_ignored && action.sa_handler == SIG_IGN)) continue;
      action = {};
      action.sa_handler = SIG_DFL;
      sigaction(signal, &action, nullptr);
    }
  }

  bool write_file(const char* path, const char* text) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const auto length = static_cast<ssize_t>(strlen(text));
    const bool written = write(fd, text, static_cast<size_t>(length)) == length;
    const int error = errno;
    close(fd);
    errno = error;
    return written;
  }

  void isolate_network() {
    if (unshare(CLONE_NEWNET) != 0) {
      require(Step::NewUser, unshare(CLONE_NEWUSER | CLONE_NEWNET));
      // Without "deny" the kernel refuses an unprivileged gid_map. Both maps keep our own ids.
      if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", plan_.uid_map) ||
          !write_file("/proc/self/gid_map", plan_.gid_map)) {
        fail(Step::NewUser);
      }
    }
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(Step::Loopback, fd);
    ifreq request = {};
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    require(Step::Loopback, ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
  }

  void place_stdio() {
    // Copies above 2 first: otherwise {1, 0, 2} would overwrite what it still needs.
    int copies[3];
    for (int i = 0; i < 3; i++) {
      copies[i] = fcntl(plan_.stdio[i], F_DUPFD_CLOEXEC, 3);
      require(Step::Stdio, copies[i]);
    }
    for (int i = 0; i < 3; i++) require(Step::Stdio, dup2(copies[i], i));
  }

  void limit_nofile() {
    rlimit limit;
    require(Step::Nofile, getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = plan_.nofile < limit.rlim_max ? plan_.nofile : limit.rlim_max;
    require(Step::Nofile, setrlimit(RLIMIT_NOFILE, &limit));
  }

  /// Close-on-exec instead of close: the report pipe is needed until then.
  void close_the_rest() {
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    constexpr int kMaxFd = 65536;
    for (int fd = 3; fd < kMaxFd; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }

  const Plan& plan_;
};

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Blocks every signal of this thread: a handler of ours must not run in the child before it has reset them.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

Status seize(pid_t pid) {
  constexpr uintptr_t kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                                 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC |
                                 PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, pid, nullptr, reinterpret_cast<void*>(kOptions)) == 0) return {};
  return last_error(name_of(Step::Ptrace));
}

void kill_and_reap(Waiter& waiter, pid_t pid) {
  kill(pid, SIGKILL);
  while (true) {
    const auto event = waiter.wait_for(pid);
    if (!event.ok() || !event.value().stopped()) return;
    (void)StoppedTask(pid).resume(ResumeHow::Cont, 0);
  }
}

/// To the exec's event-stop (true), or to the child's end, which is reaped (false).
Result<bool> run_to_exec(Waiter& waiter, pid_t pid) {
  while (true) {
    const auto waited = waiter.wait_for(pid);
    if (!waited.ok()) return waited.error();
    const WaitEvent event = waited.value();
    if (!event.stopped()) return false;
    if (event.kind == EventKind::Event && event.detail == PTRACE_EVENT_EXEC) return true;
    const bool group_stop = event.kind == EventKind::GroupStop;
    const int signal = event.kind == EventKind::Signal ? event.detail : 0;
    const Status status = StoppedTask(pid).resume(group_stop ? ResumeHow::Listen : ResumeHow::Cont, signal);
    if (!status.ok() && !status.task_gone()) return status.error();
  }
}

}  // namespace

Result<Spawned> spawn(Waiter& waiter, const SpawnOptions& options) {
  // Somebody may have installed a handler since the waiter was made.
  Waiter::silence_child_stops();
  const std::vector<char*> argv = pointers_to(options.argv);
  const std::vector<char*> envp = pointers_to(options.envp);
  int go[2];
  if (pipe2(go, O_CLOEXEC) != 0) return last_error("pipe2");
  UniqueFd go_read(go[0]);
  UniqueFd go_write(go[1]);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return last_error("pipe2");
  UniqueFd report_read(report[0]);
  UniqueFd report_write(report[1]);

  Plan plan = {};
  plan.file = options.file.c_str();
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.cwd = options.cwd ? options.cwd->c_str() : nullptr;
  plan.chroot = options.chroot ? options.chroot->c_str() : nullptr;
  plan.new_network = options.new_network;
  plan.disable_aslr = options.disable_aslr;
  memcpy(plan.stdio, options.stdio, sizeof plan.stdio);
  plan.set_nofile = options.nofile.has_value();
  plan.nofile = options.nofile.value_or(0);
  snprintf(plan.uid_map, sizeof plan.uid_map, "%u %u 1\n", geteuid(), geteuid());
  snprintf(plan.gid_map, sizeof plan.gid_map, "%u %u 1\n", getegid(), getegid());
  plan.go_read = go_read.get();
  plan.go_write = go_write.get();
  plan.report_write = report_write.get();

  pid_t pid;
  {
    const AllSignalsBlocked blocked;
    plan.mask = blocked.before();
    pid = fork();
    if (pid == 0) Child(plan).run();
  }
  if (pid < 0) return last_error(name_of(Step::Fork));
  go_read.reset();
  report_write.reset();

  if (const Status status = seize(pid); !status.ok()) {
    kill_and_reap(waiter, pid);
    return status.error();
  }
  if (write(go_write.get(), "g", 1) != 1) {
    const OsError error = last_error("write");
    kill_and_reap(waiter, pid);
    return error;
  }
  const auto at_exec = run_to_exec(waiter, pid);
  if (!at_exec.ok()) {
    kill_and_reap(waiter, pid);
    return at_exec.error();
  }

  // The child's end is closed by now, by its exec or its death.
  Spawned spawned = {pid, {}};
  Report message;
  while (read(report_read.get(), &message, sizeof message) == sizeof message) {
    const OsError error = {message.error, name_of(message.step)};
    if (message.fatal) return error;
    spawned.missing.push_back(error);
  }
  // Killed from outside before its exec.
  if (!at_exec.value()) return OsError{ESRCH, name_of(Step::Execve)};
  waiter.add(pid);
  return spawned;
}
