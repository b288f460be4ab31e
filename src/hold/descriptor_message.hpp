// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstring>

namespace sillage::hold {

/// Some bytes for sendmsg(), and a descriptor with them.
///
/// Lifetime: the bytes must outlive it.
class DescriptorMessage {
 public:
  /// `fd`: the other side gets a duplicate; -1: none.
  DescriptorMessage(const void* bytes, std::size_t size, int fd)
      : data_{const_cast<void*>(bytes), size} {  // sendmsg() only reads
    header_.msg_iov = &data_;
    header_.msg_iovlen = 1;
    if (fd < 0) return;
    header_.msg_control = control_;
    header_.msg_controllen = sizeof control_;
    cmsghdr* const head = CMSG_FIRSTHDR(&header_);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  }
  DescriptorMessage(const DescriptorMessage&) = delete;
  DescriptorMessage& operator=(const DescriptorMessage&) = delete;

  /// For a name to be added to it.
  [[nodiscard]] msghdr& header() { return header_; }

 private:
  iovec data_;
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
  msghdr header_{};
};

}  // namespace sillage::hold
