#include "hash_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "proc_maps.h"
#include "unique_fd.h"

namespace {

static_assert(kHashBlockSize == 4096, "a block is a page");
constexpr uint64_t kPageSize = kHashBlockSize;
constexpr size_t kReadSize = 64 * kPageSize;

bool is_kernel_page(const Mapping& mapping) {
  // [vdso], [vvar], [vvar_vclock], [vsyscall], [uprobes]; but [heap], [stack] and [anon:NAME] are the program's.
  return mapping.name.starts_with("[v") || mapping.name.starts_with("[uprobes]");
}

bool is_device(const Mapping& mapping) {
  return mapping.name.starts_with("/dev/") && !mapping.name.starts_with("/dev/shm/") &&
         !mapping.name.starts_with("/dev/zero") && !mapping.name.starts_with("/dev/hugepages/");
}

/// /proc/TID/mem open for as long as this lives, unless it was kept open before.
class ScopedOpenMemory {
 public:
  ScopedOpenMemory(TaskMemory& memory, pid_t tid) : memory_(memory), tid_(tid), opened_(!memory.keeps(tid)) {
    if (opened_) status_ = memory_.open(tid_);
  }
  ~ScopedOpenMemory() {
    if (opened_) memory_.forget(tid_);
  }
  ScopedOpenMemory(const ScopedOpenMemory&) = delete;
  ScopedOpenMemory& operator=(const ScopedOpenMemory&) = delete;

  const Status& status() const { return status_; }

 private:
  TaskMemory& memory_;
  pid_t tid_;
  bool opened_;
  Status status_;
};

class Hasher {
 public:
  Hasher(const TaskMemory& memory, pid_t tid, PageRange excluded, const std::vector<uint64_t>& left_out)
      : memory_(memory), tid_(tid), excluded_(excluded), left_out_(left_out), buffer_(kReadSize) {}

  /// Adds the non-zero pages of a range; what can't be read doesn't count.
  Status add(PageRange range) {
    if (range.start < excluded_.end && excluded_.start < range.end) {
      if (range.start < excluded_.start) {
        if (const Status status = add({range.start, excluded_.start}); !status.ok()) return status;
      }
      if (excluded_.end < range.end) return add({excluded_.end, range.end});
      return {};
    }
    for (uint64_t addr = range.start; addr < range.end;) {
      const uint64_t wanted = std::min<uint64_t>(range.end - addr, kReadSize);
      const auto count = memory_.read(tid_, {addr}, buffer_.data(), wanted);
      if (!count.ok()) return count.error();
      const uint64_t pages = count.value() / kPageSize;
      for (uint64_t page = 0; page < pages; page++) {
        uint8_t* const block = buffer_.data() + page * kPageSize;
        if (is_left_out(addr + page * kPageSize)) continue;
        clear_dead(block, addr + page * kPageSize);
        if (!is_zero_block(block)) sum_ += hash_block(block, addr + page * kPageSize);
      }
      addr += pages * kPageSize;
      if (count.value() < wanted) addr += kPageSize;
    }
    return {};
  }

  const ContentHash& sum() const { return sum_; }

  /// Bytes in here count as zeros.
  void set_dead(PageRange dead) { dead_ = dead; }

 private:
  bool is_left_out(uint64_t addr) const {
    return !left_out_.empty() && std::binary_search(left_out_.begin(), left_out_.end(), addr);
  }
  void clear_dead(uint8_t* block, uint64_t addr) const {
    const uint64_t from = std::max(addr, dead_.start);
    const uint64_t to = std::min(addr + kPageSize, dead_.end);
    if (from < to) memset(block + (from - addr), 0, to - from);
  }

  const TaskMemory& memory_;
  pid_t tid_;
  PageRange excluded_;
  const std::vector<uint64_t>& left_out_;
  PageRange dead_ = {0, 0};
  std::vector<uint8_t> buffer_;
  ContentHash sum_;
};

/// A writable shared mapping. Its page tables don't tell what there is (others may have written it), so all is read;
/// where the file behind it can be opened (CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE), its holes are left out: reading a
/// hole of shared memory through the mapping would fill it.
Status add_shared(Hasher& hasher, pid_t tid, const Mapping& mapping) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", tid, mapping.start, mapping.end);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return hasher.add({mapping.start, mapping.end});

