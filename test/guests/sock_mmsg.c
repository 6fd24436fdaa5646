/*
 * recvmmsg and sendmmsg: lengths, names and flags come back in every element; fewer messages than places; a time
 * limit.
 */
#include "guest.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

enum { N = 8 };

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int in = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0)), out = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  CHECK_SYS(bind(in, (struct sockaddr *)&address, sizeof(address)));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(in, (struct sockaddr *)&address, &size));

  static struct mmsghdr messages[N];
  struct iovec parts[N];
  static char texts[N][32];
  struct sockaddr_in names[N];
  for (int i = 0; i < N; i++) {
    snprintf(texts[i], sizeof(texts[i]), "%d-%.*s", getpid(), i, "abcdefghij");
    parts[i] = (struct iovec){texts[i], strlen(texts[i])};
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1, .msg_name = &address,
                                               .msg_namelen = sizeof(address)}};
  }
  CHECK(sendmmsg(out, messages, 6, 0) == 6);
  for (int i = 0; i < 6; i++)
    CHECK(messages[i].msg_len == parts[i].iov_len);

  memset(texts, '.', sizeof(texts));
  memset(names, 0xee, sizeof(names));
  for (int i = 0; i < N; i++) {
    parts[i] = (struct iovec){texts[i], i == 3 ? 2 : sizeof(texts[i])};
    messages[i] = (struct mmsghdr){.msg_len = 0xeeee,
                                   .msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1, .msg_flags = -1,
                                               .msg_name = &names[i], .msg_namelen = i == 2 ? 3 : sizeof(names[i])}};
  }
  CHECK(recvmmsg(in, messages, N, MSG_WAITFORONE, NULL) == 6);
  for (int i = 0; i < N; i++)
    printf("%u flags %#x name %u %.10s\n", messages[i].msg_len, messages[i].msg_hdr.msg_flags,
           messages[i].msg_hdr.msg_namelen, texts[i]);
  CHECK(messages[3].msg_len == 2 && messages[3].msg_hdr.msg_flags == MSG_TRUNC);
  CHECK(messages[6].msg_len == 0xeeee);
  MIX(texts);
  MIX(names);

  CHECK_ERRNO(recvmmsg(in, messages, N, MSG_DONTWAIT, NULL), EAGAIN);
  CHECK(sendto(out, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1);
  /* The limit is only looked at between messages: with one there already and zero time, the call ends with it. */
  struct timespec limit = {0};
  CHECK(recvmmsg(in, messages, N, 0, &limit) == 1);
  printf("left %lld.%09ld\n", (long long)limit.tv_sec, limit.tv_nsec);

  /* An error after the first message: the count is returned. */
  CHECK(sendto(out, "y", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1);
  messages[0].msg_hdr.msg_name = NULL, messages[0].msg_hdr.msg_namelen = 0;
  messages[1].msg_hdr.msg_iov = (struct iovec *)8;
  CHECK(recvmmsg(in, messages, 2, MSG_DONTWAIT, NULL) == 1);
  return done();
}
