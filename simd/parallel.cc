#include "simd/parallel.h"
#include "simd/parallel_region.h"

#include <algorithm>
#include <chrono>
#include <climits>

#include <pthread.h>

#if !defined(__wasm__)
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include <thread>
#endif

namespace sardonyx::simd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kSpinNs = 40'000;
// Within a region: longer than most steps that are not shared.
constexpr int64_t kRegionSpinNs = 1'000'000;
// Chunks of a region that the caller does alone before it wakes others: to be woken takes as long.
constexpr int64_t kChunksBeforeWake = 24;
constexpr int64_t kWaitSliceNs = 100'000'000;

// --- waiting on a word ---------------------------------------------------------------------------

// Until `word` is notified, differs from `expected` or `timeout_ns` (< 0: never) have passed.
void wait_on(std::atomic<uint32_t>& word, uint32_t expected, int64_t timeout_ns) {
#if defined(__wasm__)
  __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), static_cast<int>(expected),
                                      timeout_ns);
#elif defined(__linux__)
  timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? nullptr : &timeout,
          nullptr, 0);
#else
  if (word.load() == expected) std::this_thread::sleep_for(std::chrono::microseconds(100));
  (void)timeout_ns;
#endif
}

void notify(std::atomic<uint32_t>& word, int waiters) {
#if defined(__wasm__)
  __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word),
                                      static_cast<unsigned>(waiters));
#elif defined(__linux__)
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, waiters, nullptr, nullptr, 0);
#else
  (void)word;
  (void)waiters;
#endif
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// True as soon as done() is, false after about limit_ns() of it. Reads the clock rarely: in wasm
// that is a call into JavaScript.
template <typename Done, typename Limit>
bool spin_until(Done done, Limit limit_ns) {
  const auto start = Clock::now();
  do {
    for (int i = 0; i < 256; ++i) {
      if (done()) return true;
      relax();
    }
  } while ((Clock::now() - start).count() < limit_ns());
  return false;
}

// --- the pool ------------------------------------------------------------------------------------

// What some threads write often lies apart from what others wait for.
constexpr size_t kLine = 64;

// One shared range. Fields are written by the caller before it opens the gate.
struct Range {
  detail::RangeFn fn = nullptr;
  void* context = nullptr;
  int64_t count = 0;
  int64_t grain = 1;
  int max_threads = 1;
  alignas(kLine) std::atomic<int64_t> next{0};
};

// Set in Pool::gate while the range may be entered; the other bits count the threads inside.
constexpr uint32_t kOpen = 1u << 31;

struct Pool {
  Range range;
  alignas(kLine) std::atomic<uint32_t> gate{0};
  alignas(kLine) std::atomic<uint32_t> epoch{0};  // raised with every shared range
  std::atomic<bool> in_region{false};
  alignas(kLine) std::atomic<uint32_t> sleepers{0};
  std::atomic<int64_t> wakes{0};
  int64_t unshared_chunks = 0;  // of the region
  uint32_t shared_ranges = 0;
  std::atomic<int> width{1};  // threads that have been started and may take part
  int wanted = 1;
  std::atomic<int> ready{0};  // pool threads that run
  std::atomic<bool> busy{false};
  std::atomic<int32_t> crashed{0};
  int started = 0;
#if defined(__wasm__)
  int limit = 0;
#else
  int limit = kMaxThreads - 1;
#endif
};

// Never destroyed: pool threads outlive static destruction.
Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

thread_local bool inside_range = false;

void take_chunks(Range& range, int thread) {
  inside_range = true;
  for (;;) {
    const int64_t begin = range.next.fetch_add(range.grain, std::memory_order_relaxed);
    if (begin >= range.count) break;
    range.fn(range.context, begin, std::min(begin + range.grain, range.count), thread);
  }
  inside_range = false;
}

void join_range(Pool& p, int thread) {
  uint32_t gate = p.gate.load(std::memory_order_relaxed);
  do {
    if ((gate & kOpen) == 0) return;
  } while (!p.gate.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire,
                                         std::memory_order_relaxed));
  if (thread < p.range.max_threads) take_chunks(p.range, thread);
  if (p.gate.fetch_sub(1, std::memory_order_acq_rel) == 1) notify(p.gate, 1);
}

void* pool_thread(void* argument) {
  Pool& p = pool();
  const int thread = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  uint32_t seen = p.epoch.load();
  p.ready.fetch_add(1);
  for (;;) {
    const auto changed = [&] { return p.epoch.load(std::memory_order_acquire) != seen; };
    const auto limit = [&] {
      const bool awaited = thread < p.width.load(std::memory_order_relaxed) &&
                           p.in_region.load(std::memory_order_relaxed);
      return awaited ? kRegionSpinNs : kSpinNs;
    };
    if (!spin_until(changed, limit)) {
      p.sleepers.fetch_add(1);
      while (!changed()) wait_on(p.epoch, seen, -1);
      p.sleepers.fetch_sub(1);
    }
    seen = p.epoch.load(std::memory_order_acquire);
    if (thread < p.width.load(std::memory_order_relaxed)) join_range(p, thread);
  }
  return nullptr;
}