  const auto to_offset = [&](uint64_t addr) { return static_cast<off_t>(addr - mapping.start + mapping.offset); };
  const auto to_addr = [&](off_t offset) {
    return std::min(mapping.start + (static_cast<uint64_t>(offset) - mapping.offset), mapping.end);
  };
  for (uint64_t addr = mapping.start; addr < mapping.end;) {
    const off_t data = lseek(file.get(), to_offset(addr), SEEK_DATA);
    // ENXIO: only a hole is left.
    if (data < 0) return errno == ENXIO ? Status() : hasher.add({addr, mapping.end});
    const off_t hole = lseek(file.get(), data, SEEK_HOLE);
    const uint64_t first = to_addr(data) / kPageSize * kPageSize;
    const uint64_t last =
        hole < 0 ? mapping.end : std::min((to_addr(hole) + kPageSize - 1) / kPageSize * kPageSize, mapping.end);
    if (const Status status = hasher.add({first, last}); !status.ok()) return status;
    addr = std::max(last, addr + kPageSize);
  }
  return {};
}

}  // namespace

Result<ContentHash> hash_memory(TaskMemory& memory, pid_t tid, PageRange excluded, PageScan scan,
                                RemotePtr stack_pointer, const std::vector<uint64_t>& left_out) {
  const auto maps = ProcMaps::read(tid);
  if (!maps.ok()) return maps.error();
  auto page_map = PageMap::open(tid, scan);
  if (!page_map.ok()) return page_map.error();
  const ScopedOpenMemory open_memory(memory, tid);
  if (!open_memory.status().ok()) return open_memory.status().error();

  Hasher hasher(memory, tid, excluded, left_out);
  for (const Mapping& mapping : maps.value().mappings()) {
    if (is_kernel_page(mapping) || is_device(mapping)) continue;
    if (mapping.start >= excluded.start && mapping.end <= excluded.end) continue;
    if (mapping.start < stack_pointer.value && stack_pointer.value <= mapping.end) {
      hasher.set_dead({mapping.start, stack_pointer.value});
    }
    Status status;
    if (!mapping.shared) {
      status = page_map.value().for_each_private_range(mapping.start, mapping.end,
                                                       [&](PageRange range) { return hasher.add(range); });
    } else if (mapping.prot & PROT_WRITE) {
      status = add_shared(hasher, tid, mapping);
    }
    if (!status.ok()) return status.error();
  }
  return hasher.sum();
}

namespace {

/// Bytes read at once.
constexpr size_t kChunk = 16 * kPageSize;

/// Calls `each` with every page from `addr` on, the last one filled up with zeros. EFAULT if not all can be read.
template <class Each>
Status for_pages(const TaskMemory& memory, pid_t tid, RemotePtr addr, uint64_t length, const char* call, Each&& each) {
  alignas(uint64_t) uint8_t chunk[kChunk];
  for (uint64_t done = 0; done < length; done += kChunk) {
    const size_t wanted = std::min<uint64_t>(length - done, kChunk);
    const auto count = memory.read(tid, addr + done, chunk, wanted);
    if (!count.ok()) return count.error();
    if (count.value() < wanted) return OsError{EFAULT, call};
    const size_t end = (wanted + kPageSize - 1) / kPageSize * kPageSize;
    memset(chunk + wanted, 0, end - wanted);
    for (size_t at = 0; at < end; at += kPageSize) each(done + at, chunk + at);
  }
  return {};
}

uint64_t sum_page(const uint8_t* page) {
  uint64_t first = 0;
  uint64_t second = 0;
  uint64_t sum = 0;
  for (size_t i = 0; i < kPageSize; i += 2 * sizeof(uint64_t)) {
    uint64_t row[2];
    memcpy(row, page + i, sizeof row);
    first += row[0];
    second += row[1];
    sum += first + second;
  }
  return sum + first;
}

}  // namespace

Result<ContentHash> hash_range(const TaskMemory& memory, pid_t tid, RemotePtr addr, uint64_t length) {
  // The length is the place of one more block, so that trailing zeros count.
  const uint8_t zeros[kHashBlockSize] = {};
  ContentHash hash = hash_block(zeros, ~length);
  const Status status = for_pages(memory, tid, addr, length, "hashRange",
                                  [&](uint64_t place, const uint8_t* bytes) { hash += hash_block(bytes, place); });
  if (!status.ok()) return status.error();
  return hash;
}

Status sum_pages(const TaskMemory& memory, pid_t tid, RemotePtr addr, std::span<uint64_t> sums) {
  return for_pages(memory, tid, addr, sums.size() * kPageSize, "sumPages",
                   [&](uint64_t place, const uint8_t* bytes) { sums[place / kPageSize] = sum_page(bytes); });
}
