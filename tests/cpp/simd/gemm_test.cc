#include "simd/gemm.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "simd/half.h"
#include "simd/parallel.h"
#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

using test::max_difference;
using test::random_floats;
using Floats = std::vector<float>;

struct Problem {
  int64_t m, n, k;
  Floats a, b;  // [m, k], [k, n]
  Problem(int64_t rows, int64_t columns, int64_t depth)
      : m(rows), n(columns), k(depth), a(random_floats(m * k, 1)), b(random_floats(k * n, 2)) {}

  std::vector<double> product() const {
    std::vector<double> c(static_cast<size_t>(m * n), 0.0);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t p = 0; p < k; ++p) {
        for (int64_t j = 0; j < n; ++j) {
          c[static_cast<size_t>(i * n + j)] +=
              static_cast<double>(a[static_cast<size_t>(i * k + p)]) *
              b[static_cast<size_t>(p * n + j)];
        }
      }
    }
    return c;
  }
  Floats packed() const {
    Floats out(static_cast<size_t>(gemm_packed_size(k, n)), NAN);
    REQUIRE(gemm_pack_b(b.data(), k, n, n, 1, 1.0f, out.data()).ok());
    return out;
  }
  Floats run(const GemmEpilogue& epilogue = {}) const {
    const Floats pack = packed();
    Floats c(static_cast<size_t>(m * n), NAN);
    const GemmShape shape{.m = m, .n = n, .k = k, .a_stride = k, .c_stride = n};
    REQUIRE(gemm(shape, {a.data(), pack.data(), c.data()}, epilogue).ok());
    return c;
  }
  Floats run_in_place() const {
    Floats c(static_cast<size_t>(m * n), NAN);
    const GemmShape shape{.m = m, .n = n, .k = k, .a_stride = k, .c_stride = n, .b_stride = n};
    REQUIRE(gemm(shape, {a.data(), b.data(), c.data()}).ok());
    return c;
  }
  // Of sums of k products below 1 in one chain.
  double bound() const { return 2e-6 + 6e-8 * static_cast<double>(k); }
};

TEST_CASE("gemm: every tail of rows and columns", "[gemm]") {
  for (int64_t m = 1; m <= 14; ++m) {
    for (int64_t n : {1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 31, 33, 40, 41}) {
      for (int64_t k : {1, 2, 5, 16, 37}) {
        const Problem p(m, n, k);
        const auto expected = p.product();
        INFO(m << " x " << n << " x " << k);
        CHECK(max_difference(p.run(), expected) < p.bound());
        if (n >= 8) CHECK(max_difference(p.run_in_place(), expected) < p.bound());
      }
    }
  }
}

TEST_CASE("gemm: shapes that are cut into blocks", "[gemm]") {
  const int64_t shapes[][3] = {{1, 1000, 700}, {1, 333, 2000}, {100, 130, 600}, {49, 257, 513},
                               {97, 64, 1025}, {3, 900, 300},  {250, 10, 40},   {2, 2, 3000},
                               {5, 8, 1100},   {50, 20, 256}};
  for (const auto& s : shapes) {
    const Problem p(s[0], s[1], s[2]);
    const auto expected = p.product();
    INFO(p.m << " x " << p.n << " x " << p.k);
    CHECK(max_difference(p.run(), expected) < p.bound());
    if (p.n >= 8) CHECK(max_difference(p.run_in_place(), expected) < p.bound());
  }
}

TEST_CASE("gemm: no products leave the epilogue", "[gemm]") {
  const Problem p(3, 5, 0);
  const Floats bias{1, -2, 3, -4, 5};
  const Floats c = p.run({.column_bias = bias.data(), .activation = {ActivationKind::kRelu}});
  CHECK(c == Floats{1, 0, 3, 0, 5, 1, 0, 3, 0, 5, 1, 0, 3, 0, 5});
  CHECK(Problem(0, 5, 3).run().empty());
  CHECK(Problem(5, 0, 3).run().empty());
}

double reference(const Activation& f, double x) {
  switch (f.kind) {
    case ActivationKind::kNone:
      return x;
    case ActivationKind::kRelu:
      return x < 0 ? 0 : x;
    case ActivationKind::kClip:
      return std::fmin(std::fmax(x, f.a), f.b);
    case ActivationKind::kLeakyRelu:
      return x < 0 ? f.a * x : x;
    case ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kHardSigmoid:
      return std::fmax(0, std::fmin(1, f.a * x + f.b));
    case ActivationKind::kHardSwish:
      return x * std::fmax(0, std::fmin(1, x / 6 + 0.5));
    case ActivationKind::kSilu:
      return x / (1 + std::exp(-x));
    case ActivationKind::kGelu:
      return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  }
  return NAN;
}

