/*
 * Serves on a unix socket in its directory, and on a port of the loopback interface: each line gets its number, and what
 * file "notes" had in it before; the line is appended to that file. Ends with 6 after the line "end".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
  struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof port;
  struct pollfd listeners[2] = {{.events = POLLIN}, {.events = POLLIN}};
  listeners[0].fd = socket(AF_UNIX, SOCK_STREAM, 0);
  listeners[1].fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listeners[0].fd, (struct sockaddr *)&name, sizeof name) < 0 || listen(listeners[0].fd, 5) < 0) return 1;
  if (bind(listeners[1].fd, (struct sockaddr *)&port, sizeof port) < 0 || listen(listeners[1].fd, 5) < 0) return 1;
  getsockname(listeners[1].fd, (struct sockaddr *)&port, &size);
  dprintf(1, "serves on %d\n", ntohs(port.sin_port));
  for (int number = 1;; number++) {
    if (poll(listeners, 2, -1) < 0) return 2;
    int connection = accept(listeners[listeners[0].revents != 0 ? 0 : 1].fd, NULL, NULL);
    char line[100] = "", before[1000] = "";
    ssize_t length = read(connection, line, sizeof line - 1);
    if (length <= 0) return 3;
    int notes = open("notes", O_RDWR | O_CREAT, 0600);
    read(notes, before, sizeof before - 1);
    write(notes, line, length);
    close(notes);
    dprintf(connection, "%d %s%s", number, before, line);
    close(connection);
    dprintf(1, "%s", line);
    if (strcmp(line, "end\n") == 0) return 6;
  }
}
