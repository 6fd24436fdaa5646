#include "page_ranges.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace {

constexpr uint64_t kPageSize = 4096;

// <linux/fs.h> of Linux 6.7; older headers lack them.
struct ScanArguments {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t regions;
  uint64_t region_count;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
static_assert(sizeof(ScanArguments) == 96);
struct ScanRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);
constexpr uint64_t kIsFile = 1 << 2;
constexpr uint64_t kIsPresent = 1 << 3;
constexpr uint64_t kIsSwapped = 1 << 4;
constexpr uint64_t kIsZeroFrame = 1 << 5;
constexpr size_t kRegionsPerScan = 512;

// Bits of a pagemap entry.
constexpr uint64_t kEntryFile = 1ULL << 61;
constexpr uint64_t kEntryHasPage = 3ULL << 62;
constexpr size_t kEntriesPerRead = 65536;

}  // namespace

Result<PageMap> PageMap::open(pid_t tid, PageScan scan) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/pagemap", tid);
  PageMap map;
  map.file_ = UniqueFd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!map.file_.valid()) return OsError{errno == ENOENT ? ESRCH : errno, "open /proc/TID/pagemap"};
  map.tid_ = tid;
  if (scan == PageScan::Read) {
    if (const Status status = map.stop_using_ioctl(); !status.ok()) return status.error();
  }
  return map;
}

Status PageMap::stop_using_ioctl() {
  use_ioctl_ = false;
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/smaps", tid_);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path, "re"), fclose);
  if (!file) return OsError{errno == ENOENT ? ESRCH : errno, "open /proc/TID/smaps"};
  uint64_t start = 0;
  uint64_t private_kb = 0;
  char line[4096 + 128];
  while (fgets(line, sizeof line, file.get()) != nullptr) {
    uint64_t value;
    uint64_t end;
    if (sscanf(line, "Anonymous: %lu kB", &value) == 1) {
      private_kb = value;
    } else if (sscanf(line, "Swap: %lu kB", &value) == 1) {
      if (private_kb + value == 0) empty_mappings_.insert(start);
    } else if (sscanf(line, "%lx-%lx ", &value, &end) == 2) {
      start = value;
    }
  }
  return {};
}

Result<uint64_t> PageMap::collect(uint64_t start, uint64_t end) {
  if (use_ioctl_) {
    const auto scanned = collect_by_ioctl(start, end);
    if (scanned.ok() || (scanned.error().number != ENOTTY && scanned.error().number != EINVAL)) return scanned;
    if (const Status status = stop_using_ioctl(); !status.ok()) return status.error();
    if (is_known_empty(start)) return end;
  }
  return collect_by_reading(start, end);
}

Result<uint64_t> PageMap::collect_by_ioctl(uint64_t start, uint64_t end) {
  ScanRegion regions[kRegionsPerScan];
  ScanArguments arguments = {};
  arguments.size = sizeof arguments;
  arguments.start = start;
  arguments.end = end;
  arguments.regions = reinterpret_cast<uint64_t>(regions);
  arguments.region_count = kRegionsPerScan;
  arguments.category_inverted = kIsFile | kIsZeroFrame;
  arguments.category_mask = kIsFile | kIsZeroFrame;
  arguments.category_anyof_mask = kIsPresent | kIsSwapped;
  const int count = ioctl(file_.get(), kPagemapScan, &arguments);
  if (count < 0) return last_error("ioctl PAGEMAP_SCAN");
  for (int i = 0; i < count; i++) ranges_.push_back({regions[i].start, regions[i].end});
  return arguments.walk_end;
}

Result<uint64_t> PageMap::collect_by_reading(uint64_t start, uint64_t end) {
  entries_.resize(kEntriesPerRead);
  const uint64_t wanted = std::min<uint64_t>((end - start) / kPageSize, kEntriesPerRead);
  const ssize_t bytes = pread(file_.get(), entries_.data(), wanted * sizeof(uint64_t),
                              static_cast<off_t>(start / kPageSize * sizeof(uint64_t)));
  if (bytes < 0) return last_error("read /proc/TID/pagemap");
  const uint64_t count = static_cast<uint64_t>(bytes) / sizeof(uint64_t);
  // Nothing there: the address space went away under us.
  if (count == 0) return OsError{ESRCH, "read /proc/TID/pagemap"};
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t entry = entries_[i];
    if (entry == 0 || (entry & kEntryHasPage) == 0 || (entry & kEntryFile) != 0) continue;
    const uint64_t addr = start + i * kPageSize;
    if (!ranges_.empty() && ranges_.back().end == addr) {
      ranges_.back().end += kPageSize;
    } else {
      ranges_.push_back({addr, addr + kPageSize});
    }
  }
  return start + count * kPageSize;
}
