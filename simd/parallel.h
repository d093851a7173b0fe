// Data parallelism over an index range, on a pool of threads that is optional at every moment.
//
// Threads join in the background; a range is shared among those that have reported ready, the
// caller included, and with none it runs inline. How a range is cut does not depend on the number
// of threads, so results that are computed per chunk do not either.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/status.h"

namespace sardonyx::simd {

inline constexpr int kMaxThreads = 32;

// How many pool threads can be started at once without help from the event loop: on wasm the
// workers that the module was instantiated with (Module.poolSize), 0 until told; natively
// kMaxThreads - 1. Engine thread only.
void set_pool_limit(int pool_threads);

// Number of threads that take part from now on, the caller included; clamped to [1, kMaxThreads].
// Starts missing threads up to the pool limit and returns without waiting for them; with a higher
// limit call it again. A lower number leaves threads parked. Engine thread only.
void set_threads(int threads);

// Threads that would take part in a range now, the caller included. Thread-safe.
int threads_ready();

// What threads_ready() becomes once all that have been started run. Thread-safe.
int threads_started();

// What set_threads() was asked for, whether they can be started yet or not: an upper bound of
// threads_ready() by which per-thread scratch is sized. Engine thread only.
int threads_wanted();

// A word that is set to non-zero, from any thread or from JavaScript, when a pool thread has
// trapped. From then on every shared range fails with ENGINE_TRAP within 100 ms. Lives as long as
// the process.
std::atomic<int32_t>* crash_word();

namespace detail {

using RangeFn = void (*)(void* context, int64_t begin, int64_t end, int thread);
Status run_range(int64_t count, int64_t grain, int max_threads, RangeFn fn, void* context);

}  // namespace detail

// Calls fn(begin, end) or fn(begin, end, thread) for the chunks of [0, count), each `grain` long
// but the last, in any order, and returns when all are done. `thread` is in [0, max_threads) and no
// two running calls share it. A chunk should take 5-30 us (see grain_for): one chunk runs inline.
// Calls from inside a chunk, and calls while another thread has the pool, run inline. ENGINE_TRAP
// when a pool thread has died.
template <typename Fn>
Status parallel_for(int64_t count, int64_t grain, int max_threads, Fn&& fn) {
  using Body = std::remove_reference_t<Fn>;
  return detail::run_range(
      count, grain, max_threads,
      [](void* context, int64_t begin, int64_t end, [[maybe_unused]] int thread) {
        Body& body = *static_cast<Body*>(context);
        if constexpr (std::is_invocable_v<Body&, int64_t, int64_t, int>) {
          body(begin, end, thread);
        } else {
          body(begin, end);
        }
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(fn))));
}

template <typename Fn>
Status parallel_for(int64_t count, int64_t grain, Fn&& fn) {
  return parallel_for(count, grain, kMaxThreads, static_cast<Fn&&>(fn));
}

// Items per chunk of about 10 us, for items that take `ns_per_item`.
inline int64_t grain_for(double ns_per_item) {
  const double items = 10000.0 / (ns_per_item < 1e-3 ? 1e-3 : ns_per_item);
  return items < 1.0 ? 1 : static_cast<int64_t>(items);
}

}  // namespace sardonyx::simd
