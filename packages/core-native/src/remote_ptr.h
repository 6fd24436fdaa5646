#pragma once

#include <cstdint>

/// An address in a tracee. Not dereferenceable here, and not to be mixed up with an address of ours.
struct RemotePtr {
  uint64_t value = 0;

  friend RemotePtr operator+(RemotePtr base, uint64_t bytes) { return {base.value + bytes}; }
  friend bool operator==(RemotePtr, RemotePtr) = default;
};
