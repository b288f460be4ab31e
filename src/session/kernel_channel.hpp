// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "session/inclusion_set.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::session {

/// One channel of kernel events as the user asked for it. Left-out sizes are LTTng's defaults (parity C2).
struct KernelChannelOptions {
  std::string name = "channel0";
  bool overwrite = false;  ///< flight recorder: the oldest events are lost; else the newest
  std::optional<ByteCount> subbuf_bytes{};
  std::optional<std::uint32_t> subbuf_count{};
  bool state_dump = true;             ///< record the kernel's initial state, too
  bool memory_maps = false;           ///< and therein the memory maps of all processes
  std::uint32_t syscall_bytes = 0;    ///< first bytes of the buffers of read, write and their like
  bool may_change = false;            ///< rules come and go while it records
  ByteCount tracefile_bytes{};        ///< of a trace file; 0: no limit
  std::uint32_t tracefile_count = 0;  ///< files of a stream, the oldest written over; 0: no limit
  Nanoseconds switch_period{};  ///< how long a sub-buffer is written at most; 0: until it is full
};

/// The processes of which events are wanted, for many rules at once.
struct Inclusion {
  std::shared_ptr<const InclusionSets> sets{};  ///< none: of all processes
  bool operator==(const Inclusion& other) const {
    return sets == other.sets || (sets && other.sets && *sets == *other.sets);
  }
};

/// Asks for instrumentation of one kind.
struct KernelRule {
  enum class Kind : std::uint8_t {
    kTracepoint,      ///< pattern of LTTng's or the kernel's name
    kSyscall,         ///< pattern of a system call's name; entry and exit
    kFunction,        ///< a function of the kernel: entry and exit, with arguments and result
    kProbe,           ///< SYMBOL[+OFFSET] of the kernel
    kUserspaceProbe,  ///< PATH:SYMBOL[+OFFSET] or sdt:PATH:PROVIDER:NAME
  };
  Kind kind = Kind::kTracepoint;
  std::string pattern = "*";
  std::vector<std::string> exclusions{};  ///< patterns; of tracepoints and system calls
  std::string filter{};                   ///< expression; "" = none
  Inclusion included{};
  std::string event_name{};  ///< of functions and probes; "" = after the place
  bool operator==(const KernelRule&) const = default;
};

/// One channel of kernel events: options, rules, contexts.
class KernelChannel {
 public:
  /// Errors: kInvalidArgument  the name is empty, too long or cannot be a file's; a size of 0.
  [[nodiscard]] static Result<KernelChannel> create(KernelChannelOptions options);

  [[nodiscard]] const KernelChannelOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<KernelRule>& rules() const { return rules_; }
  /// Names, in the order of the records: "pid", "procname" ...
  [[nodiscard]] const std::vector<std::string>& contexts() const { return contexts_; }

  /// Errors: kAlreadyExists    the same rule is there.
  ///         kInvalidArgument  an empty or overlong pattern or filter, or exclusions on one event.
  [[nodiscard]] Status add_rule(KernelRule rule);

  /// Which contexts there are is the tracer's to know.
  ///
  /// Errors: kAlreadyExists  the channel has it.
  ///         kLimit          more than a record can have.
  [[nodiscard]] Status add_context(std::string context);

  /// The first rule of that kind that wants something called `name` or, with the kernel's name,
  /// `other_name`; nullptr if none does.
  [[nodiscard]] const KernelRule* find_rule(KernelRule::Kind kind, std::string_view name,
                                            std::string_view other_name) const;

  /// All such rules, in the order in which they were added.
  [[nodiscard]] std::vector<const KernelRule*> find_rules(KernelRule::Kind kind,
                                                          std::string_view name,
                                                          std::string_view other_name) const;

 private:
  explicit KernelChannel(KernelChannelOptions options) : options_(std::move(options)) {}

  KernelChannelOptions options_;
  std::vector<KernelRule> rules_;
  std::vector<std::string> contexts_;
};

}  // namespace sillage::session
