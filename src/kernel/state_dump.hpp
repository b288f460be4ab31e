// SPDX-License-Identifier: MIT
// The kernel's state as events, so that a trace tells what was there before its first event.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "ctf/model.hpp"
#include "kernel/btf.hpp"
#include "kernel/event_recipes.hpp"
#include "kernel/kernel_channel.hpp"
#include "kernel/system_facts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sillage::kernel {

struct StateDumpOptions {
  bool memory_maps = false;  ///< lttng_statedump_vm_map: many, and the owner's mmap_lock is taken
};

/// The recipes of what iterators record: statedump.txt.
[[nodiscard]] Result<std::vector<EventRecipe>> state_dump_recipes();

/// Dumps the kernel's state into a channel, as LTTng's `lttng_statedump_*` events: tasks with their namespaces,
/// credentials and open files, and control groups, by programs of BPF iterators; network interfaces, block devices,
/// interrupts and processors, by way of write_record().
///
/// Iterators come to the tasks of the PID namespace that this process is in.
///
/// Lifetime: the channel lives longer.
/// Threads:  one at a time.
class StateDump {
 public:
  /// Makes an event known to the trace and gives its id.
  using Declare =
      std::function<Result<EventId>(const std::string& name, const ctf::FieldClassRef& payload)>;

  /// Loads the programs; nothing is recorded. `btf` may be null: then without what iterators record.
  ///
  /// Cost:   some 15 ms.
  /// Errors: those of `declare`; kPermission. What this kernel cannot tell is in left_out().
  [[nodiscard]] static Result<StateDump> create(KernelChannel& channel, const Btf* btf,
                                                const StateDumpOptions& options,
                                                const Declare& declare);

  /// Records everything once, from lttng_statedump_start to lttng_statedump_end; as often as wanted.
  ///
  /// Cost:   9 ms for 150 tasks with 600 open files, 8 of them for files of /sys and /proc; records go into the ring of this thread's CPU, and what
  ///         does not fit is lost and counted there, as with any event.
  /// Errors: the first failure; what comes behind it is still tried.
  [[nodiscard]] Status run();

  /// "EVENT: why" for what this kernel does not tell.
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  struct Iterator {
    std::string name;
    Fd link;
  };
  struct Ids {
    EventId start, end, interface, block_device, interrupt, processor;
  };

  explicit StateDump(KernelChannel& channel) : channel_(&channel) {}
  [[nodiscard]] Status declare_facts(const Declare& declare);
  [[nodiscard]] Status add_iterators(const Btf& btf, const StateDumpOptions& options,
                                     const Declare& declare);
  [[nodiscard]] Status write_facts() const;

  KernelChannel* channel_;
  SystemFacts facts_;
  bool has_writer_ = false;
  Ids ids_;                                      // if so
  std::map<std::string, EventId> iterator_ids_;  // by name of the event
  std::vector<Iterator> iterators_;
  std::vector<std::string> left_out_;
};

}  // namespace sillage::kernel
