#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

/// What /proc/TID/NAME holds; nothing if it cannot be read: the task is gone, or the file somebody else's.
std::optional<std::string> read_task_file(pid_t tid, const char* name);
