#pragma once

#include <sys/types.h>

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "errors.h"
#include "unique_fd.h"

/// [start, end) of whole pages.
struct PageRange {
  uint64_t start;
  uint64_t end;
};

enum class PageScan {
  /// The PAGEMAP_SCAN ioctl (Linux 6.7), which skips what isn't mapped; else reading.
  Auto,
  /// Reading pagemap's entries, 8 bytes a page, of the mappings that hold private pages by smaps' count: slow on a huge
  /// mapping with a few pages in it, but works everywhere.
  Read,
};

/// Finds the pages of a task that hold content of their own.
class PageMap {
 public:
  static Result<PageMap> open(pid_t tid, PageScan scan);

  /// Calls `visit(PageRange)` for runs of pages in [start, end) that are in memory or swapped out and aren't (any
  /// longer) a file's or shared memory's.
  /// [start, end) is one mapping, as /proc/TID/maps has it.
  template <class Visit>
  Status for_each_private_range(uint64_t start, uint64_t end, Visit visit) {
    while (start < end) {
      if (!use_ioctl_ && is_known_empty(start)) return {};
      ranges_.clear();
      const Result<uint64_t> scanned = collect(start, end);
      if (!scanned.ok()) return scanned.error();
      for (const PageRange& range : ranges_) {
        if (const Status status = visit(range); !status.ok()) return status;
      }
      start = scanned.value();
    }
    return {};
  }

 private:
  /// Fills ranges_ from `start` on; returns the address up to which it looked.
  Result<uint64_t> collect(uint64_t start, uint64_t end);
  bool is_known_empty(uint64_t mapping_start) const { return empty_mappings_.contains(mapping_start); }
  /// From now on by reading.
  Status stop_using_ioctl();
  Result<uint64_t> collect_by_ioctl(uint64_t start, uint64_t end);
  Result<uint64_t> collect_by_reading(uint64_t start, uint64_t end);

  pid_t tid_ = 0;
  UniqueFd file_;
  bool use_ioctl_ = true;
  /// Start addresses of mappings without private pages; only known when reading.
  std::unordered_set<uint64_t> empty_mappings_;
  std::vector<PageRange> ranges_;
  std::vector<uint64_t> entries_;
};
