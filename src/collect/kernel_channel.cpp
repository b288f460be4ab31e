// SPDX-License-Identifier: MIT
#include "collect/kernel_channel.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

namespace sillage::collect {
namespace {

// A program detached may still run for some microseconds or, preempted in a system call, for some
// scheduler ticks.
constexpr int kEndTries = 200;
constexpr timespec kEndPause{0, 1'000'000};

}  // namespace

KernelChannel::KernelChannel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class,
                             ring::KernelRing ring, const std::string& name,
                             std::unique_ptr<WakeupListener> wakeup, const FileOptions& files,
                             std::optional<StreamLedger> ledger)
    : Channel(std::move(trace), std::move(stream_class),
              {ring.geometry().subbuf_bytes, ring.geometry().subbuf_count,
               ring.geometry().overwrite, files}),
      ring_(std::move(ring)),
      wakeup_(std::move(wakeup)),
      ledger_(std::move(ledger)) {
  for (std::uint32_t cpu = 0; cpu < ring_.geometry().cpu_count; ++cpu) {
    auto reader = std::make_unique<ring::KernelStreamReader>(ring_.reader(cpu));
    readers_.push_back(reader.get());
    add_stream(std::move(reader), name, cpu, cpu);
  }
  if (ledger_)
    for (StreamRecorder& recorder : recorders()) recorder.keep_ledger(&*ledger_);
}

Status KernelChannel::resume() {
  for (std::size_t cpu = 0; cpu < readers_.size(); ++cpu) {
    StreamRecorder& recorder = recorders()[cpu];
    const auto progress = recorder.resume(output());
    if (!progress) return tl::unexpected(progress.error());
    // The last packet may be of a sub-buffer that was not released any more.
    readers_[cpu]->skip_written(recorder.last_end_ns());
    recorder.recount(readers_[cpu]->written_events(), readers_[cpu]->unwritten_events());
  }
  return {};
}

void KernelChannel::arm(std::vector<Doorbell>& /*doorbells*/) {
  if (wakeup_) ring_.arm();
}

void KernelChannel::record(StreamRecorder& recorder, const ring::Run& run,
                           const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  recorder.record_trusted(run, output, health, now);
}

void KernelChannel::read_out(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                             OutputHealth& health) {
  Channel::read_out(buffer, clock, health);
  for (int tries = kEndTries; tries > 0 && !is_read_out(); --tries) {
    ::nanosleep(&kEndPause, nullptr);
    Channel::read_out(buffer, clock, health);
  }
}

void KernelChannel::abandon_rest() {
  for (ring::KernelStreamReader* reader : readers_) reader->abandon();
}

bool KernelChannel::is_read_out() const {
  return std::all_of(readers_.begin(), readers_.end(),
                     [](const auto* reader) { return reader->pending_events() == 0; });
}

}  // namespace sillage::collect
