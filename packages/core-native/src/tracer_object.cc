#include "tracer_object.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../agent/layout.h"
#include "arguments.h"
#include "clock.h"
#include "environment.h"
#include "hash_memory.h"
#include "remote_syscall.h"
#include "spawn.h"
#include "spawn_options_reader.h"
#include "stopped_task.h"
#include "xstate.h"

namespace {

constexpr size_t kPageSize = 4096;

/// true; false if the task is gone; any other error is raised.
napi_value alive_or_throw(napi_env env, const Status& status) {
  if (status.ok()) return js_bool(env, true);
  if (status.task_gone()) return js_bool(env, false);
  throw_os_error(env, status.error());
  return nullptr;
}

napi_value js_hex(napi_env env, std::initializer_list<uint64_t> words) {
  std::string text;
  for (const uint64_t word : words) {
    char digits[17];
    snprintf(digits, sizeof digits, "%016lx", word);
    text += digits;
  }
  napi_value value = nullptr;
  napi_create_string_latin1(env, text.data(), text.size(), &value);
  return value;
}

pid_t tid_argument(const Napi::CallbackInfo& info) {
  if (info.Length() > 0 && info[0].IsNumber()) return info[0].As<Napi::Number>().Int32Value();
  throw_type_error(info.Env(), "a tid was expected");
  return -1;
}

/// si_code of the siginfo that a task has at its exit event.
constexpr int kExitEvent = SIGTRAP | PTRACE_EVENT_EXIT << 8;

/// The bytes of the Uint8Array at `index`; nullptr and a TypeError if it isn't one, or hasn't the `size` wanted (0:
/// any).
const uint8_t* bytes_argument(const Napi::CallbackInfo& info, size_t index, size_t wanted, size_t* size = nullptr) {
  if (info.Length() > index && info[index].IsTypedArray()) {
    const auto array = info[index].As<Napi::TypedArray>();
    if (array.TypedArrayType() == napi_uint8_array && (wanted == 0 || array.ByteLength() == wanted)) {
      if (size != nullptr) *size = array.ByteLength();
      return array.As<Napi::Uint8Array>().Data();
    }
  }
  throw_type_error(info.Env(), "a Uint8Array of the right size was expected");
  return nullptr;
}

/// The arguments of a call: the elements of an array from `first` on. false, and an exception, if they are none.
template <class Reader>
bool read_words(napi_env env, Reader& reader, napi_value array, uint32_t first, SyscallArgs& args) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok || count < first || count - first > args.size()) {
    throw_type_error(env, "an array of at most 6 arguments was expected");
    return false;
  }
  for (uint32_t i = first; i < count; i++) {
    napi_value value;
    if (napi_get_element(env, array, i, &value) != napi_ok) return false;
    args[i - first] = reader.to_word(value);
  }
  return reader.ok();
}

/// What `remoteSyscalls` takes as its links, three numbers each.
template <class Reader>
bool read_links(napi_env env, Reader& reader, napi_value array, uint32_t calls, std::vector<RemoteLink>& links) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok || count % 3 != 0) {
    throw_type_error(env, "an array of links, of three numbers each, was expected");
    return false;
  }
  std::vector<uint64_t> numbers(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value value;
    if (napi_get_element(env, array, i, &value) != napi_ok) return false;
    numbers[i] = reader.to_word(value);
  }
  if (!reader.ok()) return false;
  for (uint32_t i = 0; i < count; i += 3) {
    const uint64_t call = numbers[i], argument = numbers[i + 1], result_of = numbers[i + 2];
    if (call >= calls || argument >= std::tuple_size_v<SyscallArgs> || result_of >= call) {
      throw_type_error(env, "a link names no earlier call, or no argument");
      return false;
    }
    links.push_back({static_cast<uint32_t>(call), static_cast<uint32_t>(argument), static_cast<uint32_t>(result_of)});
  }
  return true;
}

}  // namespace

