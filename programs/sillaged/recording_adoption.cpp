// SPDX-License-Identifier: MIT
// Recordings that outlive their daemon: what is left behind, and how the next daemon goes on.
#include "control/session_message.hpp"
#include "sillaged/recording.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sillage::daemon {

void Recording::outlive_daemon(const RecordingStore& store, v1::RecordingState state) {
  store_ = &store;
  state_ = std::move(state);
}

void Recording::end_with_daemon() {
  if (store_ != nullptr) store_->remove(id_);
  store_ = nullptr;
}

// Where nothing can be pinned, recordings end with their daemon.
Status Recording::leave_behind() {
  if (store_ == nullptr || kernel_.empty()) return {};
  for (std::size_t i = 0; i < kernel_.size(); ++i) {
    if (const Status pinned = kernel_[i]->pin(store_->pin_path(id_, i)); !pinned) {
      store_ = nullptr;
      return {};
    }
  }
  const auto identity = collector_->identity(*kernel_trace_);
  if (!identity) return tl::unexpected(identity.error());
  state_.set_format(kStateFormat);
  state_.set_recording(id_);
  state_.set_creation_datetime(creation_datetime_);
  state_.set_clock_offset_ns(clock_offset_ns_);
  state_.set_start_ns(start_ns_);
  state_.mutable_kernel()->set_uuid(identity->uuid.data(), identity->uuid.size());
  state_.mutable_kernel()->set_metadata_bytes(identity->metadata_bytes);
  return store_->save(state_);
}

// What only programs knew that are detached now.
void Recording::note_stopped() {
  if (store_ == nullptr) return;
  state_.set_stop_ns(stop_ns_);
  state_.clear_nested_lost();
  for (const auto& channel : kernel_) state_.add_nested_lost(channel->report_nested());
  // Not written, the next daemon knows less of what was lost, if this one is killed in this moment.
  (void)!store_->save(state_);
}

Result<std::unique_ptr<Recording>> Recording::adopt(v1::RecordingState state,
                                                    const collect::ClockKeeper& clock,
                                                    const RecordingStore& store) {
  auto session = control::session_of(state.request());
  if (!session) return tl::unexpected(std::move(session).error());
  session->set_root_process(state.root_pid());
  auto filters = parse_filters(*session);
  if (!filters) return tl::unexpected(std::move(filters).error());
  auto collector = make_collector(*session, clock);
  if (!collector) return tl::unexpected(std::move(collector).error());
  std::unique_ptr<Recording> recording(
      new Recording(state.recording(), *std::move(session), *std::move(collector),
                    state.creation_datetime(), state.clock_offset_ns()));
  recording->filters_ = *std::move(filters);
  recording->start_ns_ = state.start_ns();
  recording->stop_ns_ = state.stop_ns();
  recording->store_ = &store;
  recording->state_ = std::move(state);
  SILLAGE_TRY(recording->adopt_kernel());
  recording->is_active_ = recording->is_adopted_ = true;
  if (!recording->session_.channels().empty())
    recording->warning_ =
        "sillaged was killed while recording: what it had not written of the events of programs, "
        "and what they sent until "
        "it was back, is missing";
  return recording;
}

Status Recording::adopt_kernel() {
  if (session_.kernel_channels().empty()) return {};
  collect::TraceIdentity identity;
  const std::string& uuid = state_.kernel().uuid();
  std::memcpy(identity.uuid.data(), uuid.data(), std::min(uuid.size(), identity.uuid.size()));
  identity.metadata_bytes = state_.kernel().metadata_bytes();
  const auto trace = collector_->resume_trace(kernel_trace_options(), identity);
  if (!trace) return tl::unexpected(trace.error());
  kernel_trace_ = *trace;
  for (std::size_t i = 0; i < session_.kernel_channels().size(); ++i) {
    const int index = static_cast<int>(i);
    const std::uint64_t nested_lost =
        index < state_.nested_lost_size() ? state_.nested_lost(index) : 0;
    auto adopted = KernelRecording::adopt(session_.kernel_channels()[i], store_->pin_path(id_, i),
                                          nested_lost, *collector_, *trace);
    if (!adopted) return tl::unexpected(std::move(adopted).error());
    kernel_.push_back(*std::move(adopted));
  }
  return {};
}

}  // namespace sillage::daemon
