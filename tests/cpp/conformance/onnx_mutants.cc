// Damages the models of ONNX's suite and what they are fed: each mutant runs or is refused with a
// typed error. The same mutants in every run.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "tests/cpp/conformance/mutant.h"
#include "tests/cpp/golden/golden_data.h"

// An allocation above 128 MB fails: OUT_OF_MEMORY where it is a Block's, else a crash.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=128:quarantine_size_mb=8:"
         "detect_leaks=0";
}

namespace sardonyx::tool {
namespace {

constexpr char kUsage[] =
    "onnx_mutants [--per-test N] [--seed N] [--filter TEXT] [--jobs N]\n"
    "  --per-test  mutants of each test; 10 unless given\n"
    "  --seed      number of the first mutant of each test; 1 unless given\n"
    "  --filter    only tests whose \"folder/group/name\" contains TEXT\n"
    "  --jobs      processes; 2 unless given\n"
    "  --verbose   each mutant before it runs\n";

// Of the processor, so that a loaded machine hangs nothing.
constexpr int kSecondsPerMutant = 10;

// CTest's SKIP_RETURN_CODE.
constexpr int kSkipped = 77;

struct Options {
  uint32_t per_test = 10, seed = 1;
  size_t jobs = 2;
  std::string filter;
  bool verbose = false;
};

bool parse(int count, char** words, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--verbose") {
      options.verbose = true;
    } else if (i + 1 == count) {
      return false;
    } else if (word == "--filter") {
      options.filter = words[++i];
    } else if (word == "--per-test") {
      options.per_test = static_cast<uint32_t>(std::strtoul(words[++i], nullptr, 10));
    } else if (word == "--seed") {
      options.seed = static_cast<uint32_t>(std::strtoul(words[++i], nullptr, 10));
    } else if (word == "--jobs") {
      options.jobs = std::max(1ul, std::strtoul(words[++i], nullptr, 10));
    } else {
      return false;
    }
  }
  return true;
}

struct Test {
  test::SuiteCase suite;
  std::string label;
};

std::vector<Test> find_tests(const std::string& shared, const std::string& filter) {
  std::vector<Test> tests;
  for (const char* folder : {"onnx-node", "onnx-node-old"}) {
    for (const test::SuiteCase& suite : test::find_cases(shared + "/" + folder)) {
      const std::string label = std::string(folder) + "/" + suite.group + "/" + suite.name + "/";
      if (label.find(filter) != std::string::npos) tests.push_back({suite, label});
    }
  }
  return tests;
}

// What a worker has done and where it is; in memory that its parent sees too.
struct Progress {
  size_t test = 0;      // in the worker's share
  uint32_t mutant = 0;  // of the test: the one that runs
  size_t outcomes[4] = {};
};

void report(const Test& test, uint32_t seed, const std::string& what) {
  std::printf("FAIL %s\n     onnx_mutants --per-test 1 --seed %u --filter %s --verbose\n",
              what.c_str(), seed, test.label.c_str());
  std::fflush(stdout);
}

void limit_time() {
  const itimerval limit{{0, 0}, {kSecondsPerMutant, 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
}

// Every `jobs`th test from `first` on, beginning at `progress`.
void work(const std::vector<Test>& tests, const Options& options, size_t first,
          Progress& progress) {
  for (;; ++progress.test, progress.mutant = 0) {
    const size_t index = first + progress.test * options.jobs;
    if (index >= tests.size()) return;
    const auto original = test::read_original(tests[index].suite);
    if (!original) {
      report(tests[index], options.seed, "the test can not be read");
      continue;
    }
    for (; progress.mutant < options.per_test; ++progress.mutant) {
      limit_time();
      const uint32_t seed = options.seed + progress.mutant;
      const test::Mutant mutant = test::run_mutant(*original, seed, options.verbose);
      ++progress.outcomes[static_cast<size_t>(mutant.outcome)];
      if (mutant.outcome == test::Outcome::kWrong) {
        report(tests[index], seed, mutant.detail + " after: " + mutant.story);
      } else if (options.verbose) {
        std::fprintf(stderr, "  %s\n", mutant.detail.c_str());
      }
    }
  }
}

pid_t start(const std::vector<Test>& tests, const Options& options, size_t first,
            Progress& progress) {
  std::fflush(stdout);
  const pid_t process = fork();
  if (process != 0) return process;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  work(tests, options, first, progress);
  std::fflush(stdout);
  _exit(0);
}

// A worker that ended without being done crashed: its mutant is a failure, and the next one
// follows.
bool crashed(const std::vector<Test>& tests, const Options& options, size_t first, int status,
             Progress& progress) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
  const std::string how = !WIFSIGNALED(status) ? "a sanitizer's report"
                          : WTERMSIG(status) == SIGPROF
                              ? "10 s are not enough"
                              : "signal " + std::to_string(WTERMSIG(status));
  report(tests[first + progress.test * options.jobs], options.seed + progress.mutant, how);
  ++progress.outcomes[static_cast<size_t>(test::Outcome::kWrong)];
  ++progress.mutant;
  return true;
}

Progress* shared_progress(size_t jobs) {
  void* memory = mmap(nullptr, jobs * sizeof(Progress), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* progress = static_cast<Progress*>(memory);
  for (size_t i = 0; i < jobs; ++i) new (progress + i) Progress;
  return progress;
}

int run(const Options& options) {
  const auto shared = test::shared_folder();
  if (!shared) {
    std::printf("../shared is not there: set SARDONYX_SHARED to its path\n");
    return kSkipped;
  }
  const std::vector<Test> tests = find_tests(*shared, options.filter);
  Progress* workers = shared_progress(options.jobs);
  if (!workers) return 2;
  std::vector<pid_t> processes;
  for (size_t i = 0; i < options.jobs; ++i) {
    processes.push_back(start(tests, options, i, workers[i]));
  }
  int status = 0;
  for (pid_t ended; (ended = wait(&status)) > 0;) {
    for (size_t i = 0; i < options.jobs; ++i) {
      if (processes[i] != ended || !crashed(tests, options, i, status, workers[i])) continue;
      processes[i] = start(tests, options, i, workers[i]);
      break;
    }
  }
  size_t sums[4] = {};
  for (size_t i = 0; i < options.jobs; ++i) {
    for (size_t k = 0; k < 4; ++k) sums[k] += workers[i].outcomes[k];
  }
  std::printf("%zu mutants of %zu tests: %zu ran, %zu were refused, %zu took long, %zu failed\n",
              sums[0] + sums[1] + sums[2] + sums[3], tests.size(), sums[0], sums[1], sums[2],
              sums[3]);
  return sums[3] == 0 ? 0 : 1;
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
