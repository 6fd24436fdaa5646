/* System V objects, prctl and terminal requests. */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
int main(void) {
  int q = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  struct msqid_ds m;
  msgctl(q, IPC_STAT, &m);
  m.msg_qbytes = 1000;
  msgctl(q, IPC_SET, &m);
  msgctl(q, IPC_RMID, 0);
  int s = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
  struct semid_ds d;
  semctl(s, 0, IPC_STAT, &d);
  semctl(s, 1, SETVAL, 5);
  semctl(s, 0, IPC_RMID);
  struct msginfo mi;
  msgctl(0, IPC_INFO, (void *)&mi);
  struct seminfo si;
  semctl(0, 0, IPC_INFO, &si);
  int x;
  prctl(PR_GET_TSC, &x);
  prctl(PR_SET_DUMPABLE, 1);
  prctl(PR_GET_DUMPABLE);
  prctl(PR_SET_NAME, "hello");
  prctl(PR_SET_PDEATHSIG, 9);
  prctl(PR_GET_PDEATHSIG, &x);
  prctl(PR_GET_SECCOMP);
  prctl(PR_CAPBSET_READ, 5);
  prctl(PR_GET_KEEPCAPS);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  prctl(PR_GET_TIMERSLACK);
  prctl(PR_GET_SECUREBITS);
  prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
  prctl(PR_SET_TIMERSLACK, 50000);
  prctl(PR_GET_CHILD_SUBREAPER, &x);
  prctl(PR_SET_VMA, 0, 0x10000, 4096, "nm");
  tcflush(0, TCIOFLUSH);
  ioctl(0, TCXONC, 1);
  ioctl(0, TIOCGPGRP, &x);
  ioctl(0, FIONREAD, &x);
  ioctl(0, TIOCGWINSZ, &x);
  int one = 1;
  ioctl(3, FIONBIO, &one);
  ioctl(3, FIOCLEX);
  ioctl(0, TCSBRK, 1);
  return 0;
}
