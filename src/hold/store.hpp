// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <map>
#include <string>

namespace sillage::hold {

/// Descriptors by name.
using Descriptors = std::map<std::string, Fd>;

/// Where descriptors live on when this process is killed.
///
/// Shape:   names are letters, digits, '-' and '.', 1 to 100 of them.
/// Threads: any.
class DescriptorStore {
 public:
  DescriptorStore() = default;
  virtual ~DescriptorStore() = default;
  DescriptorStore(const DescriptorStore&) = delete;
  DescriptorStore& operator=(const DescriptorStore&) = delete;

  /// Keeps a duplicate of `fd`; a second one of the same name takes the first one's place.
  ///
  /// Errors: what keeps the descriptor from being kept; it then ends with this process.
  [[nodiscard]] virtual Status keep(const std::string& name, int fd) = 0;
  /// Lets go of a descriptor. Nothing happens if there is none of the name.
  virtual void forget(const std::string& name) = 0;
  /// What an earlier process left; it stays kept. Once.
  [[nodiscard]] virtual Descriptors take() = 0;
};

}  // namespace sillage::hold
