#include "system_exports.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "clock.h"
#include "cpu.h"
#include "environment.h"
#include "fd_info.h"
#include "interrupt.h"
#include "own_traps.h"
#include "proc_maps.h"
#include "socket_ends.h"
#include "task_file.h"

namespace {

void set_native_error(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).native_error = Napi::Persistent(info[0].As<Napi::Function>());
}

Napi::Value interrupt(const Napi::CallbackInfo& info) {
  const auto token = static_cast<uint32_t>(int_argument(info, 0));
  if (info.Env().IsExceptionPending()) return {};
  return Napi::Boolean::New(info.Env(), ring_interrupt_target(token));
}

void interrupt_all_for_good(const Napi::CallbackInfo&) { shut_down_interrupts(); }

Napi::Value cpuid(const Napi::CallbackInfo& info) {
  const auto leaf = static_cast<uint32_t>(int_argument(info, 0));
  const auto subleaf = static_cast<uint32_t>(int_argument(info, 1));
  if (info.Env().IsExceptionPending()) return {};
  const auto result = Napi::Array::New(info.Env(), 4);
  uint32_t index = 0;
  for (const uint32_t value : ::cpuid(leaf, subleaf)) result.Set(index++, value);
  return result;
}

/// Where clock_gettime is in the vDSO, in bytes from its beginning; 0 if there is none.
Napi::Value vdso_clock_offset(const Napi::CallbackInfo& info) {
  const uintptr_t base = getauxval(AT_SYSINFO_EHDR);
  void* const vdso = base == 0 ? nullptr : dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void* const symbol = vdso == nullptr ? nullptr : dlsym(vdso, "__vdso_clock_gettime");
  const uintptr_t offset = symbol == nullptr ? 0 : reinterpret_cast<uintptr_t>(symbol) - base;
  return Napi::Number::New(info.Env(), static_cast<double>(offset));
}

Napi::Value read_tsc(const Napi::CallbackInfo& info) {
  const uint64_t tsc = ::read_tsc();
  const auto result = Napi::Object::New(info.Env());
  result.Set("low", static_cast<uint32_t>(tsc));
  result.Set("high", static_cast<uint32_t>(tsc >> 32));
  return result;
}

Napi::Value trap_cpuid_here(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), ::trap_cpuid_here());
}

void match_tsc_here(const Napi::CallbackInfo&) { ::match_tsc_here(); }

Napi::Value get_affinity(const Napi::CallbackInfo& info) {
  const pid_t tid = int_argument(info, 0);
  if (info.Env().IsExceptionPending()) return {};
  const auto cpus = ::get_affinity(tid);
  if (!cpus.ok()) {
    throw_os_error(info.Env(), cpus.error());
    return {};
  }
  const auto result = Napi::Array::New(info.Env(), cpus.value().size());
  uint32_t index = 0;
  for (const int cpu : cpus.value()) result.Set(index++, cpu);
  return result;
}

void set_affinity(const Napi::CallbackInfo& info) {
  const pid_t tid = int_argument(info, 0);
  if (info.Env().IsExceptionPending()) return;
  if (info.Length() < 2 || !info[1].IsArray())
    return throw_type_error(info.Env(), "an array of CPU numbers was expected");
  const auto array = info[1].As<Napi::Array>();
  std::vector<int> cpus;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value cpu = array.Get(i);
    if (!cpu.IsNumber()) return throw_type_error(info.Env(), "an array of CPU numbers was expected");
    cpus.push_back(cpu.As<Napi::Number>().Int32Value());
  }
  const Status status = ::set_affinity(tid, cpus);
  if (!status.ok()) throw_os_error(info.Env(), status.error());
}

Napi::Value current_cpu(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), sched_getcpu()); }

void set_subreaper(const Napi::CallbackInfo& info) {
  const bool on = info.Length() > 0 && info[0].ToBoolean().Value();
  if (prctl(PR_SET_CHILD_SUBREAPER, on ? 1UL : 0UL, 0, 0, 0) != 0) throw_os_error(info.Env(), last_error("prctl"));
}

Napi::Value gettid(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(syscall(SYS_gettid)));
}

Napi::Value monotonic_ns(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(::monotonic_ns()));
}

Napi::Value thread_cpu_ns(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(::thread_cpu_ns()));
}

