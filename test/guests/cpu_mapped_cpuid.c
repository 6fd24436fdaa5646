/*
 * The same as cpu_generated_cpuid.c in memory that is executable and writable from the beginning.
 */
#define PROT_AT_FIRST (PROT_READ | PROT_WRITE | PROT_EXEC)
#include "cpu_generated_cpuid.c"