TEST_CASE("gemm: epilogues", "[gemm]") {
  const Activation activations[] = {{ActivationKind::kNone},
                                    {ActivationKind::kRelu},
                                    {ActivationKind::kClip, -0.5f, 0.75f},
                                    {ActivationKind::kLeakyRelu, 0.1f},
                                    {ActivationKind::kSigmoid},
                                    {ActivationKind::kTanh},
                                    {ActivationKind::kHardSigmoid, 0.2f, 0.5f},
                                    {ActivationKind::kHardSwish},
                                    {ActivationKind::kSilu},
                                    {ActivationKind::kGelu}};
  const int64_t shapes[][3] = {{7, 19, 30}, {1, 45, 600}, {13, 16, 1030}};
  for (const auto& s : shapes) {
    const Problem p(s[0], s[1], s[2]);
    const auto product = p.product();
    const Floats columns = random_floats(p.n, 3), rows = random_floats(p.m, 4),
                 add = random_floats(p.m * p.n, 5);
    for (const Activation& f : activations) {
      for (int which = 0; which < 16; ++which) {
        const GemmEpilogue epilogue{.column_bias = which & 1 ? columns.data() : nullptr,
                                    .row_bias = which & 2 ? rows.data() : nullptr,
                                    .add = which & 4 ? add.data() : nullptr,
                                    .add_stride = which & 8 ? p.n : 0,
                                    .activation = f};
        auto expected = product;
        for (int64_t i = 0; i < p.m * p.n; ++i) {
          const int64_t r = i / p.n, c = i % p.n;
          double& x = expected[static_cast<size_t>(i)];
          if (which & 1) x += columns[static_cast<size_t>(c)];
          if (which & 2) x += rows[static_cast<size_t>(r)];
          if (which & 4) x += add[static_cast<size_t>((which & 8 ? i : c))];
          x = reference(f, x);
        }
        CHECK(max_difference(p.run(epilogue), expected) < 2 * p.bound());
      }
    }
  }
}

TEST_CASE("gemm: NaN and infinities pass through clamps", "[gemm]") {
  Problem p(2, 9, 3);
  p.a[0] = NAN;
  const Floats c = p.run({.activation = {ActivationKind::kRelu}});
  for (size_t j = 0; j < 9; ++j) CHECK(std::isnan(c[j]));
  for (size_t j = 9; j < 18; ++j) CHECK(c[j] >= 0);
}

TEST_CASE("gemm: padding columns of B do not leak NaN", "[gemm]") {
  Problem p(7, 5, 4);
  p.a[2] = INFINITY;
  CHECK(max_difference(p.run(), p.product()) < 1e-5);
}

TEST_CASE("gemm: strides, transposed and scaled packing", "[gemm]") {
  for (int64_t n : {3, 8, 21}) {
    for (int64_t k : {1, 4, 7, 30}) {
      const Problem p(9, n, k);
      // B transposed, with gaps; A and C with gaps.
      const int64_t gap = 3;
      Floats bt(static_cast<size_t>(n * (k + gap)), NAN),
          a(static_cast<size_t>(9 * (k + gap)), NAN);
      for (int64_t i = 0; i < k; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          bt[static_cast<size_t>(j * (k + gap) + i)] = p.b[static_cast<size_t>(i * n + j)];
        }
        for (int64_t r = 0; r < 9; ++r) {
          a[static_cast<size_t>(r * (k + gap) + i)] = p.a[static_cast<size_t>(r * k + i)];
        }
      }
      Floats pack(static_cast<size_t>(gemm_packed_size(k, n)), NAN);
      REQUIRE(gemm_pack_b(bt.data(), k, n, 1, k + gap, 2.0f, pack.data()).ok());
      Floats c(static_cast<size_t>(9 * (n + gap)), -7.0f);
      const GemmShape shape{.m = 9, .n = n, .k = k, .a_stride = k + gap, .c_stride = n + gap};
      REQUIRE(gemm(shape, {a.data(), pack.data(), c.data()}).ok());
      const auto product = p.product();
      for (int64_t r = 0; r < 9; ++r) {
        for (int64_t j = 0; j < n + gap; ++j) {
          const float got = c[static_cast<size_t>(r * (n + gap) + j)];
          if (j >= n) {
            CHECK(got == -7.0f);
          } else {
            CHECK(std::fabs(got - 2 * product[static_cast<size_t>(r * n + j)]) < 1e-5);
          }
        }
      }
    }
  }
}

