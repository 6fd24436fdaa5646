#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// 128 bits. Hashes of different places are added, so their order doesn't matter and a hole costs nothing.
struct ContentHash {
  uint64_t high = 0;
  uint64_t low = 0;

  ContentHash& operator+=(const ContentHash& other) {
    high += other.high;
    low += other.low;
    return *this;
  }
};

inline constexpr size_t kHashBlockSize = 4096;

/// Hash of one block (kHashBlockSize bytes) at one place. Not against adversaries: its keys are known.
ContentHash hash_block(const uint8_t* block, uint64_t place);

bool is_zero_block(const uint8_t* block);
