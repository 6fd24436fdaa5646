/* Threads of TBB: parallel loops that steal from each other, spin locks, and a
 * barrier on which all spin. */
#include <atomic>
#include <cstdint>
#include <cstdio>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/spin_mutex.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <thread>
#include <vector>

namespace {

constexpr int threads = 3;
constexpr int rounds = 5;

uint64_t mixed(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

/* All spin until the last one has come. */
class SpinBarrier {
public:
  void wait() {
    const int mine = generation.load();
    if (arrived.fetch_add(1) + 1 == threads) {
      arrived.store(0);
      generation.store(mine + 1);
    } else
      while (generation.load() == mine)
        __builtin_ia32_pause();
  }

private:
  std::atomic<int> arrived{0};
  std::atomic<int> generation{0};
};

} // namespace

int main() {
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(threads);
  std::vector<uint64_t> items(8000);
  tbb::spin_mutex lock;
  uint64_t order = 1;
  SpinBarrier barrier;
  arena.execute([&] {
    for (int round = 0; round < rounds; round++)
      tbb::parallel_for(tbb::blocked_range<size_t>(0, items.size(), 500), [&](const auto &range) {
        for (size_t i = range.begin(); i < range.end(); i++)
          items[i] = mixed(items[i] + i + 1);
        /* Who comes when is a race: a replay must have the same order. */
        tbb::spin_mutex::scoped_lock held(lock);
        order = mixed(order * 31 + range.begin() + (uint64_t)tbb::this_task_arena::current_thread_index());
      });
  });
  std::vector<std::thread> crew;
  for (int id = 0; id < threads; id++)
    crew.emplace_back([&, id] {
      for (int round = 0; round < rounds; round++) {
        tbb::spin_mutex::scoped_lock held(lock);
        order = mixed(order * 31 + (uint64_t)id);
        held.release();
        barrier.wait();
      }
    });
  for (auto &each : crew)
    each.join();
  const uint64_t sum = tbb::parallel_reduce(
      tbb::blocked_range<size_t>(0, items.size()), uint64_t{0},
      [&](const auto &range, uint64_t part) {
        for (size_t i = range.begin(); i < range.end(); i++)
          part ^= items[i];
        return part;
      },
      [](uint64_t one, uint64_t other) { return one ^ other; });
  std::printf("%d threads: %016lx %016lx\n", threads, sum, order);
  return 0;
}
