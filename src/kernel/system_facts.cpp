// SPDX-License-Identifier: MIT
#include "kernel/system_facts.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace sillage::kernel {
namespace {

namespace fs = std::filesystem;

// A file of one line.
std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What is in a directory, in order; none if it cannot be read.
std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The entries of a directory that are numbers, in order.
std::vector<std::uint32_t> numbers_in(const std::string& directory) {
  std::vector<std::uint32_t> numbers;
  for (const std::string& name : names_in(directory))
    if (const auto value = number(name)) numbers.push_back(*value);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

using Properties = std::map<std::string, std::string, std::less<>>;

// The blocks of /proc/cpuinfo: "NAME : VALUE" lines.
std::vector<Properties> read_cpuinfo(const std::string& path) {
  std::vector<Properties> processors;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = trimmed(std::string_view(line).substr(0, colon));
    const std::string_view value = trimmed(std::string_view(line).substr(colon + 1));
    if (name == "processor") processors.emplace_back();
    if (!processors.empty()) processors.back().emplace(name, value);
  }
  return processors;
}

std::uint32_t number_of(const Properties& properties, std::string_view name) {
  const auto found = properties.find(name);
  return found == properties.end() ? 0 : number(found->second).value_or(0);
}

std::string text_of(const Properties& properties, std::string_view name) {
  const auto found = properties.find(name);
  return found == properties.end() || found->second.empty() ? "unknown" : found->second;
}

}  // namespace

struct SystemFacts::Handler {
  std::string name;
  std::int32_t tid = 0;
};

std::vector<InterfaceFact> SystemFacts::interfaces() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::vector<InterfaceFact> facts;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    InterfaceFact fact{.name = entry->ifa_name};
    const int family = entry->ifa_addr != nullptr ? entry->ifa_addr->sa_family : AF_UNSPEC;
    if (family == AF_INET) {
      std::memcpy(fact.ipv4.data(),
                  &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr,
                  fact.ipv4.size());
      // An alias is a name of the address, not of the interface.
      fact.name = fact.name.substr(0, fact.name.find(':'));
    } else if (family == AF_INET6) {
      std::memcpy(fact.ipv6.data(),
                  &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr,
                  fact.ipv6.size());
    } else {
      // The interface itself: only said of one without addresses.
      const bool has_address = std::any_of(
          facts.begin(), facts.end(), [&](const auto& other) { return other.name == fact.name; });
      if (has_address) continue;
    }
    facts.push_back(std::move(fact));
  }
  ::freeifaddrs(list);
  // Links come before addresses.
  const auto is_empty = [](const InterfaceFact& fact) {
    return fact.ipv4 == decltype(fact.ipv4){} && fact.ipv6 == decltype(fact.ipv6){};
  };
  const std::vector<InterfaceFact> all = facts;
  std::erase_if(facts, [&](const InterfaceFact& fact) {
    return is_empty(fact) && std::any_of(all.begin(), all.end(), [&](const InterfaceFact& other) {
             return other.name == fact.name && !is_empty(other);
           });
  });
  return facts;
}

std::vector<BlockDeviceFact> SystemFacts::block_devices() const {
  std::vector<BlockDeviceFact> facts;
  const std::string directory = sysfs_ + "/class/block/";
  for (std::string name : names_in(directory)) {
    const std::string device = read_line(directory + name + "/dev");
    const std::size_t colon = device.find(':');
    if (colon == std::string::npos) continue;
    const auto major = number(std::string_view(device).substr(0, colon));
    const auto minor = number(std::string_view(device).substr(colon + 1));
    // Loop devices without a file, drives without a disk: LTTng leaves them out, too.
    if (!major || !minor || read_line(directory + name + "/size") == "0") continue;
    std::replace(name.begin(), name.end(), '!', '/');
    facts.push_back({*major << 20 | *minor, std::move(name)});
  }
  return facts;
}

// The kernel's threads for interrupts are called "irq/NUMBER-ACTION", cut at 15 characters.
std::vector<SystemFacts::Handler> SystemFacts::handler_threads() const {
  std::vector<Handler> threads;
  for (const std::uint32_t pid : numbers_in(procfs_)) {
    std::string name = read_line(procfs_ + "/" + std::to_string(pid) + "/comm");
    if (name.starts_with("irq/"))
      threads.push_back({std::move(name), static_cast<std::int32_t>(pid)});
  }
  return threads;
}

std::vector<InterruptFact> SystemFacts::interrupts() const {
  constexpr std::size_t kNameLetters = 15;
  std::vector<InterruptFact> facts;
  const std::vector<Handler> threads = handler_threads();
  const std::string directory = sysfs_ + "/kernel/irq/";
  for (const std::uint32_t irq : numbers_in(directory)) {
    const std::string folder = directory + std::to_string(irq);
    std::string chip = read_line(folder + "/chip_name");
    if (chip.empty() || chip == "(null)") chip = "unnamed_irq_chip";
    const std::string actions = read_line(folder + "/actions");
    for (std::size_t begin = 0; begin < actions.size();) {
      const std::size_t end = std::min(actions.find(',', begin), actions.size());
      InterruptFact fact{.irq = irq, .chip = chip, .action = actions.substr(begin, end - begin)};
      const std::string thread =
          ("irq/" + std::to_string(irq) + "-" + fact.action).substr(0, kNameLetters);
      const auto handler = std::find_if(threads.begin(), threads.end(),
                                        [&](const Handler& known) { return known.name == thread; });
      if (handler != threads.end()) fact.tid = handler->tid;
      facts.push_back(std::move(fact));
      begin = end + 1;
    }
  }
  return facts;
}

std::vector<ProcessorFact> SystemFacts::processors() const {
  utsname system{};
  (void)::uname(&system);
  const std::string machine = system.machine;
  const bool is_x86 = machine == "x86_64" || (machine.size() == 4 && machine.ends_with("86"));
  std::vector<ProcessorFact> facts;
  for (const Properties& known : read_cpuinfo(procfs_ + "/cpuinfo")) {
    ProcessorFact fact;
    fact.architecture = is_x86 ? "x86" : machine;
    fact.cpu_id = static_cast<std::uint16_t>(number_of(known, "processor"));
    fact.vendor = text_of(known, "vendor_id");
    fact.family = static_cast<std::uint8_t>(number_of(known, "cpu family"));
    fact.model = static_cast<std::uint8_t>(number_of(known, "model"));
    fact.model_name = text_of(known, "model name");
    const std::string topology =
        sysfs_ + "/devices/system/cpu/cpu" + std::to_string(fact.cpu_id) + "/topology/";
    const auto from_sysfs = [&](const char* name) {
      return static_cast<std::uint16_t>(number(read_line(topology + name)).value_or(0));
    };
    fact.physical_id = from_sysfs("physical_package_id");
    fact.core_id = from_sysfs("core_id");
    fact.cores = static_cast<std::uint16_t>(number_of(known, "cpu cores"));
    facts.push_back(std::move(fact));
  }
  return facts;
}

}  // namespace sillage::kernel
