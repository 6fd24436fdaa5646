#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "errors.h"
#include "stopped_task.h"

/// x87, vector and other extended state in the XSAVE standard format (NT_X86_XSTATE); its size depends on the machine.
Result<std::vector<uint8_t>> get_xstate(const StoppedTask& task);
Status set_xstate(const StoppedTask& task, const uint8_t* state, size_t size);
/// All components in their initial configuration, not merely zero: the processor tracks which are in use, XSAVEOPT and
/// XSAVEC write only those, and dynamic linkers save them to the stack.
Status init_xstate(const StoppedTask& task);