/// NaN: there is no such process.
Napi::Value process_cpu_ns(const Napi::CallbackInfo& info) {
  const pid_t pid = int_argument(info, 0);
  if (info.Env().IsExceptionPending()) return {};
  // CPUCLOCK_SCHED of a process, as clock_getcpuclockid(3) makes it, which asks the kernel for it once more.
  const clockid_t clock = static_cast<clockid_t>(~static_cast<unsigned>(pid) << 3 | 2);
  timespec now;
  if (clock_gettime(clock, &now) != 0)
    return Napi::Number::New(info.Env(), std::numeric_limits<double>::quiet_NaN());
  return Napi::Number::New(info.Env(), now.tv_sec * 1e9 + now.tv_nsec);
}

/// false: somebody else has the lock.
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const int fd = int_argument(info, 0);
  if (info.Env().IsExceptionPending()) return {};
  const bool waits = info.Length() > 1 && info[1].ToBoolean().Value();
  while (flock(fd, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Napi::Boolean::New(info.Env(), false);
    if (errno == EINTR) continue;
    throw_os_error(info.Env(), last_error("flock"));
    return {};
  }
  return Napi::Boolean::New(info.Env(), true);
}

/// [start, end) of the first bytes from an offset on that are no hole of a file; undefined if only a hole is left.
/// Moves the descriptor's offset.
Napi::Value next_data(const Napi::CallbackInfo& info) {
  const int fd = int_argument(info, 0);
  if (info.Env().IsExceptionPending()) return {};
  if (info.Length() < 2 || !info[1].IsNumber()) {
    throw_type_error(info.Env(), "an offset was expected");
    return {};
  }
  const auto offset = static_cast<off_t>(info[1].As<Napi::Number>().Int64Value());
  off_t start = lseek(fd, offset, SEEK_DATA);
  off_t end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);
  if (end < 0 && errno == EINVAL) {
    // A file system that knows no holes.
    start = offset;
    end = lseek(fd, 0, SEEK_END);
    if (end >= 0 && end <= start) return info.Env().Undefined();
  }
  if (end < 0) {
    if (errno == ENXIO) return info.Env().Undefined();
    throw_os_error(info.Env(), last_error("lseek"));
    return {};
  }
  const auto result = Napi::Array::New(info.Env(), 2);
  result.Set(0U, static_cast<double>(start));
  result.Set(1U, static_cast<double>(end));
  return result;
}

/// undefined for a descriptor that isn't open. `read`: read_fd_info, or less of it.
template <Result<FdInfo> (*read)(pid_t, int), bool whole>
Napi::Value describe_fd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const pid_t tid = int_argument(info, 0);
  const int fd = int_argument(info, 1);
  if (env.IsExceptionPending()) return {};
  const auto found = read(tid, fd);
  if (!found.ok()) {
    if (found.error().number == EBADF) return env.Undefined();
    throw_os_error(env, found.error());
    return {};
  }
  const FdInfo& fd_info = found.value();
  const auto result = Napi::Object::New(env);
  const auto set = [&](const char* name, auto value) {
    result.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  set("dev", fd_info.stat.st_dev);
  set("ino", fd_info.stat.st_ino);
  set("mode", fd_info.stat.st_mode);
  set("rdev", fd_info.stat.st_rdev);
  set("size", fd_info.stat.st_size);
  if (whole) {
    set("flags", fd_info.flags);
    set("position", fd_info.position);
  }
  result.Set("path", fd_info.path);
  return result;
}

/// undefined for what isn't a socket.
Napi::Value socket_ends(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const pid_t pid = int_argument(info, 0);
  const int fd = int_argument(info, 1);
  if (env.IsExceptionPending()) return {};
  const auto found = read_socket_ends(pid, fd);
  if (!found.ok()) {
    throw_os_error(env, found.error());
    return {};
  }
  const SocketEnds& ends = found.value();
  if (ends.type == 0) return env.Undefined();
  const auto bytes = [&](const sockaddr_storage& address, socklen_t size) {
    auto copy = Napi::Uint8Array::New(env, size);
    memcpy(copy.Data(), &address, size);
    return copy;
  };
  const auto result = Napi::Object::New(env);
  result.Set("type", ends.type);
  result.Set("local", bytes(ends.local, ends.local_size));
  result.Set("peer", bytes(ends.peer, ends.peer_size));
  result.Set("peerPid", ends.peer_pid);
  result.Set("inode", static_cast<double>(ends.inode));
  return result;
}