TEST_CASE("gemm: results do not depend on the number of threads", "[gemm]") {
  set_pool_limit(4);
  const int64_t shapes[][3] = {{200, 300, 600}, {1, 4000, 300}, {30, 1000, 64}};
  for (const auto& s : shapes) {
    const Problem p(s[0], s[1], s[2]);
    set_threads(1);
    const Floats alone = p.run(), alone_in_place = p.run_in_place();
    set_threads(4);
    for (int i = 0; i < 1000 && threads_ready() < 4; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(p.run() == alone);
    CHECK(p.run_in_place() == alone_in_place);
    set_threads(1);
  }
}

TEST_CASE("gemm: a batch", "[gemm]") {
  const Problem p(10, 20, 30);
  Problem second = p;
  second.a = random_floats(300, 9);
  const Floats pack = p.packed();
  Floats a = p.a, c(600, NAN);
  a.insert(a.end(), second.a.begin(), second.a.end());
  const GemmOffsets batch[] = {{0, 0, 0}, {300, 0, 200}, {0, 0, 400}};
  const GemmShape shape{.m = 10, .n = 20, .k = 30, .a_stride = 30, .c_stride = 20};
  REQUIRE(gemm(shape, {a.data(), pack.data(), c.data()}, batch).ok());
  CHECK(Floats(c.begin(), c.begin() + 200) == p.run());
  CHECK(Floats(c.begin() + 200, c.begin() + 400) == second.run());
  CHECK(Floats(c.begin() + 400, c.end()) == p.run());
}

// The problem with B rounded to float16; all sizes of halves are among its numbers.
struct HalfProblem {
  Problem problem;
  std::vector<uint16_t> halves;  // B, row-major

  HalfProblem(int64_t m, int64_t n, int64_t k)
      : problem(m, n, k), halves(static_cast<size_t>(k * n)) {
    floats_to_halves(problem.b.data(), halves.data(), k * n);
    const uint16_t special[] = {0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff};
    for (size_t i = 0; i < halves.size(); i += 37) halves[i] = special[i / 37 % 6];
    halves_to_floats(halves.data(), problem.b.data(), k * n);
  }
  Floats run(const GemmEpilogue& epilogue, bool transposed = false) const {
    const int64_t m = problem.m, n = problem.n, k = problem.k;
    std::vector<uint16_t> b = halves;
    for (int64_t i = 0; transposed && i < k * n; ++i) {
      b[static_cast<size_t>(i % n * k + i / n)] = halves[static_cast<size_t>(i)];
    }
    std::vector<uint16_t> pack(static_cast<size_t>(gemm_packed_size(k, n)), 0x7fff);
    REQUIRE(
        gemm_pack_halves(b.data(), k, n, transposed ? 1 : n, transposed ? k : 1, pack.data()).ok());
    Floats c(static_cast<size_t>(m * n), NAN);
    const GemmShape shape{.m = m, .n = n, .k = k, .a_stride = k, .c_stride = n};
    REQUIRE(gemm(shape, {problem.a.data(), nullptr, c.data(), pack.data()}, epilogue).ok());
    return c;
  }
};

TEST_CASE("gemm: weights of float16 give the same bits as when they are widened", "[gemm]") {
  const int64_t rows[] = {1, 2, 3, 4, 5, 6, 7, 12, 13, 100, 197};
  for (int64_t m : rows) {
    for (int64_t n : {3, 8, 12, 31, 40, 41}) {
      const HalfProblem p(m, n, 70);
      CHECK(p.run({}) == p.problem.run());
      CHECK(p.run({}, true) == p.problem.run());
    }
  }
  // A row that is too large for halves to be multiplied as they are, or not finite.
  for (float large : {32768.0f, -1e30f, INFINITY, NAN, 32767.0f, 1e-40f}) {
    HalfProblem p(1, 20, 30);
    p.problem.a[17] = large;
    const Floats actual = p.run({}), expected = p.problem.run();
    CHECK(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)) == 0);
  }
  // K in several blocks, for all epilogues.
  for (int64_t m : {1, 5, 20}) {
    const HalfProblem p(m, 50, 1100);
    const Floats bias = random_floats(50, 3), addend = random_floats(m * 50, 4);
    GemmEpilogue epilogue{.column_bias = bias.data(), .activation = {ActivationKind::kRelu}};
    CHECK(p.run(epilogue) == p.problem.run(epilogue));
    epilogue.activation = {ActivationKind::kTanh};
    epilogue.add = addend.data();
    epilogue.add_stride = 50;
    CHECK(p.run(epilogue) == p.problem.run(epilogue));
  }
}

