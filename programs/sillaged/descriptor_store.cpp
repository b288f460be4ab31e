// SPDX-License-Identifier: MIT
#include "sillaged/descriptor_store.hpp"

#include "hold/holder_store.hpp"
#include "hold/systemd_store.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace sillage::daemon {
namespace {

/// The holder beside this program, or where it is installed.
std::string holder_program() {
  std::string self(4096, '\0');
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  self.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::string folder = self.substr(0, self.rfind('/') + 1);
  std::string beside = folder + "sillage-holder";
  if (::access(beside.c_str(), X_OK) == 0) return beside;
  return folder + SILLAGE_LIBEXEC_FROM_BIN "/sillage/sillage-holder";
}

}  // namespace

std::unique_ptr<hold::DescriptorStore> make_descriptor_store(const apps::RuntimePaths& paths) {
  const char* const wanted = std::getenv("SILLAGE_FDSTORE");
  const char* const manager = std::getenv("NOTIFY_SOCKET");
  if (wanted != nullptr && std::string(wanted) == "1" && manager != nullptr) {
    // Names as Recording and Daemon give them.
    hold::Descriptors passed;
    for (const char* prefix : {"ring-", "ledger-", "clock"})
      passed.merge(hold::SystemdStore::passed_descriptors(prefix));
    return std::make_unique<hold::SystemdStore>(manager, std::move(passed));
  }
  return std::make_unique<hold::HolderStore>(paths.holder_socket(), holder_program());
}

}  // namespace sillage::daemon
