#pragma once

/// Makes cpuid trap in the calling thread, as it does in the tasks it traces: otherwise every switch between the two
/// rewrites a machine register, which costs a virtual machine some ten microseconds each time. A SIGSEGV handler answers
/// the thread's own cpuid instructions (libraries probe the CPU at times of their choosing). False if the CPU can't.
bool trap_cpuid_here();