Napi::Function TracerObject::define(Napi::Env env) {
  const auto plain = [](const char* name, napi_callback callback) {
    napi_property_descriptor descriptor = {};
    descriptor.utf8name = name;
    descriptor.method = callback;
    descriptor.attributes = napi_default_method;
    return PropertyDescriptor(descriptor);
  };
  return DefineClass(env, "Tracer",
                     {
                         plain("wait", wait),
                         plain("lend", lend),
                         plain("waitFor", wait_for),
                         plain("resume", resume),
                         plain("getRegs", get_regs),
                         plain("setRegs", set_regs),
                         plain("readMemory", move_bytes<&TaskMemory::read>),
                         plain("writeMemory", move_bytes<&TaskMemory::write>),
                         plain("storeMemory", move_bytes<&TaskMemory::store>),
                         plain("readString", read_string),
                         plain("remoteSyscall", remote_syscall),
                         plain("remoteSyscalls", remote_syscalls),
                         plain("useTraps", use_traps),
                         plain("takeStop", take_stop),
                         plain("setBreakpoint", set_breakpoint),
                         plain("interruptTask", interrupt_task),
                         plain("setDispatch", set_dispatch),
                         plain("hasWaitingSignal", has_waiting_signal),
                         plain("useXstate", use_xstate),
                         plain("detach", detach),
                         plain("kill", kill),
                         plain("hashMemory", hash_memory),
                         plain("leaveOut", leave_out),
                         plain("hashRange", hash_range),
                         plain("sumPages", sum_pages),
                         InstanceMethod<&TracerObject::spawn>("spawn"),
                         InstanceMethod<&TracerObject::get_xstate>("getXstate"),
                         InstanceMethod<&TracerObject::set_xstate>("setXstate"),
                         InstanceMethod<&TracerObject::init_xstate>("initXstate"),
                         InstanceMethod<&TracerObject::get_siginfo>("getSiginfo"),
                         InstanceMethod<&TracerObject::set_siginfo>("setSiginfo"),
                         InstanceMethod<&TracerObject::get_sigmask>("getSigmask"),
                         InstanceMethod<&TracerObject::set_sigmask>("setSigmask"),
                         InstanceMethod<&TracerObject::open_memory>("openMemory"),
                         InstanceMethod<&TracerObject::close_memory>("closeMemory"),
                         InstanceAccessor<&TracerObject::interrupt_token>("interruptToken"),
                     });
}

TracerObject::TracerObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  interrupt_token_ = register_interrupt_target(waiter_.interrupt_target());

  auto regs = Napi::ArrayBuffer::New(env, sizeof(user_regs_struct));
  auto event = Napi::ArrayBuffer::New(env, 5 * sizeof(int32_t));
  auto values = Napi::ArrayBuffer::New(env, 7 * sizeof(double));
  regs_ = static_cast<user_regs_struct*>(regs.Data());
  event_ = static_cast<int32_t*>(event.Data());
  values_ = static_cast<double*>(values.Data());
  regs_buffer_ = Napi::Persistent(regs);
  event_buffer_ = Napi::Persistent(event);
  values_buffer_ = Napi::Persistent(values);

  const auto show = [&](const char* name, const Napi::Value& value) {
    info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
  };
  show("regs", Napi::Uint32Array::New(env, sizeof(user_regs_struct) / 4, regs, 0));
  show("regsBytes", Napi::Uint8Array::New(env, sizeof(user_regs_struct), regs, 0));
  show("event", Napi::Int32Array::New(env, 5, event, 0));
  show("values", Napi::Float64Array::New(env, 7, values, 0));
  napi_add_env_cleanup_hook(env, end_of_environment, this);
}

TracerObject::~TracerObject() {
  napi_remove_env_cleanup_hook(Env(), end_of_environment, this);
  // Collected before the environment's end, e.g. in a worker that leaves its loop: the same holds for its tracees.
  waiter_.kill_all();
  unregister_interrupt_target(interrupt_token_);
}

/// Nobody is left to drive the tracees: without this they'd be zombies until the process ends.
void TracerObject::end_of_environment(void* self) { static_cast<TracerObject*>(self)->waiter_.kill_all(); }

