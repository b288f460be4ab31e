// SPDX-License-Identifier: MIT
// What filters ask of contexts, for programs without libsillage's own: the same for every event.
#include "contexts.hpp"

#include "abi/app_protocol.h"
#include "probe/filter_machine.hpp"

namespace sillage::tests {

std::optional<std::uint32_t> find_context(std::string_view name) {
  if (name == "vtid") return SILLAGE_CONTEXT_VTID;
  if (name == "ip") return SILLAGE_CONTEXT_IP;
  if (name == "procname") return SILLAGE_CONTEXT_PROCNAME;
  return std::nullopt;
}

}  // namespace sillage::tests

namespace sillage::probe {

std::uint64_t filter_context(std::uint64_t context, const RingView*, std::uint64_t ip) {
  if (context == SILLAGE_CONTEXT_VTID) return static_cast<std::uint64_t>(tests::kVtid);
  return context == SILLAGE_CONTEXT_IP ? ip : 0;
}
const char* filter_context_text(std::uint32_t, const RingView*) { return tests::kProcname; }

}  // namespace sillage::probe
