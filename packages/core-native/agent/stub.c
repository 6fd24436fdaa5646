/* The program that a replay really executes, in place of the recorded one. The tracer takes it over at its exec stop: it
 * clears the address space around it, builds the recorded one, and makes its remote system calls through the `syscall`
 * at the entry point. Freestanding: one page of text at 0x70100000, inside the range that recorder and replayer keep for
 * themselves; no data, no use of the stack. It's not meant to run: if it does, the int3 ends it. */

__asm__(
    ".section .text\n"
    ".globl _start\n"
    ".type _start, @function\n"
    "_start:\n"
    /* Registers are 0 after an exec: run by itself, this is read(0, NULL, 0). */
    "  syscall\n"
    "  int3\n"
    /* Only where SIGTRAP was ignored: exit_group(120). */
    "  mov $231, %eax\n"
    "  mov $120, %edi\n"
    "  syscall\n"
    "  hlt\n"
    ".size _start, . - _start\n"
    ".section .note.GNU-stack, \"\", @progbits\n");
