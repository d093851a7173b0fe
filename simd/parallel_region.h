// When the threads of the pool stay awake.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// The time of one run. Pool threads that have joined a range of it wait for the next one without
// sleeping, for a thread that sleeps is there 10-100 us after it is called; and they are called
// once there is enough work. One at a time, engine thread only.
class ParallelRegion {
 public:
  ParallelRegion();
  ParallelRegion(ParallelRegion&&) = delete;
  ~ParallelRegion();
};

// Pool threads that sleep: all that run, soon after the last range and the last region.
int threads_parked();

// How many ranges have been open to the pool's threads. Engine thread only.
uint32_t shared_ranges();

// How often sleeping threads have been called for a range.
int64_t pool_wakes();

}  // namespace sardonyx::simd