napi_value TracerObject::publish(napi_env env, const Result<WaitEvent>& waited) {
  if (!waited.ok()) {
    throw_os_error(env, waited.error());
    return nullptr;
  }
  const WaitEvent& event = waited.value();
  event_[0] = event.tid;
  event_[1] = static_cast<int32_t>(event.kind);
  event_[2] = event.detail;
  event_[3] = event.status;
  event_[4] = 0;
  if (event.stopped()) {
    const StoppedTask task(event.tid);
    bool there = task.get_registers(*regs_).ok();
    if (event.kind == EventKind::Event) {
      const auto message = task.event_message();
      // A task that is killed meanwhile goes on to its exit event, and has that one's message: ask where it is only now.
      siginfo_t info = {};
      there = message.ok() && task.get_siginfo(info).ok() && info.si_code == (SIGTRAP | event.detail << 8);
      values_[0] = there ? static_cast<double>(message.value()) : -1;
      if (event.detail == PTRACE_EVENT_EXEC) {
        memory_.forget(event.tid);
        if (there) memory_.forget(static_cast<pid_t>(message.value()));
      }
    } else if (event.kind == EventKind::Signal) {
      // One that was killed meanwhile may be at its exit event by now, and the registers those of that.
      siginfo_t info = {};
      there = there && task.get_siginfo(info).ok() && info.si_signo == event.detail && info.si_code != kExitEvent;
      values_[0] = there ? info.si_code : 0;
    }
    const bool is_told_by_registers = event.kind == EventKind::Syscall || event.kind == EventKind::Signal ||
                                      event.kind == EventKind::InterruptStop;
    event_[4] = is_told_by_registers && !there;
  } else if (event.kind == EventKind::Exited) {
    memory_.forget(event.tid);
  }
  values_[1] = static_cast<double>(monotonic_ns());
  values_[2] = static_cast<double>(waiter_.stops());
  return js_int(env, event_[1]);
}

napi_value TracerObject::wait(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const int timeout_ms = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  const auto waited = self->waiter_.wait(timeout_ms);
  const RingTaken taken = self->waiter_.end_loan();
  self->values_[3] = static_cast<double>(taken.bytes);
  self->values_[4] = static_cast<double>(taken.frames);
  self->values_[5] = static_cast<double>(taken.calls);
  self->values_[6] = static_cast<double>(taken.time);
  return self->publish(env, waited);
}

/// tid, the agent's memory, how much of the ring has been taken, array, its first byte, how many, connections, two addresses.
napi_value TracerObject::lend(napi_env env, napi_callback_info info) {
  Arguments<9> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  RingLoan loan;
  loan.tid = arguments.int32(0);
  loan.memory = arguments.bytes(1, AGENT_RING - AGENT_DATA + AGENT_RING_SIZE);
  loan.from = arguments.word(2);
  loan.into = arguments.bytes(3, 4, 5, loan.room);
  loan.connections = static_cast<uint32_t>(arguments.word(6));
  loan.asked = arguments.word(7);
  loan.entry = arguments.word(8);
  if (arguments.ok()) self->waiter_.lend(loan);
  return nullptr;
}

napi_value TracerObject::wait_for(napi_env env, napi_callback_info info) {
  Arguments<1, 1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const bool is_alone = arguments.given(1) && arguments.boolean(1);
  if (!arguments.ok()) return nullptr;
  napi_value kind;
  do kind = self->publish(env, self->waiter_.wait_for(tid, is_alone));
  while (kind != nullptr && self->event_[4] != 0);
  return kind;
}

napi_value TracerObject::resume(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  const int how = arguments.int32(1);
  const int signal = arguments.int32(2);
  if (!arguments.ok()) return nullptr;
  if (how < 0 || how >= kResumeHowCount) {
    throw_range_error(env, "unknown way to resume");
    return nullptr;
  }
  return alive_or_throw(env, StoppedTask(tid).resume(static_cast<ResumeHow>(how), signal));
}

napi_value TracerObject::get_regs(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  return alive_or_throw(env, StoppedTask(tid).get_registers(*self->regs_));
}

napi_value TracerObject::set_regs(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  return alive_or_throw(env, StoppedTask(tid).set_registers(*self->regs_));
}

/// tid, addr, array, its first byte, how many: to or from the task's memory.
template <auto Move>
napi_value TracerObject::move_bytes(napi_env env, napi_callback_info info) {
  Arguments<5> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const RemotePtr addr = {arguments.word(1)};
  size_t length;
  uint8_t* const bytes = arguments.bytes(2, 3, 4, length);
  if (!arguments.ok()) return nullptr;
  const auto count = (self->memory_.*Move)(tid, addr, bytes, length);
  if (count.ok()) return js_number(env, static_cast<double>(count.value()));
  throw_os_error(env, count.error());
  return nullptr;
}

