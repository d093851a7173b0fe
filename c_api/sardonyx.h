// The C ABI between the wasm module and worker/engine.ts. Everything runs on the one engine thread
// that instantiated the module; pool threads are internal. Pointers are wasm addresses: read them
// unsigned (>>> 0) in JavaScript.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Raised with every incompatible change of this header; worker/engine.ts checks it at
// instantiation.
#define SX_ABI_VERSION 8
uint32_t sx_abi_version(void);

typedef struct sx_loader sx_loader;
typedef struct sx_session sx_session;
typedef struct sx_run sx_run;

// 64-byte aligned memory; null when out of memory. Fills nothing.
void* sx_alloc(size_t bytes);
void sx_free(void* data);

// The last failure of any function below, as JSON: {"code":"INPUT_SHAPE","number":5,"message":…,
// "node":…,"operator":…,"tensor":…}, empty fields left out. Valid until the next failing call.
const char* sx_error(void);

// Number of threads that take part in parallel work, the caller included. `pool` is the number of
// pthread workers that have loaded (at most Module.poolSize); call it again when there are more.
// Work is laid out for `threads` from the first call on. Threads join in the background:
// sx_threads_ready() counts those that run, the caller included.
void sx_set_threads(int32_t threads, int32_t pool);
int32_t sx_threads_ready(void);
// Rises with each piece of work that other threads could take part in.
int32_t sx_shared_ranges(void);
// A word that the JavaScript of a pthread worker sets to non-zero when the worker has trapped; work
// that waits for it then fails with ENGINE_TRAP within 100 ms.
int32_t* sx_crash_word(void);

// --- loading -----------------------------------------------------------------------------------
// Functions that return int32_t return 0 for OK, or the error's number (base/errors.def).
sx_loader* sx_loader_create(void);  // null: out of memory
// Optional, before the first push: the size of the file, so that a false length in it fails at
// once.
int32_t sx_loader_expect_size(sx_loader*, size_t size);
int32_t sx_loader_push(sx_loader*, const uint8_t* bytes, size_t size);
// Takes over `data`, which came from sx_alloc. `name` is UTF-8, null-terminated.
int32_t sx_loader_external(sx_loader*, const char* name, void* data, size_t size);
// Before sx_session_create: the session is one whose steps a GPU can take over.
void sx_loader_for_gpu(sx_loader*);
// Before sx_session_create: runs may feed the weight of that name, which the model lists among its
// inputs; once per weight.
void sx_loader_feed_weight(sx_loader*, const char* name);
void sx_loader_destroy(sx_loader*);

// Parses, compiles and prepacks what the loader got. Consumes neither; destroy the loader
// afterwards. Null on failure, see sx_error().
sx_session* sx_session_create(sx_loader*);
void sx_session_destroy(sx_session*);

// JSON:
// {"inputs":[{"name","kind":0,"dtype","shape":[1,"batch",null],"optional":bool}],"outputs":[…],
// "warnings":[…],"irVersion","producer","opsets":{"":17},"operators":{"Conv":26,…},
// "weightBytes":n,"packedBytes":n}. A kind is a number of base/value_kind.h; of others than
// tensors, dtype and shape are those of the elements. A dim is a number, a symbol's name, or null.
// Valid as long as the session.
const char* sx_session_describe(sx_session*);
// Ends what sx_loader_for_gpu() began: the model is lowered anew for the CPU. The session's runs
// must have been destroyed.
int32_t sx_session_leave_gpu(sx_session*);
// JSON: one entry per lowered step, for explain(): {"steps":[{"node","operator","device","kernel",
// "outputs":[{"name","dtype","layout","shape"}]}],"arenaBytes":n,
// "gpu":{"weightBytes":n,"halfBytes":n,"arenaBytes":n,"keptBytes":n}}, "gpu" after a run on a GPU.
// Valid until the next call.
const char* sx_session_explain(sx_session*);

// --- running -----------------------------------------------------------------------------------
// One run at a time per session; the run is created once and used again.
sx_run* sx_run_create(sx_session*);
void sx_run_destroy(sx_run*);

