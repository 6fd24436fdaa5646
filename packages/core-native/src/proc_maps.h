#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "errors.h"

/// A line of /proc/TID/maps.
struct Mapping {
  uint64_t start;
  uint64_t end;
  /// PROT_* bits.
  int prot;
  bool shared;
  uint64_t offset;
  /// 'major:minor', as shown.
  std::string_view device;
  uint64_t inode;
  /// Path or '[stack]'-like name with the kernel's escapes (\012 for a newline), '' if anonymous.
  std::string_view name;
};

/// The mappings of one task's address space at the moment of reading, by ascending address.
class ProcMaps {
 public:
  static Result<ProcMaps> read(pid_t tid);
  const std::vector<Mapping>& mappings() const { return mappings_; }

 private:
  void parse();

  /// What the mappings' views point into: kept on the heap, so that they survive a move of this object.
  std::vector<char> text_;
  std::vector<Mapping> mappings_;
};
