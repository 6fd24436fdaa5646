/* Threads in condition waits, one with a timeout: they go on when they are live. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn = -1;

static void *player(void *number) {
  int mine = (int)(long)number;
  pthread_mutex_lock(&lock);
  while (turn != mine) pthread_cond_wait(&changed, &lock);
  dprintf(1, "turn of %d\n", mine);
  turn++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  char text[8];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, player, (void *)i);
  usleep(1000);
  dprintf(1, "rests\n");
  if (read(0, text, sizeof text) <= 0) return 1;
  pthread_mutex_lock(&lock);
  turn = 0;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  dprintf(1, "all ended\n");
  return 5;
}
