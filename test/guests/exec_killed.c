/* SIGKILL to a process whose threads all try to execute a program: also when one has taken the leader's place already. */
#include "guest_tasks.h"

#define ROUNDS 12

static void *executes(void *arg) {
  execl(self_path(), self_path(), "again", NULL);
  return arg;
}

int main(int argc, char **argv) {
  (void)argv;
  self_path();
  if (argc > 1) {
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
      /* The kernel makes none while another executes: copy_fs() asks for another try. */
      int error = pthread_create(&thread, NULL, executes, NULL);
      CHECK(error == 0 || error == EAGAIN);
    }
    for (;;)
      pause();
  }
  unsigned seed = (unsigned)now_us();
  for (int round = 0; round < ROUNDS; round++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      executes(NULL);
    nap_us(rand_r(&seed) % 20000);
    CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
  }
  return done();
}
