#include "unix_peers.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include <cstring>

namespace {

constexpr uint32_t NO_COOKIE = ~0U;
/// More than the answer about one socket takes.
constexpr size_t MAX_ANSWER = 1024;

}  // namespace

uint32_t UnixPeers::peer_of(uint32_t inode) {
  if (is_missing_) return 0;
  if (!socket_.valid()) socket_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  struct {
    nlmsghdr header;
    unix_diag_req request;
  } question = {};
  question.header = {sizeof question, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0};
  question.request.sdiag_family = AF_UNIX;
  question.request.udiag_states = ~0U;
  question.request.udiag_ino = inode;
  question.request.udiag_show = UDIAG_SHOW_PEER;
  question.request.udiag_cookie[0] = question.request.udiag_cookie[1] = NO_COOKIE;
  if (!socket_.valid() || send(socket_.get(), &question, sizeof question, 0) < 0) {
    // Not in this kernel, or not for us: it will not come.
    is_missing_ = true;
    return 0;
  }
  alignas(nlmsghdr) char answer[MAX_ANSWER];
  // The kernel has answered by the time that it takes the question.
  const ssize_t size = recv(socket_.get(), answer, sizeof answer, MSG_DONTWAIT);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer);
  if (size < 0 || !NLMSG_OK(header, static_cast<size_t>(size))) return 0;
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) return 0;
  const auto* found = static_cast<const unix_diag_msg*>(NLMSG_DATA(header));
  auto left = static_cast<int>(NLMSG_PAYLOAD(header, sizeof *found));
  for (const auto* part = reinterpret_cast<const rtattr*>(found + 1); RTA_OK(part, left);
       part = RTA_NEXT(part, left)) {
    if (part->rta_type != UNIX_DIAG_PEER) continue;
    uint32_t peer = 0;
    memcpy(&peer, RTA_DATA(part), sizeof peer);
    return peer;
  }
  return 0;
}
