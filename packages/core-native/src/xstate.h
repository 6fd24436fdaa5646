#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "errors.h"
#include "stopped_task.h"

/// x87, vector and other extended state in the XSAVE standard format (NT_X86_XSTATE); its size depends on the machine.
Result<std::vector<uint8_t>> get_xstate(const StoppedTask& task);
Status set_xstate(const StoppedTask& task, const uint8_t* state, size_t size);
/// The state with which a signal handler begins: initial values. The processor tracks which components are in use; XSAVEOPT
/// and XSAVEC write only those, and dynamic linkers save them to the stack. x87 and SSE are in use here, for one that is
/// not may become so at any time, and the others are not.
Status init_xstate(const StoppedTask& task);
/// The same where the kernel has just made all components initial, and so unused.
Status use_xstate(const StoppedTask& task);