napi_value TracerObject::read_string(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const RemotePtr addr = {arguments.word(1)};
  const uint64_t limit = arguments.word(2);
  if (!arguments.ok()) return nullptr;

  // A piece never crosses a page's end, so a string that ends before an unmapped page costs no failed read.
  uint8_t piece[kPageSize];
  std::vector<uint8_t> text;
  while (text.size() < limit) {
    const RemotePtr at = addr + text.size();
    const size_t wanted = std::min<uint64_t>(limit - text.size(), kPageSize - at.value % kPageSize);
    const auto count = self->memory_.read(tid, at, piece, wanted);
    if (!count.ok()) {
      throw_os_error(env, count.error());
      return nullptr;
    }
    const uint8_t* const end = std::find(piece, piece + count.value(), 0);
    text.insert(text.end(), static_cast<const uint8_t*>(piece), end);
    if (end != piece + count.value() || count.value() < wanted) break;
  }
  return js_bytes(env, text.data(), text.size());
}

napi_value TracerObject::remote_syscall(napi_env env, napi_callback_info info) {
  Arguments<4> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const RemotePtr insn = {arguments.word(1)};
  const uint64_t number = arguments.word(2);
  if (!arguments.ok()) return nullptr;
  RemoteCall call = {number, {}};
  if (!read_words(env, arguments, arguments.at(3), 0, call.args)) return nullptr;
  const auto results = ::remote_syscalls(self->waiter_, tid, insn, {call}, {}, self->traps(), &self->memory_);
  if (results.ok()) return js_number(env, static_cast<double>(results.value().front()));
  throw_os_error(env, results.error());
  return nullptr;
}

napi_value TracerObject::remote_syscalls(napi_env env, napi_callback_info info) {
  Arguments<3, 1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const RemotePtr insn = {arguments.word(1)};
  uint32_t count = 0;
  if (!arguments.ok()) return nullptr;
  if (napi_get_array_length(env, arguments.at(2), &count) != napi_ok) {
    throw_type_error(env, "an array of calls was expected");
    return nullptr;
  }
  std::vector<RemoteCall> calls(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value words, number;
    if (napi_get_element(env, arguments.at(2), i, &words) != napi_ok) return nullptr;
    if (!read_words(env, arguments, words, 1, calls[i].args)) return nullptr;
    if (napi_get_element(env, words, 0, &number) != napi_ok) return nullptr;
    calls[i].number = arguments.to_word(number);
  }
  std::vector<RemoteLink> links;
  if (!arguments.ok()) return nullptr;
  if (arguments.given(3) && !read_links(env, arguments, arguments.at(3), count, links)) return nullptr;
  const auto results =
      ::remote_syscalls(self->waiter_, tid, insn, std::move(calls), links, self->traps(), &self->memory_);
  if (!results.ok()) {
    throw_os_error(env, results.error());
    return nullptr;
  }
  napi_value array = nullptr;
  napi_create_array_with_length(env, count, &array);
  for (uint32_t i = 0; i < count; i++)
    napi_set_element(env, array, i, js_number(env, static_cast<double>(results.value()[i])));
  return array;
}

napi_value TracerObject::use_traps(napi_env env, napi_callback_info info) {
  Arguments<5> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const TrapCalls traps = {{arguments.word(0)}, {arguments.word(1)}, {arguments.word(2)}, {arguments.word(3)},
                           arguments.word(4)};
  if (!arguments.ok()) return nullptr;
  self->traps_.reset();
  if (traps.insn.value != 0) self->traps_ = traps;
  return nullptr;
}

napi_value TracerObject::take_stop(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  const auto stop = self->waiter_.take_stop(tid);
  if (!stop) return nullptr;
  return js_bytes(env, &*stop, sizeof *stop);
}

napi_value TracerObject::set_breakpoint(napi_env env, napi_callback_info info) {
  constexpr size_t kDebugRegisters = 4;
  Arguments<2, kDebugRegisters - 1> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  uint64_t addrs[kDebugRegisters];
  size_t count = 0;
  for (size_t i = 0; i < kDebugRegisters && arguments.given(1 + i); i++) {
    const uint64_t addr = arguments.word(1 + i);
    if (addr != 0) addrs[count++] = addr;
  }
  if (!arguments.ok()) return nullptr;
  return alive_or_throw(env, StoppedTask(tid).set_breakpoints(addrs, count));
}

