#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "ops/convert.h"
#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

const DType kDTypes[] = {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16,
                         DType::kInt8,    DType::kUint8,   DType::kInt16,   DType::kUint16,
                         DType::kInt32,   DType::kUint32,  DType::kInt64,   DType::kUint64,
                         DType::kBool};

int64_t number(DType dtype) {
  return static_cast<int64_t>(dtype);
}

// Every value of the range is exact in every dtype, so that rounding does not enter.
TEST_CASE("Cast between all dtypes", "[cast]") {
  for (DType from : kDTypes) {
    for (DType to : kDTypes) {
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{131}, Shape{1, 5, 2, 3}}) {
        TestTensor x = make_tensor(from, shape);
        TestTensor y = make_tensor(to, shape);
        for (int64_t i = 0; i < x.size(); ++i) {
          set_element(x, i, static_cast<double>(i % 100));
          set_element(y, i, element(x, i));
        }
        OpTest("Cast", 13).set("to", number(to)).input(x).expect(y).run();
        OpTest("CastLike", 15).input(x).input(make_tensor(to, {2})).expect(y).run();
      }
    }
  }
}

TEST_CASE("floats become integers towards zero", "[cast]") {
  const TestTensor x = f32({6}, {-1.9f, 1.9f, -0.5f, 0.5f, 2147483648.0f, -3e9f});
  OpTest("Cast")
      .set("to", number(DType::kInt64))
      .input(x)
      .expect(i64({6}, {-1, 1, 0, 0, 2147483648LL, -3000000000LL}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kBool))
      .input(f32({4}, {0, -0.0f, 0.1f, NAN}))
      .expect(bools({4}, {0, 0, 1, 1}))
      .run();
  const float inf = std::numeric_limits<float>::infinity();
  OpTest("Cast")
      .set("to", number(DType::kInt64))
      .input(f32({3}, {inf, -inf, NAN}))
      .expect(i64({3}, {INT64_MAX, INT64_MIN, 0}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kUint64))
      .input(f32({2}, {1.5e19f, 7}))
      .expect(tensor<uint64_t>({2}, {static_cast<uint64_t>(1.5e19f), 7}))
      .run();
}

TEST_CASE("wide integers wrap and round", "[cast]") {
  OpTest("Cast")
      .set("to", number(DType::kInt8))
      .input(i64({3}, {300, -129, 127}))
      .expect(tensor<int8_t>({3}, {44, 127, 127}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kFloat32))
      .input(tensor<uint64_t>({1}, {UINT64_MAX}))
      .expect(f32({1}, {18446744073709551616.0f}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kFloat64))
      .input(i64({1}, {INT64_MIN}))
      .expect(tensor<double>({1}, {-9223372036854775808.0}))
      .run();
}

TestTensor halves(DType dtype, const std::vector<uint16_t>& bits) {
  TestTensor out = tensor<uint16_t>({static_cast<int64_t>(bits.size())}, bits);
  out.dtype = dtype;
  return out;
}

void check_bits(DType to, const std::vector<float>& values, const std::vector<uint16_t>& bits) {
  const auto count = static_cast<int64_t>(values.size());
  OpTest("Cast")
      .set("to", number(to))
      .input(f32({count}, values))
      .expect(halves(to, bits))
      .tolerance(0, 0)
      .run();
}

TEST_CASE("float16 rounds to nearest even", "[cast]") {
  const float inf = std::numeric_limits<float>::infinity();
  check_bits(DType::kFloat16,
             {1.0f, -2.0f, 65504.0f, 65519.0f, 65520.0f, inf, -inf, 0x1p-24f, 0x1p-25f, 0x1.8p-25f,
              0x1p-14f, 0x1.ffcp-15f, 1.0f + 0x1p-11f, 1.0f + 0x3p-11f, -0.0f},
             {0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 1, 0, 1, 0x0400, 0x0400,
              0x3c00, 0x3c02, 0x8000});
  check_bits(DType::kBfloat16, {1.0f, -2.0f, 1.0f + 0x1p-8f, 1.0f + 0x3p-8f, inf, 3.4e38f},
             {0x3f80, 0xc000, 0x3f80, 0x3f82, 0x7f80, 0x7f80});
}

TEST_CASE("every float16 survives the way to float32 and back", "[cast]") {
  std::vector<uint16_t> bits;
  for (uint32_t i = 0; i < 0x10000; ++i) {
    if ((i & 0x7fff) <= 0x7c00) bits.push_back(static_cast<uint16_t>(i));
  }
  const TestTensor f16 = halves(DType::kFloat16, bits);
  TestTensor wide = make_tensor(DType::kFloat32, f16.shape);
  for (int64_t i = 0; i < f16.size(); ++i) set_element(wide, i, element(f16, i));
  OpTest("Cast").set("to", number(DType::kFloat32)).input(f16).expect(wide).tolerance(0, 0).run();
  OpTest("Cast").set("to", number(DType::kFloat16)).input(wide).expect(f16).tolerance(0, 0).run();
}

