// Runs ONNX's backend tests on the native build and says which fail, and why.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/json_writer.h"
#include "tests/cpp/conformance/suite_case.h"
#include "tests/cpp/golden/golden_data.h"

namespace sardonyx::tool {
namespace {

constexpr char kUsage[] =
    "onnx_suite [--old] [--filter TEXT] [--verbose | --quiet] [--json FILE]\n"
    "  --old      the older opset forms (shared/onnx-node-old)\n"
    "  --filter   only tests whose \"group/name\" contains TEXT\n"
    "  --verbose  each test as it starts\n"
    "  --quiet    no list of failures\n"
    "  --json     all results: [{\"group\", \"name\", \"failure\"}], failure \"\" for a pass\n";

struct Options {
  std::string folder = "/onnx-node";
  std::string filter;
  std::string json;
  bool verbose = false;
  bool quiet = false;
};

bool parse(int count, char** words, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--old") {
      options.folder = "/onnx-node-old";
    } else if (word == "--verbose") {
      options.verbose = true;
    } else if (word == "--quiet") {
      options.quiet = true;
    } else if (i + 1 < count && word == "--filter") {
      options.filter = words[++i];
    } else if (i + 1 < count && word == "--json") {
      options.json = words[++i];
    } else {
      return false;
    }
  }
  return true;
}

constexpr unsigned kSecondsPerTest = 120;

// Runs a test in a process of its own: one that crashes or hangs is a failure like any other.
std::string run_isolated(const test::SuiteCase& test) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    alarm(kSecondsPerTest);
    const std::string failure = test::run_case(test);
    const ssize_t written = write(ends[1], failure.data(), failure.size());
    _exit(written == static_cast<ssize_t>(failure.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string failure;
  char part[4096];
  for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0;) {
    failure.append(part, static_cast<size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return "CRASH: signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return "CRASH: exit " + std::to_string(WEXITSTATUS(status));
  return failure;
}

int run(const Options& options) {
  const auto shared = test::shared_folder();
  if (!shared) {
    std::fprintf(stderr, "../shared is not there: set SARDONYX_SHARED to its path\n");
    return 2;
  }
  size_t passed = 0, total = 0;
  JsonWriter json;
  json.begin_array();
  for (const test::SuiteCase& test : test::find_cases(*shared + options.folder)) {
    const std::string label = test.group + "/" + test.name;
    if (label.find(options.filter) == std::string::npos) continue;
    if (options.verbose) std::printf("%s\n", label.c_str());
    std::fflush(stdout);
    const std::string failure = run_isolated(test);
    ++total;
    passed += failure.empty();
    if (!failure.empty() && !options.quiet)
      std::printf("FAIL %s  %s\n", label.c_str(), failure.c_str());
    json.begin_object();
    json.key("group").string(test.group);
    json.key("name").string(test.name);
    json.key("failure").string(failure);
    json.end_object();
  }
  json.end_array();
  if (!options.json.empty()) std::ofstream(options.json) << json.take() << "\n";
  std::printf("%zu of %zu passed\n", passed, total);
  return passed == total ? 0 : 1;
}

}  // namespace
}  // namespace sardonyx::tool

int main(int count, char** words) {
  sardonyx::tool::Options options;
  if (!sardonyx::tool::parse(count, words, options)) {
    std::fputs(sardonyx::tool::kUsage, stderr);
    return 2;
  }
  return sardonyx::tool::run(options);
}
