// SPDX-License-Identifier: MIT
// SessionService: what rules meet while somebody watches.
#include "sillaged/session_service.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sillage::daemon {
namespace {

constexpr std::uint32_t kMaxWatchMs = 300'000;

using Clock = std::chrono::steady_clock;

}  // namespace

void SessionService::watch(control::ConnectionId connection,
                           const control::v1::WhyEmptyRequest& request) {
  if (request.watch_ms() > kMaxWatchMs)
    return host_.reply(
        connection,
        Error{Code::kInvalidArgument,
              "rules are watched for " + std::to_string(kMaxWatchMs / 1000) + " seconds at most",
              {}});
  auto session = sessions_.find(request.name());
  if (!session) return host_.reply(connection, session.error());
  auto rules = RuleWatch::create(**session);
  if (!rules) return host_.reply(connection, rules.error());
  auto response = std::make_shared<control::v1::Response>();
  // The rest is said as it is now: later the session may be another, or about to change.
  if (Status told = why_empty(request.name(), response->mutable_why_empty()); !told)
    return host_.reply(connection, told.error());
  Watching watching{connection, *std::move(rules), response,
                    std::chrono::milliseconds(request.watch_ms())};
  if (!watching.rules->has_kernel()) return begin_watch(std::move(watching));
  auto tracer = host_.tracer();
  if (!tracer) return host_.reply(connection, tracer.error());
  auto status = std::make_shared<Status>();
  background_.run(
      [rules = watching.rules, tracer = *tracer, status, loading = &host_.loading_mutex()] {
        const std::lock_guard one_at_a_time(*loading);
        *status = rules->start_kernel(*tracer);
      },
      [this, watching, status] {
        if (*status) return begin_watch(watching);
        host_.reply(watching.connection, status->error());
      });
}

void SessionService::begin_watch(Watching watching) {
  if (const auto& plan = watching.rules->user_plan()) {
    auto recording = host_.add_recording(*plan, Fd());
    if (!recording) return host_.reply(watching.connection, recording.error());
    // Nobody waits for it any more if this daemon is killed.
    (*recording)->end_with_daemon();
    (*recording)->activate();
    host_.renew(**recording);
    watching.recording = (*recording)->id();
  }
  watching.began = Clock::now();
  watching_.push_back(std::move(watching));
}

int SessionService::end_watches() {
  std::vector<Watching> due;
  std::int64_t next_ms = -1;
  std::erase_if(watching_, [&, now = Clock::now()](Watching& watching) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(watching.began + watching.duration - now);
    if (left.count() > 0) {
      next_ms = next_ms < 0 ? left.count() : std::min<std::int64_t>(next_ms, left.count());
      return false;
    }
    due.push_back(std::move(watching));
    return true;
  });
  for (const Watching& watching : due) end_watch(watching);
  return static_cast<int>(next_ms);
}

void SessionService::end_watch(const Watching& watching) {
  const std::chrono::nanoseconds watched = Clock::now() - watching.began;
  watching.response->mutable_why_empty()->set_watched_ns(
      static_cast<std::uint64_t>(watched.count()));
  std::shared_ptr<Recording> user;
  if (watching.recording) user = host_.remove_recording(*watching.recording);
  auto status = std::make_shared<Status>();
  background_.run(
      [watching, user, status] {
        *status = watching.rules->finish(user.get(), watching.response->mutable_why_empty());
      },
      [this, watching, status] {
        if (*status) return host_.reply(watching.connection, *watching.response);
        host_.reply(watching.connection, status->error());
      });
}

}  // namespace sillage::daemon
