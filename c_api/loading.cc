// Memory, threads, loading and describing sessions.
#include <new>

#include "base/block.h"
#include "c_api/handles.h"
#include "c_api/last_error.h"
#include "engine/describe.h"
#include "simd/parallel.h"
#include "simd/parallel_region.h"

using namespace sardonyx;
using c_api::report;

extern "C" {

uint32_t sx_abi_version(void) {
  return SX_ABI_VERSION;
}

void* sx_alloc(size_t bytes) {
  return block_malloc(bytes);
}

void sx_free(void* data) {
  block_free(data);
}

size_t sx_memory_in_use(void) {
  return block_bytes_in_use();
}

void sx_set_threads(int32_t threads, int32_t pool) {
  simd::set_pool_limit(pool);
  simd::set_threads(threads);
}

int32_t sx_threads_ready(void) {
  return simd::threads_ready();
}

int32_t sx_shared_ranges(void) {
  return static_cast<int32_t>(simd::shared_ranges());
}

int32_t* sx_crash_word(void) {
  return reinterpret_cast<int32_t*>(simd::crash_word());
}

sx_loader* sx_loader_create(void) {
  return new (std::nothrow) sx_loader;
}

int32_t sx_loader_expect_size(sx_loader* loader, size_t size) {
  return report(loader->loader.expect_size(size));
}

int32_t sx_loader_push(sx_loader* loader, const uint8_t* bytes, size_t size) {
  return report(loader->loader.push({bytes, size}));
}

int32_t sx_loader_external(sx_loader* loader, const char* name, void* data, size_t size) {
  auto block = std::make_shared<Block>(Block::adopt(data, size));
  return report(loader->loader.add_external(name, {std::move(block), 0, size}));
}

void sx_loader_for_gpu(sx_loader* loader) {
  loader->options.for_gpu = true;
}

void sx_loader_feed_weight(sx_loader* loader, const char* name) {
  loader->options.fed_weights.push_back(name);
}

void sx_loader_destroy(sx_loader* loader) {
  delete loader;
}

sx_session* sx_session_create(sx_loader* loader) {
  Result<std::unique_ptr<Graph>> graph = loader->loader.finish();
  if (!graph.ok()) {
    report(graph.status());
    return nullptr;
  }
  Result<std::unique_ptr<Session>> session = Session::create(graph.take(), loader->options);
  if (!session.ok()) {
    report(session.status());
    return nullptr;
  }
  auto* handle = new (std::nothrow) sx_session;
  if (!handle) {
    report(error(ErrorCode::OUT_OF_MEMORY, "no memory for a session"));
    return nullptr;
  }
  handle->session = session.take();
  handle->description = describe_session(*handle->session);
  return handle;
}

void sx_session_destroy(sx_session* session) {
  delete session;
}

int32_t sx_session_leave_gpu(sx_session* session) {
  return report(session->session->leave_gpu());
}

const char* sx_session_describe(sx_session* session) {
  return session->description.c_str();
}

const char* sx_session_explain(sx_session* session) {
  const Run* run = session->last_run ? &session->last_run->run : nullptr;
  session->explanation = explain_session(*session->session, run);
  return session->explanation.c_str();
}

}  // extern "C"