napi_value TracerObject::set_dispatch(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  const uint64_t start = arguments.word(1);
  const uint64_t length = arguments.word(2);
  if (!arguments.ok()) return nullptr;
  // The headers of Debian 12 are older than PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG (Linux 6.4) and its structure.
  constexpr auto kSetDispatchConfig = static_cast<__ptrace_request>(0x4210);
  constexpr uint64_t kDispatchOn = 1;
  struct {
    uint64_t mode, selector, offset, length;
  } config = {};
  // The kernel wants all zeros where it is off.
  if (length > 0) config = {kDispatchOn, 0, start, length};
  const bool failed = ptrace(kSetDispatchConfig, tid, sizeof config, &config) != 0;
  return alive_or_throw(env, failed ? Status(last_error("ptrace")) : Status());
}

napi_value TracerObject::interrupt_task(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  const bool failed = ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0;
  // ptrace_request: a task that has ended has no signal handlers to be interrupted through.
  if (failed && errno == EIO) errno = ESRCH;
  return alive_or_throw(env, failed ? Status(last_error("ptrace")) : Status());
}

napi_value TracerObject::has_waiting_signal(napi_env env, napi_callback_info info) {
  Arguments<1, 1> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  std::optional<KernelSigset> mask;
  if (arguments.given(1)) {
    KernelSigset given = 0;
    const uint8_t* const bytes = arguments.bytes(1, sizeof given);
    if (bytes != nullptr) memcpy(&given, bytes, sizeof given);
    mask = given;
  }
  if (!arguments.ok()) return nullptr;
  const auto waits = StoppedTask(tid).has_waiting_signal(mask);
  if (waits.ok()) return js_bool(env, waits.value());
  return alive_or_throw(env, waits.error());
}

napi_value TracerObject::use_xstate(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const pid_t tid = arguments.int32(0);
  if (!arguments.ok()) return nullptr;
  return alive_or_throw(env, ::use_xstate(StoppedTask(tid)));
}

napi_value TracerObject::detach(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const int signal = arguments.int32(1);
  if (!arguments.ok()) return nullptr;
  const Status status = StoppedTask(tid).detach(signal);
  if (status.ok()) {
    self->waiter_.remove(tid);
    self->memory_.forget(tid);
  }
  return alive_or_throw(env, status);
}

napi_value TracerObject::kill(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  const pid_t tgid = arguments.int32(0);
  const pid_t tid = arguments.int32(1);
  const int signal = arguments.int32(2);
  if (!arguments.ok()) return nullptr;
  if (tgid <= 0 && tid <= 0) {
    // kill(2) would take these for process groups, ours among them.
    throw_range_error(env, "a positive id was expected");
    return nullptr;
  }
  const bool one_thread = tgid > 0 && tid > 0;
  const long failed = one_thread ? syscall(SYS_tgkill, tgid, tid, signal) : ::kill(tgid > 0 ? tgid : tid, signal);
  return alive_or_throw(env, failed != 0 ? Status(last_error("kill")) : Status());
}

Napi::Value TracerObject::spawn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) {
    throw_type_error(env, "spawn options were expected");
    return {};
  }
  SpawnOptionsReader reader(info[0].As<Napi::Object>());
  SpawnOptions options;
  options.file = reader.text("file");
  options.argv = reader.texts("argv");
  options.envp = reader.texts("envp");
  options.cwd = reader.optional_text("cwd");
  options.chroot = reader.optional_text("chroot");
  options.new_network = reader.flag("newNetwork");
  options.disable_aslr = reader.flag("disableAslr");
  options.nofile = reader.optional_number("nofile");
  reader.stdio(options.stdio);
  if (!reader.ok()) return {};

  const auto spawned = ::spawn(waiter_, options);
  if (!spawned.ok()) {
    throw_os_error(env, spawned.error(), options.file);
    return {};
  }
  const auto missing = Napi::Array::New(env);
  for (const OsError& error : spawned.value().missing) {
    const char* const code = strerrorname_np(error.number);
    missing.Set(missing.Length(), std::string(error.operation) + ": " + (code ? code : std::to_string(error.number)));
  }
  const auto result = Napi::Object::New(env);
  result.Set("tid", spawned.value().tid);
  result.Set("missing", missing);
  return result;
}

Napi::Value TracerObject::get_xstate(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return {};
  const auto state = ::get_xstate(StoppedTask(tid));
  if (state.ok()) return js_bytes(info.Env(), state.value().data(), state.value().size());
  throw_os_error(info.Env(), state.error());
  return {};
}

