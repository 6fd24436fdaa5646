/* A program that exec accepts and then can't load: the old one is gone by then, so the process is killed. */
#include "guest_tasks.h"

#include <elf.h>
#include <stddef.h>
#include <sys/stat.h>

struct image {
  Elf64_Ehdr header;
  Elf64_Phdr segment;
  unsigned char code[128];
};

/* A static program of one segment at `address` that holds its own headers and `code`. */
static void write_image(const char *path, uint64_t address, const void *code, size_t size) {
  struct image image = {
      .header =
          {
              .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
              .e_type = ET_EXEC,
              .e_machine = EM_X86_64,
              .e_version = EV_CURRENT,
              .e_entry = address + offsetof(struct image, code),
              .e_phoff = offsetof(struct image, segment),
              .e_ehsize = sizeof(Elf64_Ehdr),
              .e_phentsize = sizeof(Elf64_Phdr),
              .e_phnum = 1,
          },
      .segment =
          {
              .p_type = PT_LOAD,
              .p_flags = PF_R | PF_X,
              .p_vaddr = address,
              .p_filesz = sizeof(struct image),
              .p_memsz = sizeof(struct image),
              .p_align = 4096,
          },
  };
  memcpy(image.code, code, size);
  int fd = CHECK_SYS(open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700));
  CHECK(write(fd, &image, sizeof(image)) == sizeof(image));
  close(fd);
}

static int run(const char *path) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    execl(path, "image", NULL);
    _exit(200);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("%d %s\n", pid, status_text(status));
  return status;
}

int main(void) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof(path), "%s/image", tmpdir());
  /* mov $60, %eax; mov $42, %edi; syscall */
  static const unsigned char leaves[] = {0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05};
  write_image(path, 0x400000, leaves, sizeof(leaves));
  CHECK(run(path) == 42 << 8);

  /* A fault at address zero. */
  static const unsigned char faults[] = {0x31, 0xc0, 0x8b, 0x00};
  write_image(path, 0x10000000, faults, sizeof(faults));
  int status = run(path);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);

  /* Beyond user space. */
  write_image(path, 0xffff800000000000, leaves, sizeof(leaves));
  status = run(path);
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 200);

  /* In the page at zero, which mmap_min_addr forbids to ordinary users. */
  write_image(path, 0, leaves, sizeof(leaves));
  status = run(path);
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 42 || WEXITSTATUS(status) == 200);
  return done();
}
