/* A thread that isn't the leader executes argv[1]. */
#include <pthread.h>
#include <unistd.h>

static void *execute(void *argument) {
  char **argv = argument;
  execv(argv[1], argv + 1);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 99;
  pthread_t thread;
  if (pthread_create(&thread, NULL, execute, argv) != 0) return 98;
  for (;;) pause();
}