Napi::Value unix_peer(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    throw_type_error(info.Env(), "a number was expected");
    return {};
  }
  const uint32_t inode = info[0].As<Napi::Number>().Uint32Value();
  return Napi::Number::New(info.Env(), Environment::of(info.Env()).unix_peers.peer_of(inode));
}

/// As latin1 text; undefined if it cannot be read.
Napi::Value read_task_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const pid_t tid = int_argument(info, 0);
  if (env.IsExceptionPending()) return {};
  if (info.Length() < 2 || !info[1].IsString()) {
    throw_type_error(env, "the name of a file was expected");
    return {};
  }
  const auto text = ::read_task_file(tid, info[1].As<Napi::String>().Utf8Value().c_str());
  if (!text) return env.Undefined();
  napi_value value = nullptr;
  napi_create_string_latin1(env, text->data(), text->size(), &value);
  return Napi::Value(env, value);
}

Napi::Value parse_maps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const pid_t tid = int_argument(info, 0);
  if (env.IsExceptionPending()) return {};
  const auto maps = ProcMaps::read(tid);
  if (!maps.ok()) {
    throw_os_error(env, maps.error());
    return {};
  }
  const auto result = Napi::Array::New(env, maps.value().mappings().size());
  uint32_t index = 0;
  for (const Mapping& mapping : maps.value().mappings()) {
    const auto entry = Napi::Object::New(env);
    entry.Set("start", static_cast<double>(mapping.start));
    entry.Set("end", static_cast<double>(mapping.end));
    entry.Set("prot", mapping.prot);
    entry.Set("shared", mapping.shared);
    entry.Set("offset", static_cast<double>(mapping.offset));
    entry.Set("dev", Napi::String::New(env, mapping.device.data(), mapping.device.size()));
    entry.Set("inode", static_cast<double>(mapping.inode));
    entry.Set("name", Napi::String::New(env, mapping.name.data(), mapping.name.size()));
    result.Set(index++, entry);
  }
  return result;
}

}  // namespace

void export_system(Napi::Env env, Napi::Object exports) {
  exports.Set("setNativeError", Napi::Function::New<set_native_error>(env));
  exports.Set("interrupt", Napi::Function::New<interrupt>(env));
  exports.Set("interruptAllForGood", Napi::Function::New<interrupt_all_for_good>(env));
  exports.Set("cpuid", Napi::Function::New<cpuid>(env));
  exports.Set("vdsoClockOffset", Napi::Function::New<vdso_clock_offset>(env));
  exports.Set("readTsc", Napi::Function::New<read_tsc>(env));
  exports.Set("trapCpuidHere", Napi::Function::New<trap_cpuid_here>(env));
  exports.Set("matchTscHere", Napi::Function::New<match_tsc_here>(env));
  exports.Set("getAffinity", Napi::Function::New<get_affinity>(env));
  exports.Set("setAffinity", Napi::Function::New<set_affinity>(env));
  exports.Set("currentCpu", Napi::Function::New<current_cpu>(env));
  exports.Set("setSubreaper", Napi::Function::New<set_subreaper>(env));
  exports.Set("gettid", Napi::Function::New<gettid>(env));
  exports.Set("monotonicNs", Napi::Function::New<monotonic_ns>(env));
  exports.Set("threadCpuNs", Napi::Function::New<thread_cpu_ns>(env));
  exports.Set("processCpuNs", Napi::Function::New<process_cpu_ns>(env));
  exports.Set("lockFile", Napi::Function::New<lock_file>(env));
  exports.Set("nextData", Napi::Function::New<next_data>(env));
  exports.Set("statFd", Napi::Function::New<describe_fd<read_fd_info, true>>(env));
  exports.Set("identifyFd", Napi::Function::New<describe_fd<read_fd_identity, false>>(env));
  exports.Set("socketEnds", Napi::Function::New<socket_ends>(env));
  exports.Set("unixPeer", Napi::Function::New<unix_peer>(env));
  exports.Set("readTaskFile", Napi::Function::New<read_task_file>(env));
  exports.Set("parseMaps", Napi::Function::New<parse_maps>(env));
}
