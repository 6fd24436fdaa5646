#include "proc_maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unique_fd.h"

namespace {

/// The kernel fills at most a page or so a read; more room only saves copying.
constexpr size_t kReadSize = 65536;

/// Reads the fields of a line from left to right.
class Cursor {
 public:
  Cursor(const char* at, const char* end) : at_(at), end_(end) {}

  uint64_t hex() { return number(16); }
  uint64_t decimal() { return number(10); }
  void skip(char wanted) {
    while (at_ < end_ && *at_ == wanted) at_++;
  }
  std::string_view word() {
    const char* const start = at_;
    while (at_ < end_ && *at_ != ' ') at_++;
    return {start, static_cast<size_t>(at_ - start)};
  }
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

 private:
  uint64_t number(unsigned base) {
    uint64_t value = 0;
    for (; at_ < end_; at_++) {
      unsigned digit;
      if (*at_ >= '0' && *at_ <= '9') {
        digit = static_cast<unsigned>(*at_ - '0');
      } else if (base == 16 && *at_ >= 'a' && *at_ <= 'f') {
        digit = static_cast<unsigned>(*at_ - 'a') + 10;
      } else {
        break;
      }
      value = value * base + digit;
    }
    return value;
  }

  const char* at_;
  const char* end_;
};

}  // namespace

Result<ProcMaps> ProcMaps::read(pid_t tid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/maps", tid);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return OsError{errno == ENOENT ? ESRCH : errno, "open /proc/TID/maps"};
  ProcMaps maps;
  size_t size = 0;
  while (true) {
    maps.text_.resize(size + kReadSize);
    const ssize_t count = ::read(file.get(), maps.text_.data() + size, kReadSize);
    if (count < 0) return last_error("read /proc/TID/maps");
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  maps.text_.resize(size);
  maps.parse();
  return maps;
}

void ProcMaps::parse() {
  const char* at = text_.data();
  const char* const end = at + text_.size();
  while (at < end) {
    const auto* line_end = static_cast<const char*>(memchr(at, '\n', static_cast<size_t>(end - at)));
    if (line_end == nullptr) line_end = end;
    Cursor line(at, line_end);
    Mapping mapping = {};
    mapping.start = line.hex();
    line.skip('-');
    mapping.end = line.hex();
    line.skip(' ');
    const std::string_view flags = line.word();
    if (flags.size() >= 4) {
      mapping.prot =
          (flags[0] == 'r' ? PROT_READ : 0) | (flags[1] == 'w' ? PROT_WRITE : 0) | (flags[2] == 'x' ? PROT_EXEC : 0);
      mapping.shared = flags[3] == 's';
    }
    line.skip(' ');
    mapping.offset = line.hex();
    line.skip(' ');
    mapping.device = line.word();
    line.skip(' ');
    mapping.inode = line.decimal();
    line.skip(' ');
    mapping.name = line.rest();
    mappings_.push_back(mapping);
    at = line_end + 1;
  }
}
