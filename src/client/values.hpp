// SPDX-License-Identifier: MIT
// Between the messages of the control protocol and what <sillage/control.hpp> has in their place.
#pragma once

#include <sillage/control.hpp>
#include "base/result.hpp"
#include "control/control.pb.h"

namespace sillage::client {

/// An error as users of the library see it.
[[nodiscard]] control::Error value_of(const sillage::Error& error);

[[nodiscard]] control::DaemonInfo value_of(const control::v1::VersionResponse& message);
[[nodiscard]] control::Program value_of(const control::v1::Program& message);
[[nodiscard]] control::EventDescription value_of(const control::v1::Event& message);
[[nodiscard]] control::Session value_of(const control::v1::Session& message);
[[nodiscard]] control::SessionDomain value_of(const control::v1::SessionDomain& message);
[[nodiscard]] control::InclusionSet value_of(const control::v1::InclusionSet& message);
[[nodiscard]] control::Rule value_of(const control::v1::SessionRule& message);
[[nodiscard]] control::Channel value_of(const control::v1::SessionChannel& message);
[[nodiscard]] control::SnapshotOutput value_of(const control::v1::SnapshotOutput& message);
[[nodiscard]] control::Statistics value_of(const control::v1::Stats& message);
[[nodiscard]] control::KernelRule value_of(const control::v1::KernelRuleReport& message);
[[nodiscard]] control::RuleCount value_of(const control::v1::RuleCount& message);
[[nodiscard]] control::Findings value_of(const control::v1::WhyEmptyResponse& message);

/// Of every message that says which events were left out.
template <class Message>
[[nodiscard]] control::LeftOut left_out_of(const Message& message) {
  return {message.left_out_count(), {message.left_out().begin(), message.left_out().end()}};
}

[[nodiscard]] control::v1::Domain message_of(control::Domain domain);
[[nodiscard]] control::v1::RecordingRule::Kind message_of(control::Rule::Kind kind);
[[nodiscard]] control::v1::ProcessAttribute message_of(control::Attribute attribute);
void fill(const control::SessionOptions& options, control::v1::CreateSessionRequest* message);
void fill(const control::ChannelOptions& options, control::v1::ChannelRequest* message);
void fill(const control::Rule& rule, control::v1::RecordingRule* message);
void fill(const control::SnapshotOutput& output, control::v1::SnapshotOutput* message);

}  // namespace sillage::client