TEST_CASE("gemm: a batch of float16 matrices", "[gemm]") {
  const HalfProblem p(3, 20, 30);
  std::vector<uint16_t> packs(static_cast<size_t>(2 * gemm_packed_size(30, 20)), 0);
  const int64_t second = gemm_packed_size(30, 20);
  REQUIRE(gemm_pack_halves(p.halves.data(), 30, 20, 20, 1, packs.data() + second).ok());
  const GemmOffsets batch[] = {{0, 0, 0}, {0, second, 60}};
  const GemmShape shape{.m = 3, .n = 20, .k = 30, .a_stride = 30, .c_stride = 20};
  Floats c(120, NAN);
  REQUIRE(gemm(shape, {p.problem.a.data(), nullptr, c.data(), packs.data()}, batch).ok());
  CHECK(Floats(c.begin(), c.begin() + 60) == Floats(60, 0.0f));
  CHECK(Floats(c.begin() + 60, c.end()) == p.problem.run());
}

TEST_CASE("gemv_rows and transpose_matrix", "[gemm]") {
  for (int64_t m : {1, 3, 4, 9}) {
    for (int64_t k : {1, 4, 6, 50}) {
      const Problem p(m, 1, k);
      Floats y(static_cast<size_t>(m), NAN), t(static_cast<size_t>(m * k), NAN);
      const GemmOffsets once[] = {{}};
      REQUIRE(gemv_rows(m, k, p.a.data(), p.b.data(), y.data(), once).ok());
      CHECK(max_difference(y, p.product()) < p.bound());
      transpose_matrix(p.a.data(), m, k, k, t.data());
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < k; ++j) {
          CHECK(t[static_cast<size_t>(j * m + i)] == p.a[static_cast<size_t>(i * k + j)]);
        }
      }
    }
  }
}

TEST_CASE("gemv_rows of a batch: no row takes part in another", "[gemm]") {
  for (int64_t k : {3, 7, 18}) {
    Problem p(6, 1, k), q(6, 1, k);
    q.a = random_floats(6 * k, 3);
    Floats a = p.a, y(12, NAN);
    a.back() = INFINITY;
    a.insert(a.end(), q.a.begin(), q.a.end());
    const GemmOffsets batch[] = {{0, 0, 6}, {6 * k, 0, 0}};
    REQUIRE(gemv_rows(6, k, a.data(), p.b.data(), y.data(), batch).ok());
    CHECK(max_difference(Floats(y.begin(), y.begin() + 6), q.product()) < q.bound());
    CHECK(std::isinf(y.back()));
    std::vector<double> finite = p.product();
    finite.pop_back();
    CHECK(max_difference(Floats(y.begin() + 6, y.end() - 1), finite) < p.bound());
  }
}

// Rows in channel blocks, as convolutions feed them.
template <int MR, int NP>
void check_blocked_tile(int64_t k) {
  const Problem p(MR, NP * kPanel, k);
  const Floats pack = p.packed();
  const int64_t block_stride = 4 * (MR + 2);
  Floats blocks(static_cast<size_t>((k + 3) / 4 * block_stride), NAN);
  const float* rows[MR];
  for (int64_t r = 0; r < MR; ++r) {
    rows[r] = blocks.data() + r * 4;
    for (int64_t i = 0; i < k; ++i) {
      blocks[static_cast<size_t>(i / 4 * block_stride + r * 4 + i % 4)] =
          p.a[static_cast<size_t>(r * k + i)];
    }
  }
  Tile<MR, NP> tile;
  tile_clear(tile);
  tile_accumulate_blocked(tile, rows, static_cast<size_t>(k), static_cast<size_t>(block_stride),
                          pack.data(), static_cast<size_t>(k) * kPanel);
  Floats c(static_cast<size_t>(MR * NP * kPanel));
  for (int r = 0; r < MR; ++r) {
    for (int v = 0; v < 2 * NP; ++v)
      store(&c[static_cast<size_t>(r * NP * kPanel + 4 * v)], tile.acc[r][v]);
  }
  CHECK(max_difference(c, p.product()) < p.bound());
}

TEST_CASE("gemm tiles on channel blocks", "[gemm]") {
  for (int64_t k : {1, 3, 4, 5, 8, 18, 32}) {
    check_blocked_tile<kMainRows, kMainPanels>(k);
    check_blocked_tile<kOnePanelRows, 1>(k);
    check_blocked_tile<1, 4>(k);
    check_blocked_tile<3, 1>(k);
  }
}

}  // namespace
}  // namespace sardonyx::simd
