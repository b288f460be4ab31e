// SPDX-License-Identifier: MIT
#pragma once

#include "hold/store.hpp"

#include <string>
#include <utility>

namespace sillage::hold {

/// Keeps descriptors in the service manager that started this process: it gives them to the next start of the service.
///
/// Threads: any; take() before there are others.
/// Source:  sd_pid_notify_with_fds(3), FDSTORE; sd_listen_fds_with_names(3).
class SystemdStore final : public DescriptorStore {
 public:
  /// `socket`: $NOTIFY_SOCKET; `passed`: what passed_descriptors() found.
  SystemdStore(std::string socket, Descriptors passed)
      : socket_(std::move(socket)), passed_(std::move(passed)) {}

  [[nodiscard]] Status keep(const std::string& name, int fd) override;
  void forget(const std::string& name) override;
  [[nodiscard]] Descriptors take() override { return std::move(passed_); }

  /// Duplicates, above all that were passed, of descriptors that were passed to this process under a name that begins with `prefix`.
  /// What was passed, and the environment, are left to who looks for sockets.
  [[nodiscard]] static Descriptors passed_descriptors(const std::string& prefix);

 private:
  [[nodiscard]] Status notify(const std::string& text, int fd) const;

  const std::string socket_;
  Descriptors passed_;
};

}  // namespace sillage::hold
