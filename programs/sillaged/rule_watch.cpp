// SPDX-License-Identifier: MIT
#include "sillaged/rule_watch.hpp"

#include "sillaged/load_progress.hpp"
#include "sillaged/session_plan.hpp"

#include <algorithm>
#include <utility>

namespace sillage::daemon {
namespace {

using session::Domain;
using session::SessionChannel;

constexpr std::size_t kShownEvents = 5;

session::ChannelOptions counting_options(std::size_t number) {
  session::ChannelOptions options;
  options.name = "rule" + std::to_string(number);
  // What is in the rings does not matter.
  options.overwrite = true;
  options.subbuf_bytes = ByteCount{4096};
  options.subbuf_count = 2;
  options.preallocate = false;
  return options;
}

control::v1::RuleCount* add_count(const std::string& channel, std::uint32_t rule,
                                  control::v1::Domain domain,
                                  control::v1::WhyEmptyResponse* response) {
  control::v1::RuleCount* count = response->add_counts();
  count->set_domain(domain);
  count->set_channel(channel);
  count->set_rule(rule);
  return count;
}

void tell(KernelRecording::RuleCount from, control::v1::RuleCount* to) {
  to->set_happened(from.happened);
  to->set_untracked(from.untracked);
  to->set_wanted(from.wanted);
  to->set_watched_events(from.events.size());
  std::erase_if(from.events, [](const auto& event) { return event.happened == 0; });
  std::ranges::stable_sort(from.events, std::greater<>(),
                           &KernelRecording::RuleCount::Event::happened);
  to->set_event_count(from.events.size());
  from.events.resize(std::min(from.events.size(), kShownEvents));
  for (const auto& event : from.events) {
    control::v1::EventCount* shown = to->add_events();
    shown->set_name(event.name);
    shown->set_happened(event.happened);
    shown->set_wanted(event.wanted);
  }
}

}  // namespace

Result<std::unique_ptr<RuleWatch>> RuleWatch::create(const session::Session& session) {
  auto plan = plan_of(session);
  if (!plan) return tl::unexpected(std::move(plan).error());
  std::unique_ptr<RuleWatch> watch(new RuleWatch(session, *std::move(plan)));
  SILLAGE_TRY(watch->plan_user());
  return watch;
}

Status RuleWatch::plan_user() {
  session::RecordingSession::Options options = plan_.options();
  options.in_memory = true;
  options.output_path.clear();
  auto made = session::RecordingSession::create(std::move(options));
  if (!made) return tl::unexpected(std::move(made).error());
  const auto& channels = session_.channels(Domain::kUser);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    // What the plan has of a channel's rules are the enabled ones, in their order.
    auto planned = plan_.channels()[i].rules().begin();
    for (std::uint32_t rule = 0; rule < channels[i].rules.size(); ++rule) {
      if (!channels[i].is_enabled || !channels[i].rules[rule].is_enabled) continue;
      if (user_places_.size() == kMaxUserRules) break;
      auto channel = session::Channel::create(counting_options(user_places_.size()));
      if (!channel) return tl::unexpected(std::move(channel).error());
      SILLAGE_TRY(channel->add_rule(*planned++));
      SILLAGE_TRY(made->add_channel(*std::move(channel)));
      user_places_.push_back({channels[i].settings.name, rule});
    }
  }
  if (!user_places_.empty()) user_plan_ = *std::move(made);
  return {};
}

Status RuleWatch::start_kernel(const kernel::Tracer& tracer) {
  LoadProgress progress{std::stop_token()};
  for (const session::KernelChannel& channel : plan_.kernel_channels()) {
    auto counter = KernelRecording::create_counter(channel, tracer, progress);
    if (!counter) return tl::unexpected(std::move(counter).error());
    counters_.push_back(*std::move(counter));
  }
  for (const auto& counter : counters_) SILLAGE_TRY(counter->start());
  return {};
}

Status RuleWatch::tell_kernel(control::v1::WhyEmptyResponse* response) const {
  const auto& channels = session_.channels(Domain::kKernel);
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    const auto counts = counters_[i]->rule_counts();
    if (!counts) return tl::unexpected(counts.error());
    auto count = counts->begin();
    for (std::uint32_t rule = 0; rule < channels[i].rules.size() && count != counts->end(); ++rule)
      if (channels[i].rules[rule].is_enabled)
        tell(*count++, add_count(channels[i].settings.name, rule, control::v1::KERNEL, response));
  }
  return {};
}

Status RuleWatch::finish(Recording* user, control::v1::WhyEmptyResponse* response) {
  for (const auto& counter : counters_) counter->stop();
  SILLAGE_TRY(tell_kernel(response));
  counters_.clear();
  if (user == nullptr) return {};
  (void)user->complete();
  for (std::size_t i = 0; i < user_places_.size(); ++i) {
    const collect::ChannelStats counted = user->channel_stats(false, counting_options(i).name);
    control::v1::RuleCount* count =
        add_count(user_places_[i].channel, user_places_[i].rule, control::v1::USER, response);
    count->set_happened(counted.sent_events + counted.rejected_events);
    count->set_wanted(counted.sent_events);
    count->set_watched_events(1);
  }
  (void)user->finish();
  return {};
}

}  // namespace sillage::daemon