TEST_CASE("Cast refuses what is no dtype", "[cast]") {
  const TestTensor x = f32({2}, {1, 2});
  OpTest("Cast").input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  for (int64_t to : {int64_t{0}, int64_t{-1}, int64_t{99}, INT64_MAX}) {
    OpTest("Cast").set("to", to).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  }
}

TEST_CASE("Cast writes numbers as strings", "[cast]") {
  const auto as_strings = [](const TestTensor& x, const std::vector<std::string>& expected) {
    OpTest("Cast")
        .set("to", number(DType::kString))
        .input(x)
        .expect(strings(x.shape, expected))
        .run();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  as_strings(f32({2, 3}, {0.1f, -1.5f, 3e20f, 0.47892547f, 1, 16777216}),
             {"0.1", "-1.5", "3e+20", "0.47892547", "1", "16777216"});
  as_strings(f32({3}, {nan, infinity, -infinity}), {"NaN", "INF", "-INF"});
  as_strings(tensor<double>({2}, {0.1, 1.0 / 3}), {"0.1", "0.3333333333333333"});
  as_strings(i64({2}, {INT64_MIN, 7}), {"-9223372036854775808", "7"});
  as_strings(tensor<uint64_t>({1}, {UINT64_MAX}), {"18446744073709551615"});
  as_strings(bools({2}, {0, 1}), {"0", "1"});
  as_strings(strings({2}, {"as", "it is"}), {"as", "it is"});
}

TEST_CASE("Cast reads numbers from strings", "[cast]") {
  const TestTensor texts = strings({5}, {"1", "-2.5", "1e3", "+INF", "nan"});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  OpTest("Cast")
      .set("to", number(DType::kFloat32))
      .input(texts)
      .expect(f32({5}, {1, -2.5f, 1000, infinity, nan}))
      .run();
  OpTest("CastLike")
      .weight(strings({2}, {"9007199254740993", "-1e2"}))
      .input(i64({}, {0}))
      .expect(i64({2}, {9007199254740993, -100}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kInt64))
      .input(strings({5}, {" 7", "9223372036854775808", "-9223372036854775809", "-1.5", "+2e3"}))
      .expect(i64({5}, {7, INT64_MAX, INT64_MIN, -1, 2000}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kUint64))
      .input(strings({3}, {"18446744073709551615", "18446744073709551616", "2.5"}))
      .expect(tensor<uint64_t>({3}, {UINT64_MAX, UINT64_MAX, 2}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kFloat64))
      .input(strings({4}, {"-Infinity", "\t-0.1", "4.9e-324", "1e999"}))
      .expect(tensor<double>({4}, {-HUGE_VAL, -0.1, 4.9e-324, HUGE_VAL}))
      .run();
  for (const char* text : {"", "one", "1 2", "0x10", "1e", "--1", "1.2.3"}) {
    for (const DType to : {DType::kFloat32, DType::kInt64, DType::kUint64, DType::kFloat64}) {
      OpTest("Cast")
          .set("to", number(to))
          .input(strings({1}, {text}))
          .fails(ErrorCode::VALUE_RANGE);
    }
  }
  OpTest("Cast")
      .set("to", number(DType::kFloat8E5M2))
      .input(strings({1}, {"1"}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

// Codes that every format gives back: finite values, their signs, infinities where there are.
TEST_CASE("small floats survive a way through float32", "[cast]") {
  struct Case {
    DType dtype;
    int bits;
    std::vector<int> nans;
  };
  for (const Case& c :
       {Case{DType::kFloat8E4M3FN, 8, {0x7f, 0xff}}, Case{DType::kFloat8E4M3FNUZ, 8, {0x80}},
        Case{DType::kFloat8E5M2, 8, {0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff}},
        Case{DType::kFloat8E5M2FNUZ, 8, {0x80}}, Case{DType::kFloat8E8M0, 8, {0xff}},
        Case{DType::kFloat4E2M1, 4, {}}}) {
    std::vector<uint8_t> bytes;
    for (int code = 0; code < 1 << c.bits; code += 8 / c.bits) {
      if (std::count(c.nans.begin(), c.nans.end(), code)) continue;
      bytes.push_back(static_cast<uint8_t>(c.bits == 4 ? code | (code + 1) << 4 : code));
    }
    const auto count = static_cast<int64_t>(bytes.size()) * 8 / c.bits;
    const TestTensor small = payload(c.dtype, {count}, bytes);
    // Its values in double precision, from the engine, are exact in float32.
    TestTensor wide = make_tensor(DType::kFloat32, {count});
    ops::convert(DType::kFloat32, wide.bytes.data(), c.dtype, small.bytes.data(), 1, count);
    OpTest("Cast", 25).set("to", number(DType::kFloat32)).input(small).expect(wide).run();
    // Infinities stay as they are only without saturation.
    OpTest("Cast", 25)
        .set("to", number(c.dtype))
        .set("saturate", 0)
        .input(wide)
        .expect(small)
        .run();
  }
}

TEST_CASE("values of small floats", "[cast]") {
  const auto check = [](DType dtype, const std::vector<uint8_t>& codes,
                        const std::vector<float>& values) {
    const auto count = static_cast<int64_t>(values.size());
    OpTest("Cast", 25)
        .set("to", number(DType::kFloat32))
        .input(payload(dtype, {count}, codes))
        .expect(f32({count}, values))
        .run();
  };
  const float inf = std::numeric_limits<float>::infinity();
  check(DType::kFloat8E4M3FN, {0x00, 0x01, 0x08, 0x38, 0x7e, 0x7f, 0xb8},
        {0, 0x1p-9f, 0x1p-6f, 1, 448, NAN, -1});
  check(DType::kFloat8E4M3FNUZ, {0x01, 0x40, 0x7f, 0x80}, {0x1p-10f, 1, 240, NAN});
  check(DType::kFloat8E5M2, {0x01, 0x3c, 0x7b, 0x7c, 0xfc, 0x7e},
        {0x1p-16f, 1, 57344, inf, -inf, NAN});
  check(DType::kFloat8E5M2FNUZ, {0x01, 0x40, 0x7f, 0x80}, {0x1p-17f, 1, 57344, NAN});
  check(DType::kFloat8E8M0, {0x00, 0x7f, 0xfe, 0xff}, {0x1p-127f, 1, 0x1p127f, NAN});
  check(DType::kFloat4E2M1, {0x10, 0x32, 0x54, 0x76, 0xa8},
        {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -1});
}

TEST_CASE("rounding to small floats: ties to even, saturation, NaN", "[cast]") {
  const float inf = std::numeric_limits<float>::infinity();
  // 1.0625 and 1.1875 lie between neighbours; 464 between the largest and what is beyond.
  const std::vector<float> values{1.0625f, 1.1875f, 464, 465, inf, -inf, NAN, -0.0f};
  const auto check = [&](DType dtype, int saturate, const std::vector<uint8_t>& codes) {
    OpTest("Cast", 25)
        .set("to", number(dtype))
        .set("saturate", saturate)
        .input(f32({8}, values))
        .expect(payload(dtype, {8}, codes))
        .run();
  };
  check(DType::kFloat8E4M3FN, 1, {0x38, 0x3a, 0x7e, 0x7e, 0x7e, 0xfe, 0x7f, 0x80});
  check(DType::kFloat8E4M3FN, 0, {0x38, 0x3a, 0x7e, 0x7f, 0x7f, 0xff, 0x7f, 0x80});
  check(DType::kFloat8E4M3FNUZ, 1, {0x40, 0x42, 0x7f, 0x7f, 0x7f, 0xff, 0x80, 0x00});
  check(DType::kFloat8E4M3FNUZ, 0, {0x40, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00});
  check(DType::kFloat8E5M2, 0, {0x3c, 0x3d, 0x5f, 0x5f, 0x7c, 0xfc, 0x7e, 0x80});
}

TEST_CASE("powers of two are rounded as round_mode says", "[cast]") {
  const auto check = [](const char* mode, const std::vector<uint8_t>& codes) {
    OpTest test("Cast", 25);
    if (mode) test.set("round_mode", mode);
    test.set("to", number(DType::kFloat8E8M0)).input(f32({5}, {1, 1.25f, 1.5f, 3.5f, NAN}));
    test.expect(payload(DType::kFloat8E8M0, {5}, codes)).run();
  };
  check(nullptr, {127, 128, 128, 129, 255});
  check("up", {127, 128, 128, 129, 255});
  check("down", {127, 127, 127, 128, 255});
  check("nearest", {127, 127, 128, 129, 255});
  OpTest("Cast", 25)
      .set("to", number(DType::kFloat8E8M0))
      .set("round_mode", "sideways")
      .input(f32({1}, {1}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

TEST_CASE("integers of four and two bits are packed", "[cast]") {
  const std::vector<int64_t> values{-8, 7, 1, -1, 9};
  OpTest("Cast", 25)
      .set("to", number(DType::kInt4))
      .input(i64({5}, values))
      .expect(payload(DType::kInt4, {5}, {0x78, 0xf1, 0x09}))
      .run();
  OpTest("Cast", 25)
      .set("to", number(DType::kInt64))
      .input(payload(DType::kInt4, {5}, {0x78, 0xf1, 0x09}))
      .expect(i64({5}, {-8, 7, 1, -1, -7}))
      .run();
  OpTest("Cast", 25)
      .set("to", number(DType::kFloat32))
      .input(payload(DType::kUint4, {3}, {0x78, 0x0f}))
      .expect(f32({3}, {8, 7, 15}))
      .run();
  OpTest("Cast", 25)
      .set("to", number(DType::kInt2))
      .input(i64({5}, {-2, -1, 0, 1, -2}))
      .expect(payload(DType::kInt2, {5}, {0x4e, 0x02}))
      .run();
  OpTest("Cast", 25)
      .set("to", number(DType::kInt32))
      .input(payload(DType::kUint2, {5}, {0x4e, 0x02}))
      .expect(i32({5}, {2, 3, 0, 1, 2}))
      .run();
}

}  // namespace
}  // namespace sardonyx::test
