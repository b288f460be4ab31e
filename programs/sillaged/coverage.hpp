// SPDX-License-Identifier: MIT
#pragma once

#include "control/control.pb.h"
#include "session/channel.hpp"
#include "sillaged/user_filters.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sillage::daemon {

/// Registrations of programs, each once: four bytes for one that comes after those that are there, as they mostly do.
class Registrations {
 public:
  /// Whether it was not there.
  bool add(std::uint32_t registration);
  [[nodiscard]] std::size_t size() const { return sorted_.size(); }

 private:
  std::vector<std::uint32_t> sorted_;
};

/// What a recording's rules met: which programs came, which events they have, and why those are not wanted.
class Coverage {
 public:
  /// A program came that the recording is about, or one that it is not about. Each registration counts once.
  void add_program(std::uint32_t registration, bool is_included);

  /// A program that the recording is about has an event. Each counts once.
  void add_site(std::uint32_t registration, const std::string& name, std::uint8_t level);

  /// A channel judged an event of a program that the recording is about.
  void add_event(const session::Channel& channel, const std::string& name,
                 session::Verdict verdict);

  /// A rule's filter can match no such event of a program. Each filter and event counts once.
  void add_filter_problem(const FilterMisfit& misfit, const std::string& event,
                          const std::string& program);

  /// How many programs came that the recording is about.
  [[nodiscard]] std::size_t program_count() const { return programs_.size(); }

  /// All of it as commands get it, with suggestions for the patterns of `channels` that matched nothing.
  void fill(const std::vector<session::Channel>& channels, control::v1::Coverage* message) const;

  /// The events that add_site() was told of.
  void fill(control::v1::WhyEmptyResponse* message) const;

 private:
  Registrations programs_, other_programs_;
  std::map<std::string, session::Verdict> events_;  // by name: the best that any channel made of it
  std::set<std::string> matched_patterns_;
  struct Site {
    std::uint8_t level = 0;
    Registrations programs;
  };
  std::map<std::string, Site> sites_;  // by name
  std::size_t remembered_ = 0;         // programs in all of them
  struct FilterProblem {
    std::string program, reason;
  };
  std::map<std::pair<std::string, std::string>, FilterProblem>
      filter_problems_;  // by filter, event
};

}  // namespace sillage::daemon
