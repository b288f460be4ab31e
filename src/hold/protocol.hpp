// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sillage::hold {

// What a daemon and its holder say to each other, on a SOCK_SEQPACKET socket, one structure a message:
//
//   daemon                      holder
//     kKeep name + descriptor     ->
//     kForget name                ->
//     kList                       ->
//                                 <-   kKeep name + descriptor   for each
//                                 <-   kEnd
//
// kKeep needs no answer: a daemon that is killed behind it has left it in the socket, and the holder reads what is there before it
// sees that the daemon has gone.
enum class MessageType : std::uint32_t { kKeep = 1, kForget = 2, kList = 3, kEnd = 4 };

inline constexpr std::size_t kMaxName = 100;

/// A message that was received.
struct Message {
  MessageType type = MessageType::kEnd;
  std::string name{};
  Fd descriptor{};
};

/// Whether this can be a descriptor's name.
[[nodiscard]] bool is_name(const std::string& name);

/// Sends one message; waits for room as long as the socket's timeout says.
///
/// Errors: kNotFound  the other side has gone.
[[nodiscard]] Status send_message(int socket, MessageType type, const std::string& name, int fd);

/// Receives one message; nothing if the other side has gone.
///
/// Errors: kCorrupt  it is none; kNotReady  there is none yet (non-blocking sockets, timeouts).
[[nodiscard]] Result<std::optional<Message>> receive_message(int socket);

}  // namespace sillage::hold
