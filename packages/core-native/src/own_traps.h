#pragma once

/// Makes cpuid trap in the calling thread, as it does in the tasks it traces: otherwise every switch between the two
/// rewrites a machine register, which costs a virtual machine some ten microseconds each time. A SIGSEGV handler answers
/// the thread's own cpuid instructions (libraries probe the CPU at times of their choosing). False if the CPU can't.
bool trap_cpuid_here();

/// The calling thread does little more than to wait for tasks in which rdtsc traps, and executes no program but by spawn:
/// what it executed otherwise could not read the time. From its 500th wait on rdtsc traps here as well, for the same reason,
/// if the machine is one where that pays (AMD's virtual machines: a stop takes 10 microseconds instead of 27). Whoever
/// reads the time through the vDSO opens it until the next wait.
void match_tsc_here();

/// To be called before each wait for tasks, by whatever thread.
void match_tsc();

/// In a child that this thread has forked: what it executes must be able to read the time.
void open_tsc();
