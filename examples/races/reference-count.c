/*
 * Two threads let an object of the cache go, and both free it: Apache's bug 21287, an atomicity violation.
 *
 * The count goes down by an atomic instruction, but whether it has come to 0 is looked at by another one. If the second
 * thread lowers it in between, both see 0.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2, OBJECTS = 8 };

static struct object {
  atomic_int references;
  int freed;
} objects[OBJECTS];

__attribute__((noinline)) static void cleanup(struct object *object) {
  if (object->freed++) {
    fprintf(stderr, "object %td is freed twice\n", object - objects);
    abort();
  }
}

__attribute__((noinline)) static void release(struct object *object) {
  atomic_fetch_sub(&object->references, 1);
  if (atomic_load(&object->references) == 0)
    cleanup(object);
}

static void *serve(void *arg) {
  (void)arg;
  for (int i = 0; i < OBJECTS; i++)
    release(&objects[i]);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  for (int i = 0; i < OBJECTS; i++)
    atomic_init(&objects[i].references, THREADS);
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, serve, NULL) != 0)
      return 2;
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