void TracerObject::set_xstate(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return;
  size_t size;
  const uint8_t* const state = bytes_argument(info, 1, 0, &size);
  if (state == nullptr) return;
  const Status status = ::set_xstate(StoppedTask(tid), state, size);
  if (!status.ok()) throw_os_error(info.Env(), status.error());
}

void TracerObject::init_xstate(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return;
  const Status status = ::init_xstate(StoppedTask(tid));
  if (!status.ok()) throw_os_error(info.Env(), status.error());
}

Napi::Value TracerObject::get_siginfo(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return {};
  siginfo_t siginfo;
  const Status status = StoppedTask(tid).get_siginfo(siginfo);
  if (status.ok()) return js_bytes(info.Env(), &siginfo, sizeof siginfo);
  throw_os_error(info.Env(), status.error());
  return {};
}

void TracerObject::set_siginfo(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return;
  const uint8_t* const bytes = bytes_argument(info, 1, sizeof(siginfo_t));
  if (bytes == nullptr) return;
  siginfo_t siginfo;
  memcpy(&siginfo, bytes, sizeof siginfo);
  const Status status = StoppedTask(tid).set_siginfo(siginfo);
  if (!status.ok()) throw_os_error(info.Env(), status.error());
}

Napi::Value TracerObject::get_sigmask(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return {};
  KernelSigset mask;
  const Status status = StoppedTask(tid).get_sigmask(mask);
  if (status.ok()) return js_bytes(info.Env(), &mask, sizeof mask);
  throw_os_error(info.Env(), status.error());
  return {};
}

void TracerObject::set_sigmask(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return;
  KernelSigset mask;
  const uint8_t* const bytes = bytes_argument(info, 1, sizeof mask);
  if (bytes == nullptr) return;
  memcpy(&mask, bytes, sizeof mask);
  const Status status = StoppedTask(tid).set_sigmask(mask);
  if (!status.ok()) throw_os_error(info.Env(), status.error());
}

void TracerObject::open_memory(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid < 0) return;
  const Status status = memory_.open(tid);
  if (!status.ok()) throw_os_error(info.Env(), status.error());
}

void TracerObject::close_memory(const Napi::CallbackInfo& info) {
  const pid_t tid = tid_argument(info);
  if (tid >= 0) memory_.forget(tid);
}

napi_value TracerObject::leave_out(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  size_t count = 0;
  const double* const pages = arguments.doubles(0, count);
  if (!arguments.ok()) return nullptr;
  self->left_out_.assign(pages, pages + count);
  std::sort(self->left_out_.begin(), self->left_out_.end());
  return nullptr;
}

napi_value TracerObject::hash_memory(napi_env env, napi_callback_info info) {
  Arguments<4, 1> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const PageRange excluded = {arguments.word(1), arguments.word(2)};
  const RemotePtr stack_pointer = {arguments.word(3)};
  const PageScan scan = arguments.given(4) ? PageScan::Read : PageScan::Auto;
  if (!arguments.ok()) return nullptr;
  const auto hash = ::hash_memory(self->memory_, tid, excluded, scan, stack_pointer, self->left_out_);
  if (hash.ok()) return js_hex(env, {hash.value().high, hash.value().low});
  throw_os_error(env, hash.error());
  return nullptr;
}

napi_value TracerObject::hash_range(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const RemotePtr addr = {arguments.word(1)};
  const uint64_t length = arguments.word(2);
  if (!arguments.ok()) return nullptr;
  const auto hash = ::hash_range(self->memory_, tid, addr, length);
  if (hash.ok()) return js_hex(env, {hash.value().high ^ hash.value().low});
  throw_os_error(env, hash.error());
  return nullptr;
}

napi_value TracerObject::sum_pages(napi_env env, napi_callback_info info) {
  Arguments<5> arguments(env, info);
  auto* const self = arguments.receiver<TracerObject>();
  const pid_t tid = arguments.int32(0);
  const RemotePtr addr = {arguments.word(1)};
  size_t size;
  uint8_t* const into = arguments.bytes(2, 3, 4, size);
  if (!arguments.ok()) return nullptr;
  std::vector<uint64_t> sums(size / sizeof(uint64_t));
  const Status status = ::sum_pages(self->memory_, tid, addr, sums);
  if (status.ok())
    memcpy(into, sums.data(), sums.size() * sizeof(uint64_t));
  else
    throw_os_error(env, status.error());
  return nullptr;
}

Napi::Value TracerObject::interrupt_token(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), interrupt_token_);
}
