// Says which operators and functions a module must have for some models, as npm run build
// -- --ops-from wants it: JSON with the symbols of operators.def and functions.def.
#include <cstdio>
#include <iterator>
#include <string_view>

#include "tools/native/failure.h"
#include "tools/native/model_lookups.h"

namespace sardonyx::tool {
namespace {

// In the order of all_operators() and all_functions().
constexpr std::string_view kOperatorSymbols[] = {
#define SX_OPERATOR(domain, name, symbol, since, until, family, layout, flags) #symbol,
#include "ops/operators.def"
#undef SX_OPERATOR
};
constexpr std::string_view kFunctionSymbols[] = {
#define SX_FUNCTION(domain, name, symbol, since, until, family) #symbol,
#include "engine/functions/functions.def"
#undef SX_FUNCTION
};

template <class Entry>
void print_symbols(const char* key, const std::set<const Entry*>& entries,
                   std::span<const Entry> all, const std::string_view* symbols) {
  std::set<std::string_view> chosen;
  for (const Entry* entry : entries) chosen.insert(symbols[entry - all.data()]);
  std::printf("\"%s\":[", key);
  const char* separator = "";
  for (std::string_view symbol : chosen) {
    std::printf("%s\"%s\"", separator, symbol.data());
    separator = ",";
  }
  std::printf("]");
}

int list(int count, char** models) {
  Lookups all;
  for (int i = 0; i < count; ++i) {
    Result<Lookups> lookups = lookups_of(models[i]);
    if (!lookups.ok()) {
      std::fprintf(stderr, "%s: ", models[i]);
      print_failure(lookups.status());
      return 1;
    }
    all.operators.merge(lookups->operators);
    all.functions.merge(lookups->functions);
  }
  std::printf("{");
  print_symbols("operators", all.operators, all_operators(), kOperatorSymbols);
  std::printf(",");
  print_symbols("functions", all.functions, all_functions(), kFunctionSymbols);
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace sardonyx::tool

int main(int count, char** words) {
  if (count < 2) {
    std::fputs("model_operators MODEL.onnx…\n", stderr);
    return 2;
  }
  return sardonyx::tool::list(count - 1, words + 1);
}
