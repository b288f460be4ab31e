// SPDX-License-Identifier: MIT
// What the kernel tells of its state through files and sockets alone: devices, interrupts, processors.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sillage::kernel {

/// An address of a network interface, or an interface that has none.
struct InterfaceFact {
  std::string name;
  std::array<std::uint8_t, 4> ipv4{};   ///< network order; zeros: it is no IPv4 address
  std::array<std::uint8_t, 16> ipv6{};  ///< the same of IPv6
};

/// A disk or partition that is not empty.
struct BlockDeviceFact {
  std::uint32_t device = 0;  ///< as the kernel has it: major << 20 | minor
  std::string name;
};

/// One handler of an interrupt.
struct InterruptFact {
  std::uint32_t irq = 0;
  std::string chip, action;
  std::int32_t tid = 0;  ///< of the thread that handles it; 0 = none
};

/// A processor that is online.
struct ProcessorFact {
  std::string architecture;
  std::uint16_t cpu_id = 0;
  std::string vendor, model_name;  ///< "unknown" if nobody says
  std::uint8_t family = 0, model = 0;
  std::uint16_t physical_id = 0, core_id = 0, cores = 0;
};

/// Reads them.
///
/// Cost:   some 10 us a file; all of a small machine 1 to 3 ms.
/// Errors: none: what cannot be read is not there.
class SystemFacts {
 public:
  /// Where sysfs and procfs are; for tests others.
  explicit SystemFacts(std::string sysfs = "/sys", std::string procfs = "/proc")
      : sysfs_(std::move(sysfs)), procfs_(std::move(procfs)) {}

  /// Of this process's network namespace.
  [[nodiscard]] static std::vector<InterfaceFact> interfaces();
  [[nodiscard]] std::vector<BlockDeviceFact> block_devices() const;
  [[nodiscard]] std::vector<InterruptFact> interrupts() const;
  [[nodiscard]] std::vector<ProcessorFact> processors() const;

 private:
  struct Handler;
  [[nodiscard]] std::vector<Handler> handler_threads() const;

  std::string sysfs_, procfs_;
};

}  // namespace sillage::kernel
