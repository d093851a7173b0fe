// Values of the JSON files in ../shared/golden, by name. For texts that are known to be well
// formed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sardonyx::test {

// The whole file; empty when it can not be read.
std::string read_text(const std::string& path);

// The text of the value behind the first `"name":`; empty when there is none.
std::string_view json_value(std::string_view json, std::string_view name);
// The texts of an array's elements.
std::vector<std::string_view> json_elements(std::string_view array);
// All numbers outside strings, in order.
std::vector<double> json_numbers(std::string_view json);
// All strings, names of fields among them, in order. Escapes stay as they are.
std::vector<std::string> json_strings(std::string_view json);

}  // namespace sardonyx::test
