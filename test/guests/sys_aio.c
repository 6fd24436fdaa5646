/* Asynchronous I/O of the kernel: completions and data arrive by themselves, and its ring is memory of the process. */
#include "guest.h"

#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <time.h>

int main(void) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 16, &context) == -1) {
    printf("errno %d\n", errno);
    skip("io_setup is refused");
  }
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  static char out[4][1000], in[4][1000];
  struct iocb blocks[4], *list[4];
  for (int i = 0; i < 4; i++) {
    memset(out[i], 'a' + i, sizeof(out[i]));
    blocks[i] = (struct iocb){.aio_data = (uint64_t)(1000 + i),
                              .aio_lio_opcode = IOCB_CMD_PWRITE,
                              .aio_fildes = (uint32_t)fd,
                              .aio_buf = (uintptr_t)out[i],
                              .aio_nbytes = sizeof(out[i]),
                              .aio_offset = i * 1000};
    list[i] = &blocks[i];
  }
  struct io_event events[8];
  for (int turn = 0; turn < 2; turn++) {
    CHECK(syscall(SYS_io_submit, context, 4, list) == 4);
    memset(events, 0xee, sizeof(events));
    CHECK(syscall(SYS_io_getevents, context, 4, 8, events, NULL) == 4);
    for (int i = 0; i < 4; i++)
      CHECK(events[i].res == 1000 && events[i].data >= 1000 && events[i].data < 1004);
    MIX(events);
    for (int i = 0; i < 4; i++)
      blocks[i].aio_lio_opcode = IOCB_CMD_PREAD, blocks[i].aio_buf = (uintptr_t)in[i];
  }
  CHECK(memcmp(in, out, sizeof(in)) == 0);
  CHECK(syscall(SYS_io_getevents, context, 1, 8, events, &(struct timespec){.tv_nsec = 1000000}) == 0);
  CHECK_SYS(syscall(SYS_io_destroy, context));
  CHECK_ERRNO(syscall(SYS_io_destroy, context), EINVAL);
  return done();
}
