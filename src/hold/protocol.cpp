// SPDX-License-Identifier: MIT
#include "hold/protocol.hpp"

#include "hold/descriptor_message.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

namespace sillage::hold {
namespace {

constexpr std::uint32_t kMagic = 0x31646c68;  // "hld1"

struct Packet {
  std::uint32_t magic = kMagic;
  MessageType type = MessageType::kEnd;
  char name[kMaxName + 4] = {};
};

}  // namespace

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
         });
}

Status send_message(int socket, MessageType type, const std::string& name, int fd) {
  Packet packet;
  packet.type = type;
  if (!name.empty() && !is_name(name))
    return fail(Code::kInvalidArgument, "\"" + name + "\" cannot be a descriptor's name");
  std::memcpy(packet.name, name.data(), name.size());
  DescriptorMessage message(&packet, sizeof packet, fd);
  for (;;) {
    if (::sendmsg(socket, &message.header(), MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET)
      return fail(Code::kNotFound, "the holder of descriptors has gone");
    if (errno == EAGAIN)
      return fail(Code::kTimeout, "the holder of descriptors does not take any; is it stopped?");
    return fail_errno("cannot reach the holder of descriptors");
  }
}

Result<std::optional<Message>> receive_message(int socket) {
  Packet packet;
  iovec data{&packet, sizeof packet};
  // Room for one more than is ever sent, so that none is lost unseen.
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return std::optional<Message>();
  if (got < 0) return fail_errno("cannot receive from a holder of descriptors");
  Message result;
  std::size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len;
         at += sizeof(int), ++count) {
      int fd = -1;
      std::memcpy(&fd, reinterpret_cast<const char*>(header) + at, sizeof fd);
      result.descriptor = Fd(fd);
    }
  }
  const char* const end = std::find(packet.name, packet.name + sizeof packet.name, '\0');
  result.type = packet.type;
  result.name.assign(packet.name, static_cast<std::size_t>(end - packet.name));
  const bool is_named = result.type == MessageType::kKeep || result.type == MessageType::kForget;
  if (got != static_cast<ssize_t>(sizeof packet) || packet.magic != kMagic ||
      result.type < MessageType::kKeep || result.type > MessageType::kEnd ||
      count != (result.type == MessageType::kKeep ? 1u : 0u) || is_named != is_name(result.name))
    return fail(Code::kCorrupt, "a message to a holder of descriptors that is none");
  return std::optional<Message>(std::move(result));
}

}  // namespace sillage::hold
