#pragma once

#include <cerrno>
#include <optional>
#include <utility>
#include <variant>

/// An operating error: what the kernel refused, and which step asked. A value, never thrown.
struct OsError {
  int number;
  /// Static text: the system call or the step's name as users know it ("execve", "ptrace").
  const char* operation;
};

inline OsError last_error(const char* operation) { return OsError{errno, operation}; }

/// Either a value or the error that took its place.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(OsError error) : state_(error) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  OsError error() const { return std::get<OsError>(state_); }

 private:
  std::variant<T, OsError> state_;
};

/// Success, or the error that prevented it.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(OsError error) : error_(error) {}

  bool ok() const { return !error_.has_value(); }
  OsError error() const { return *error_; }
  /// The task died under us: an ordinary outcome for the caller of a stopped task.
  bool task_gone() const { return error_ && error_->number == ESRCH; }

 private:
  std::optional<OsError> error_;
};
