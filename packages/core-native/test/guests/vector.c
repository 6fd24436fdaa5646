/* cflags: -nostdlib -ffreestanding */
/* Makes x87, SSE and mxcsr differ from their initial state, calls getppid, and ends with the state it finds then:
 * (XINUSE & 3) * 16 + (mxcsr == 0x1f80). */
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  fld1\n"
    "  movabs $0x1111111111111111, %rax\n"
    "  movq %rax, %xmm0\n"
    "  movl $0x1f00, -8(%rsp)\n"
    "  ldmxcsr -8(%rsp)\n"
    "  mov $110, %eax\n"
    "  syscall\n"
    "  stmxcsr -8(%rsp)\n"
    "  mov $1, %ecx\n"
    "  xgetbv\n"
    "  and $3, %eax\n"
    "  shl $4, %eax\n"
    "  xor %edi, %edi\n"
    "  cmpl $0x1f80, -8(%rsp)\n"
    "  sete %dil\n"
    "  or %eax, %edi\n"
    "  mov $231, %eax\n"
    "  syscall\n");
