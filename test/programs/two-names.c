// Maps the file argv[1] many times, and at last argv[2], which has the same content.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 1;
  for (int i = 0; i < 40; i++) {
    const int fd = open(argv[i < 39 ? 1 : 2], O_RDONLY);
    const char* p = mmap(NULL, 9, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED || *p != 't') return 1;
    close(fd);
    if (i < 39) munmap((void*)p, 9);
  }
  return getppid() < 0;
}
