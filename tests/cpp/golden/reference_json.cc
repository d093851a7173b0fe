#include "tests/cpp/golden/reference_json.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace sardonyx::test {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Behind the string that begins at `at`.
size_t end_of_string(std::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

// Behind the value that begins at `at`.
size_t end_of_value(std::string_view json, size_t at) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = end_of_string(json, at);
    } else {
      const bool opens = c == '[' || c == '{', closes = c == ']' || c == '}';
      if (depth == 0 && (closes || c == ',')) return at;
      depth += opens - closes;
      ++at;
      if (closes && depth == 0) return at;
    }
  }
  return at;
}

size_t skip_space(std::string_view json, size_t at) {
  return std::min(json.find_first_not_of(kSpace, at), json.size());
}

}  // namespace

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string_view json_value(std::string_view json, std::string_view name) {
  for (size_t at = json.find('"'); at < json.size(); at = json.find('"', at)) {
    const size_t end = end_of_string(json, at), colon = skip_space(json, end);
    const bool found = json.substr(at + 1, end - at - 2) == name;
    at = end;
    if (!found || colon >= json.size() || json[colon] != ':') continue;
    const size_t value = skip_space(json, colon + 1);
    return json.substr(value, end_of_value(json, value) - value);
  }
  return {};
}

std::vector<std::string_view> json_elements(std::string_view array) {
  std::vector<std::string_view> elements;
  size_t at = skip_space(array, 1);
  while (at < array.size() && array[at] != ']') {
    const size_t end = end_of_value(array, at);
    elements.push_back(array.substr(at, end - at));
    at = std::min(array.find_first_of(",]", end), array.size());
    if (at < array.size() && array[at] == ',') at = skip_space(array, at + 1);
  }
  return elements;
}

std::vector<double> json_numbers(std::string_view json) {
  std::vector<double> numbers;
  const std::string text(json);
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
    } else if (text[at] == '-' || std::isdigit(static_cast<unsigned char>(text[at]))) {
      char* end = nullptr;
      numbers.push_back(std::strtod(text.c_str() + at, &end));
      at = static_cast<size_t>(end - text.c_str());
    } else {
      ++at;
    }
  }
  return numbers;
}

std::vector<std::string> json_strings(std::string_view json) {
  std::vector<std::string> strings;
  for (size_t at = json.find('"'); at < json.size(); at = json.find('"', at)) {
    const size_t end = end_of_string(json, at);
    strings.emplace_back(json.substr(at + 1, end - at - 2));
    at = end;
  }
  return strings;
}

}  // namespace sardonyx::test
