// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/data_stream.hpp"
#include "symbols/address_spaces.hpp"
#include "symbols/object_symbols.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sillage::symbols {

/// Says where events happened: follows the state dumps among the events of traces, and resolves the others' contexts `vpid`
/// and `ip` with them.
///
/// Lifetime: the traces must outlive it.
/// Threads:  one.
/// Cost:     an address is looked up in files once, and for 48 bytes and its texts remembered.
class EventResolver {
 public:
  explicit EventResolver(SearchOptions options) : options_(std::move(options)) {}

  /// Takes in the event that `stream.next()` read last. In order of time.
  ///
  /// Returns: where it happened, valid until the next call; nullptr if it has no such contexts. All empty: what it has is
  ///          in no object that is known.
  [[nodiscard]] const Location* resolve(const ctf::DataStream& stream);

 private:
  enum class Kind : std::uint8_t { kOther, kStart, kObject, kBuildId, kDebugLink, kGone };
  /// Where the fields of an event class are.
  struct Plan {
    Kind kind = Kind::kOther;
    std::uint32_t vpid = ctf::kNone, ip = ctf::kNone;
    std::uint32_t base = ctf::kNone, bytes = ctf::kNone, path = ctf::kNone, is_pic = ctf::kNone;
    std::uint32_t build_id = ctf::kNone, file = ctf::kNone, crc = ctf::kNone;
  };
  struct Known {
    std::unique_ptr<ObjectSymbols> symbols;
    std::unordered_map<std::uint64_t, Location> by_offset;
  };
  /// What two objects that look the same in every respect have in common.
  using Identity = std::pair<std::string, std::vector<std::uint8_t>>;

  const Plan& plan_of(const ctf::DataStream& stream);
  static Plan make_plan(const ctf::DataStream& stream);
  void follow(const Plan& plan, AddressSpaces::ProcessKey process, const ctf::EventView& event);
  Known& known(const MappedObject& object);

  SearchOptions options_;
  AddressSpaces spaces_;
  std::unordered_map<const ctf::EventPlan*, Plan> plans_;
  std::map<Identity, Known> objects_;
};

}  // namespace sillage::symbols
