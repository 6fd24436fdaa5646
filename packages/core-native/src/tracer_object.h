#pragma once

#include <optional>
#include <vector>
#include <napi.h>
#include <sys/user.h>

#include "memory.h"
#include "remote_syscall.h"
#include "wait.h"

/// lib/binding.ts's NativeTracer: turns calls into the mechanisms' and results into JavaScript's.
class TracerObject : public Napi::ObjectWrap<TracerObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TracerObject(const Napi::CallbackInfo& info);
  ~TracerObject() override;

 private:
  // By the plain C API, since most are called at every stop (arguments.h).
  static napi_value wait(napi_env env, napi_callback_info info);
  static napi_value lend(napi_env env, napi_callback_info info);
  static napi_value wait_for(napi_env env, napi_callback_info info);
  static napi_value resume(napi_env env, napi_callback_info info);
  static napi_value get_regs(napi_env env, napi_callback_info info);
  static napi_value set_regs(napi_env env, napi_callback_info info);
  template <auto Move>
  static napi_value move_bytes(napi_env env, napi_callback_info info);
  static napi_value read_string(napi_env env, napi_callback_info info);
  static napi_value remote_syscall(napi_env env, napi_callback_info info);
  static napi_value remote_syscalls(napi_env env, napi_callback_info info);
  static napi_value use_traps(napi_env env, napi_callback_info info);
  static napi_value take_stop(napi_env env, napi_callback_info info);
  static napi_value set_breakpoint(napi_env env, napi_callback_info info);
  static napi_value interrupt_task(napi_env env, napi_callback_info info);
  static napi_value set_dispatch(napi_env env, napi_callback_info info);
  static napi_value has_waiting_signal(napi_env env, napi_callback_info info);
  static napi_value detach(napi_env env, napi_callback_info info);
  static napi_value kill(napi_env env, napi_callback_info info);
  static napi_value hash_memory(napi_env env, napi_callback_info info);
  static napi_value leave_out(napi_env env, napi_callback_info info);
  static napi_value sum_pages(napi_env env, napi_callback_info info);
  static napi_value hash_range(napi_env env, napi_callback_info info);

  Napi::Value spawn(const Napi::CallbackInfo& info);
  Napi::Value get_xstate(const Napi::CallbackInfo& info);
  void set_xstate(const Napi::CallbackInfo& info);
  void init_xstate(const Napi::CallbackInfo& info);
  static napi_value use_xstate(napi_env env, napi_callback_info info);
  Napi::Value get_siginfo(const Napi::CallbackInfo& info);
  void set_siginfo(const Napi::CallbackInfo& info);
  Napi::Value get_sigmask(const Napi::CallbackInfo& info);
  void set_sigmask(const Napi::CallbackInfo& info);
  void open_memory(const Napi::CallbackInfo& info);
  void close_memory(const Napi::CallbackInfo& info);
  Napi::Value interrupt_token(const Napi::CallbackInfo& info);

  /// Shows an event to JavaScript: `event`, `regs` and `values`.
  napi_value publish(napi_env env, const Result<WaitEvent>& waited);
  static void end_of_environment(void* self);

  const TrapCalls* traps() const { return traps_ ? &*traps_ : nullptr; }

  Waiter waiter_;
  TaskMemory memory_;
  std::optional<TrapCalls> traps_;
  /// Pages that hash_memory leaves out, by ascending address.
  std::vector<uint64_t> left_out_;
  uint32_t interrupt_token_;
  // Backing stores of the JavaScript arrays, which these references keep alive.
  Napi::Reference<Napi::ArrayBuffer> regs_buffer_;
  Napi::Reference<Napi::ArrayBuffer> event_buffer_;
  Napi::Reference<Napi::ArrayBuffer> values_buffer_;
  user_regs_struct* regs_;
  int32_t* event_;
  double* values_;
};
