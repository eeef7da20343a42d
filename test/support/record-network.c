// Preloaded into a process and its children: appends a line to $RECORD_NETWORK for each lookup and connection.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void record(const char *what, const char *to, int port) {
  const char *path = getenv("RECORD_NETWORK");
  FILE *file = path == NULL ? NULL : fopen(path, "ae");
  if (file == NULL) return;
  fprintf(file, "%s %s %d\n", what, to, port);
  fclose(file);
}

static void record_address(const char *what, const struct sockaddr *to) {
  char text[INET6_ADDRSTRLEN] = "";
  if (to == NULL) return;
  if (to->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)to;
    record(what, inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text), ntohs(v4->sin_port));
  }
  if (to->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const void *)to;
    record(what, inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs(v6->sin6_port));
  }
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
      dlsym(RTLD_NEXT, "getaddrinfo");
  if (node != NULL) record("lookup", node, 0);
  return next(node, service, hints, found);
}

int connect(int socket, const struct sockaddr *to, socklen_t length) {
  int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
  record_address("connect", to);
  return next(socket, to, length);
}

ssize_t sendto(int socket, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
  ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
  record_address("send", to);
  return next(socket, bytes, size, flags, to, length);
}
