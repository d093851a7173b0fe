#include "simd/parallel.h"
#include "simd/parallel_region.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace sardonyx::simd {
namespace {

// Threads join in the background.
void start_threads(int threads) {
  set_pool_limit(4);
  set_threads(threads);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (threads_ready() < threads && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE(threads_ready() == threads);
}

// True when each index was visited once.
bool covers(int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
  std::atomic<bool> cut_right{true};
  const Status status = parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    if (begin % grain != 0 || end - begin > grain) cut_right = false;
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  for (const auto& v : visits) {
    if (v != 1) return false;
  }
  return status.ok() && cut_right;
}

TEST_CASE("parallel_for visits every index once", "[parallel]") {
  for (int threads : {1, 2, 4, 3, 1}) {
    start_threads(threads);
    CHECK(threads_wanted() == threads);
    for (int64_t count : {0, 1, 2, 63, 64, 65, 1000}) {
      for (int64_t grain : {1, 7, 64, 5000}) CHECK(covers(count, grain));
    }
  }
  start_threads(4);
  bool all = true;
  for (int i = 0; i < 5000; ++i) all = covers(16, 1) && all;
  CHECK(all);
}

TEST_CASE("parallel_for after the pool has gone to sleep", "[parallel]") {
  start_threads(3);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(covers(100, 3));
  }
}

// Once nothing is shared, all pool threads go to sleep.
bool all_park(int threads) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (threads_parked() != threads && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return threads_parked() == threads;
}

TEST_CASE("the pool sleeps when a region has ended, and between ranges outside of one",
          "[parallel]") {
  start_threads(4);
  CHECK(covers(1000, 1));
  CHECK(all_park(3));
  {
    const ParallelRegion region;
    CHECK(covers(1000, 1));
  }
  CHECK(all_park(3));
}

TEST_CASE("a region wakes threads for much work only", "[parallel]") {
  start_threads(4);
  REQUIRE(all_park(3));
  const int64_t before = pool_wakes();
  const uint32_t shared = shared_ranges();
  {
    const ParallelRegion region;
    for (int i = 0; i < 11; ++i) CHECK(covers(2, 1));
    CHECK(pool_wakes() == before);
    CHECK(shared_ranges() == shared);
    CHECK(threads_parked() == 3);
    CHECK(covers(2, 1));
    CHECK(pool_wakes() == before + 1);
    CHECK(shared_ranges() == shared + 1);
  }
  REQUIRE(all_park(3));
  {
    const ParallelRegion region;
    CHECK(covers(24, 1));
    CHECK(pool_wakes() >= before + 2);
  }
  REQUIRE(all_park(3));
  const int64_t outside = pool_wakes();
  CHECK(covers(2, 1));
  CHECK(pool_wakes() == outside + 1);
}

TEST_CASE("no two running calls share a thread number", "[parallel]") {
  start_threads(4);
  std::atomic<int> in_use[3] = {};
  std::atomic<bool> right{true};
  const Status status = parallel_for(500, 1, 3, [&](int64_t begin, int64_t, int thread) {
    if (thread < 0 || thread >= 3 || ++in_use[thread] != 1) right = false;
    volatile double x = 1;
    for (int64_t i = 0; i < 200 + begin % 7; ++i) x = x * 1.0001;
    --in_use[thread];
  });
  CHECK(status.ok());
  CHECK(right);
}

TEST_CASE("nested and concurrent ranges run inline", "[parallel]") {
  start_threads(4);
  std::atomic<int64_t> sum{0};
  const auto nested = [&] {
    return parallel_for(20, 1, [&](int64_t begin, int64_t) {
      const Status inner = parallel_for(10, 2, [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) sum += i + begin * 0;
      });
      if (!inner.ok()) sum = -1'000'000;
    });
  };
  CHECK(nested().ok());
  CHECK(sum == 20 * 45);
  sum = 0;
  bool other_ok = false;
  std::thread other([&] { other_ok = nested().ok(); });
  CHECK(nested().ok());
  other.join();
  CHECK(other_ok);
  CHECK(sum == 40 * 45);
}

TEST_CASE("limits hold", "[parallel]") {
  set_pool_limit(0);
  set_threads(8);
  CHECK(threads_wanted() == 8);
  CHECK(threads_started() == 1);
  CHECK(covers(100, 1));
  set_pool_limit(4);
  set_threads(-3);
  CHECK(threads_wanted() == 1);
}

TEST_CASE("the crash word fails ranges while it is set", "[parallel]") {
  start_threads(2);
  crash_word()->store(1);
  const Status status = parallel_for(100, 1, [](int64_t, int64_t) {});
  CHECK(status.code() == ErrorCode::ENGINE_TRAP);
  crash_word()->store(0);
  CHECK(covers(100, 1));
}

}  // namespace
}  // namespace sardonyx::simd
