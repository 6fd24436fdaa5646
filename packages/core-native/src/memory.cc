#include "memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>

namespace {

constexpr size_t kFewBytes = 256;

UniqueFd open_mem(pid_t tid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/mem", tid);
  return UniqueFd(::open(path, O_RDWR | O_CLOEXEC));
}

/// A missing /proc/TID means that the task is gone.
OsError mem_open_error() { return OsError{errno == ENOENT ? ESRCH : errno, "open /proc/TID/mem"}; }

}  // namespace

Status TaskMemory::open(pid_t tid) {
  UniqueFd fd = open_mem(tid);
  if (!fd.valid()) return mem_open_error();
  mem_fds_.insert_or_assign(tid, std::move(fd));
  return {};
}

template <class Transfer>
Result<size_t> TaskMemory::through_mem_file(pid_t tid, size_t length, Transfer transfer) const {
  const auto kept = mem_fds_.find(tid);
  UniqueFd own;
  int fd;
  if (kept != mem_fds_.end()) {
    fd = kept->second.get();
  } else {
    own = open_mem(tid);
    if (!own.valid()) return mem_open_error();
    fd = own.get();
  }
  size_t done = 0;
  while (done < length) {
    const ssize_t count = transfer(fd, done);
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Result<size_t> TaskMemory::read(pid_t tid, RemotePtr addr, void* into, size_t length) const {
  if (length == 0) return size_t{0};
  const iovec local = {into, length};
  const iovec remote = {reinterpret_cast<void*>(addr.value), length};
  const ssize_t count = process_vm_readv(tid, &local, 1, &remote, 1, 0);
  if (count == static_cast<ssize_t>(length)) return length;
  if (count < 0 && errno == ESRCH) return last_error("process_vm_readv");

  // The page that stopped us may only lack PROT_READ: /proc/TID/mem reads it all the same.
  const size_t start = count > 0 ? static_cast<size_t>(count) : 0;
  auto rest = through_mem_file(tid, length - start, [&](int fd, size_t done) {
    const size_t at = start + done;
    return pread64(fd, static_cast<char*>(into) + at, length - at, static_cast<off64_t>(addr.value + at));
  });
  if (!rest.ok()) return rest;
  return start + rest.value();
}

Result<size_t> TaskMemory::write(pid_t tid, RemotePtr addr, const void* from, size_t length) const {
  if (length == 0) return size_t{0};
  // A few bytes are mostly written into code, where the other way would fail first.
  const auto kept = length <= kFewBytes ? mem_fds_.find(tid) : mem_fds_.end();
  if (kept != mem_fds_.end()) {
    const ssize_t count = pwrite64(kept->second.get(), from, length, static_cast<off64_t>(addr.value));
    if (count == static_cast<ssize_t>(length)) return length;
  }
  const iovec local = {const_cast<void*>(from), length};
  const iovec remote = {reinterpret_cast<void*>(addr.value), length};
  const ssize_t count = process_vm_writev(tid, &local, 1, &remote, 1, 0);
  if (count == static_cast<ssize_t>(length)) return length;
  if (count < 0 && errno == ESRCH) return last_error("process_vm_writev");

  const size_t start = count > 0 ? static_cast<size_t>(count) : 0;
  auto rest = through_mem_file(tid, length - start, [&](int fd, size_t done) {
    const size_t at = start + done;
    return pwrite64(fd, static_cast<const char*>(from) + at, length - at, static_cast<off64_t>(addr.value + at));
  });
  if (!rest.ok()) return rest;
  return start + rest.value();
}

Result<size_t> TaskMemory::store(pid_t tid, RemotePtr addr, const void* from, size_t length) const {
  if (length == 0) return size_t{0};
  const iovec local = {const_cast<void*>(from), length};
  const iovec remote = {reinterpret_cast<void*>(addr.value), length};
  const ssize_t count = process_vm_writev(tid, &local, 1, &remote, 1, 0);
  if (count >= 0) return static_cast<size_t>(count);
  if (errno == EFAULT) return size_t{0};
  if (errno == ESRCH) return last_error("process_vm_writev");
  // Refused by a policy: then there is only the way that does not look at the protection.
  return write(tid, addr, from, length);
}
