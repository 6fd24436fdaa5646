#include "content_hash.h"

#include <cstring>

namespace {

constexpr size_t kWords = kHashBlockSize / sizeof(uint64_t);
/// The second sum uses the same keys two words further on (a Toeplitz construction: as good as independent keys).
constexpr size_t kKeyShift = 2;
constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;

/// A bijection that spreads every bit over all others (two xor-shift-multiply rounds).
constexpr uint64_t spread(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

constexpr auto make_keys() {
  std::array<uint64_t, kWords + kKeyShift> keys = {};
  uint64_t state = 0;
  for (uint64_t& key : keys) key = spread(state += kGoldenRatio);
  return keys;
}

constexpr auto kKeys = make_keys();

/// Sum of products of pairs of (word + key): the NH universal hash. Two different blocks meet with probability 2^-64.
struct PairSums {
  unsigned __int128 first = 0;
  unsigned __int128 second = 0;
};

uint64_t fold(unsigned __int128 sum) { return static_cast<uint64_t>(sum) ^ spread(static_cast<uint64_t>(sum >> 64)); }

}  // namespace

ContentHash hash_block(const uint8_t* block, uint64_t place) {
  PairSums sums;
  for (size_t i = 0; i < kWords; i += 2) {
    uint64_t pair[2];
    memcpy(pair, block + i * sizeof(uint64_t), sizeof pair);
    sums.first += static_cast<unsigned __int128>(pair[0] + kKeys[i]) * (pair[1] + kKeys[i + 1]);
    sums.second +=
        static_cast<unsigned __int128>(pair[0] + kKeys[i + kKeyShift]) * (pair[1] + kKeys[i + kKeyShift + 1]);
  }
  const uint64_t here = spread(place + kGoldenRatio);
  return {spread(fold(sums.first) + here), spread(fold(sums.second) ^ here)};
}

bool is_zero_block(const uint8_t* block) {
  constexpr size_t kStep = 64;
  for (size_t at = 0; at < kHashBlockSize; at += kStep) {
    uint64_t words[kStep / sizeof(uint64_t)];
    memcpy(words, block + at, sizeof words);
    if ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7]) != 0) return false;
  }
  return true;
}