// Sets input `index`. `dims` has `rank` entries; `data` must stay valid and unchanged until the run
// is done. `bytes` is checked against dtype and dims. Strings come packed (base/string_tensor.h),
// and so do inputs that are no tensors (base/packed_box.h; dtype and dims are not looked at): they
// are copied.
int32_t sx_run_set_input(sx_run*, uint32_t index, int32_t dtype, uint32_t rank, const int64_t* dims,
                         const void* data, size_t bytes);
// Starts over with the inputs set since the last sx_run_reset().
int32_t sx_run_start(sx_run*);

// Works for about `budget_ms` (0: to the end), returning at a step boundary.
//   0 done, 1 yield (call again), < 0 failed: minus the error's number.
int32_t sx_run_advance(sx_run*, double budget_ms);
// Steps passed so far, and steps in all, for progress.
uint32_t sx_run_progress(const sx_run*);
uint32_t sx_run_steps(const sx_run*);

typedef struct {
  int32_t dtype;
  uint32_t rank;
  int64_t dims[8];
  const void* data;  // row-major; valid until the next sx_run_start or sx_run_reset
  size_t bytes;
  int32_t kind;  // of base/value_kind.h
} sx_output;
// Strings and what is no tensor come packed, as inputs do. Null when the output is not computed;
// null `data` of some bytes when it can not be packed, see sx_error().
const sx_output* sx_run_output(sx_run*, uint32_t index);
// --- WebGPU ------------------------------------------------------------------------------------
// In place of sx_run_advance: what to dispatch for the run that has been started. The structs are
// those of engine/gpu/plan.h; offsets and bytes are those of the GPU's buffers.
typedef struct {
  uint32_t offset;
  uint32_t bytes;
  uint64_t address;
} sx_gpu_copy;
typedef struct {
  uint32_t after;  // dispatches before it
  uint32_t begin;  // for sx_run_cpu_steps
  uint32_t end;
  uint32_t downloads;  // of its transfers, the first ones
  uint32_t first_transfer;
  uint32_t transfers;
} sx_gpu_hand_over;
typedef struct {
  uint32_t id;  // another for each plan
  uint32_t steps_count;
  const void* steps;  // GpuStep, 256 bytes each
  const sx_gpu_hand_over* hand_overs;
  uint32_t hand_overs_count;
  uint32_t transfers_count;
  const sx_gpu_copy* transfers;
  uint32_t feeds_count;
  const sx_gpu_copy* feeds;
  uint32_t constants_count;
  const sx_gpu_copy* constants;
  uint32_t outputs_count;  // 0 bytes: read it through sx_run_output
  const sx_gpu_copy* outputs;
  uint32_t weights_count;
  const sx_gpu_copy* weights;
  uint32_t halves_count;  // `bytes` of float32, to be stored as float16 in half of them
  const sx_gpu_copy* halves;
  uint32_t weights_bytes;
  uint32_t arena_bytes;
  const void* arena;  // where transfers go, at their offsets
} sx_gpu_plan;
// Null on failure, see sx_error(). Valid until the run's next start.
const sx_gpu_plan* sx_run_gpu_plan(sx_run*);
int32_t sx_run_cpu_steps(sx_run*, uint32_t begin, uint32_t end);
// All steps have run; sx_run_output tells dtypes and shapes, the plan where the contents are.
void sx_run_finish_on_gpu(sx_run*);

// Measures the runs that start from now on and their steps on the CPU, from zero; 0: no longer.
void sx_run_measure(sx_run*, int32_t on);
// JSON of these runs:
// {"runs":n,"ns":n,"steps":[{"node","operator","kernel","depth":n,"body",
// "calls":n,"ns":n,"flops":n,"bytes":n,"outputs":[{"dtype","layout","shape"}]}]}. Calls and times
// are of all runs, the latter with the bodies of the step, whose own steps follow it, deeper; flops
// and bytes (engine/step_cost.h) are of the last call. Valid until the next call.
const char* sx_run_profile(sx_run*);

// When nobody waits, after a run: prepares the next one if the shapes of the inputs go on to change
// as they did.
void sx_run_bind_ahead(sx_run*);

// Forgets inputs and outputs, keeps memory for the next run.
void sx_run_reset(sx_run*);

// --- memory ------------------------------------------------------------------------------------
// Bytes now in tensors, payloads, packs and arenas.
size_t sx_memory_in_use(void);

#ifdef __cplusplus
}
#endif