Status trapped() {
  return error(ErrorCode::ENGINE_TRAP, "a pool thread has trapped");
}

// False when a thread inside the range has died.
bool wait_for_others(Pool& p) {
  const auto empty = [&] { return p.gate.load(std::memory_order_acquire) == 0; };
  if (spin_until(empty, [] { return kSpinNs; })) return true;
  while (!empty()) {
    if (p.crashed.load(std::memory_order_relaxed) != 0) return false;
    const uint32_t inside = p.gate.load(std::memory_order_acquire);
    if (inside != 0) wait_on(p.gate, inside, kWaitSliceNs);
  }
  return true;
}

// Whether the range is worth waking threads for, if they sleep.
bool is_worth_waking(Pool& p, int64_t chunks) {
  if (!p.in_region.load(std::memory_order_relaxed) || p.sleepers.load() == 0) return true;
  p.unshared_chunks += chunks;
  return p.unshared_chunks >= kChunksBeforeWake;
}

Status share_range(Pool& p, int64_t count, int64_t grain, int max_threads, detail::RangeFn fn,
                   void* context) {
  ++p.shared_ranges;
  Range& range = p.range;
  range.fn = fn;
  range.context = context;
  range.count = count;
  range.grain = grain;
  range.max_threads = max_threads;
  range.next.store(0, std::memory_order_relaxed);
  p.gate.store(kOpen, std::memory_order_release);
  p.epoch.fetch_add(1);
  if (p.sleepers.load() != 0) {
    p.wakes.fetch_add(1, std::memory_order_relaxed);
    notify(p.epoch, INT_MAX);
  }
  take_chunks(range, 0);
  p.gate.fetch_and(~kOpen, std::memory_order_acq_rel);
  // After a trap the pool stays busy for ever: a dead thread may be counted inside.
  if (!wait_for_others(p)) return trapped();
  p.busy.store(false, std::memory_order_release);
  return {};
}

}  // namespace

void set_pool_limit(int pool_threads) {
  pool().limit = std::clamp(pool_threads, 0, kMaxThreads - 1);
}

void set_threads(int threads) {
  Pool& p = pool();
  p.wanted = std::clamp(threads, 1, kMaxThreads);
  const int possible = std::min(p.wanted, p.limit + 1);
  while (p.started < possible - 1) {
    pthread_t handle;
    void* index = reinterpret_cast<void*>(static_cast<intptr_t>(p.started + 1));
    if (pthread_create(&handle, nullptr, pool_thread, index) != 0) break;
    pthread_detach(handle);
    ++p.started;
  }
  p.width.store(std::min(possible, p.started + 1));
}

int threads_ready() {
  Pool& p = pool();
  return std::min(p.ready.load(std::memory_order_relaxed) + 1, p.width.load());
}

int threads_started() {
  return pool().width.load();
}

int threads_wanted() {
  return pool().wanted;
}

int threads_parked() {
  return static_cast<int>(pool().sleepers.load());
}

uint32_t shared_ranges() {
  return pool().shared_ranges;
}

int64_t pool_wakes() {
  return pool().wakes.load(std::memory_order_relaxed);
}

ParallelRegion::ParallelRegion() {
  Pool& p = pool();
  p.unshared_chunks = 0;
  p.in_region.store(true, std::memory_order_relaxed);
}

ParallelRegion::~ParallelRegion() {
  pool().in_region.store(false, std::memory_order_relaxed);
}

std::atomic<int32_t>* crash_word() {
  return &pool().crashed;
}

Status detail::run_range(int64_t count, int64_t grain, int max_threads, RangeFn fn, void* context) {
  if (count <= 0) return {};
  grain = std::max<int64_t>(grain, 1);
  Pool& p = pool();
  if (p.crashed.load(std::memory_order_relaxed) != 0) return trapped();
  const bool alone = inside_range || count <= grain || max_threads <= 1 || threads_ready() <= 1;
  if (!alone && !p.busy.exchange(true, std::memory_order_acquire)) {
    if (is_worth_waking(p, (count + grain - 1) / grain)) {
      return share_range(p, count, grain, max_threads, fn, context);
    }
    p.busy.store(false, std::memory_order_release);
  }
  // Chunk by chunk here too: V8 replaces baseline code only between calls.
  for (int64_t begin = 0; begin < count; begin += grain) {
    fn(context, begin, std::min(begin + grain, count), 0);
  }
  return {};
}

}  // namespace sardonyx::simd
