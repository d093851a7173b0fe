// What is behind the opaque pointers of the C ABI.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "c_api/sardonyx.h"
#include "engine/session.h"
#include "loader/load_model.h"

struct sx_loader {
  sardonyx::ModelLoader loader;
  sardonyx::SessionOptions options;
};

struct sx_session {
  std::unique_ptr<sardonyx::Session> session;
  std::string description;
  std::string explanation;
  sx_run* last_run = nullptr;  // for explain()
};

struct sx_run {
  explicit sx_run(sx_session* owner)
      : session(owner),
        run(*owner->session),
        strings(owner->session->graph().inputs.size()),
        outputs(owner->session->graph().outputs.size()),
        packed(outputs.size()) {}

  sx_session* session;
  sardonyx::Run run;
  std::vector<sardonyx::ConstantPtr> strings;  // fed, by input
  std::vector<sx_output> outputs;
  std::vector<sardonyx::Block> packed;  // by output
  sx_gpu_plan plan{};
  std::string profile;
};
