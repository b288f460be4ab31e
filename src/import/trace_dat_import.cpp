// SPDX-License-Identifier: MIT
#include "import/environment.hpp"
#include "import/import.hpp"
#include "import/integer_bytes.hpp"
#include "import/kernel_events.hpp"
#include "import/ring_page.hpp"
#include "import/trace_dat.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <string_view>
#include <tuple>
#include <utility>

namespace sillage::import {
namespace {

// trace-cmd's names of clocks that say nanoseconds since the epoch, but for "tai".
struct KnownClock {
  std::string_view kernel, name, description;
};
constexpr std::array<KnownClock, 8> kClocks{{
    {"mono", "monotonic", "CLOCK_MONOTONIC"},
    {"mono_raw", "monotonic_raw", "CLOCK_MONOTONIC_RAW"},
    {"boot", "boottime", "CLOCK_BOOTTIME"},
    {"tai", "tai", "CLOCK_TAI"},
    {"local", "local", "Scheduler clock of each CPU"},
    {"global", "global", "Scheduler clock, ordered between CPUs"},
    {"perf", "perf", "Clock of perf events"},
    {"uptime", "uptime", "Jiffies since boot, in nanoseconds"},
}};

ctf::ClockClass clock_class(const TraceDat& dat, const std::string& kernel_name) {
  ctf::ClockClass clock;
  clock.id = clock.name = kernel_name.empty() ? "local" : kernel_name;
  clock.description = "Trace clock " + clock.name;
  for (const KnownClock& known : kClocks) {
    if (known.kernel != clock.id) continue;
    clock.id = clock.name = known.name;
    clock.description = known.description;
    break;
  }
  // Only with the difference to the time of day does it have the epoch as its origin.
  clock.origin_is_unix_epoch = dat.wall_clock_offset_ns.has_value();
  std::int64_t offset = dat.offset_ns;
  if (__builtin_add_overflow(offset, dat.wall_clock_offset_ns.value_or(0), &offset)) offset = 0;
  clock.set_offset_ns(offset);
  return clock;
}

std::uint64_t converted(const TscConversion& tsc, std::uint64_t cycles) {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(cycles - tsc.offset) * tsc.multiplier;
  return static_cast<std::uint64_t>(product >> tsc.shift);
}

// The words of "Linux HOST RELEASE MACHINE".
std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> found(1);
  for (const char c : text) {
    if (c == ' ')
      found.emplace_back();
    else
      found.back() += c;
  }
  return found;
}

// Reads the records of one CPU of one buffer, in the order of its pages.
class CpuSource {
 public:
  CpuSource(const Input& input, const TraceDat& dat, const RingBuffer& buffer,
            const CpuPages& pages, std::uint32_t channel)
      : layout_(dat.tracing.page),
        order_(dat.tracing.order),
        cpu_(pages.cpu),
        channel_(channel),
        pages_(input, buffer, pages, order_) {}

  [[nodiscard]] std::uint32_t cpu() const { return cpu_; }
  [[nodiscard]] std::uint32_t channel() const { return channel_; }
  // The record that advance() found.
  [[nodiscard]] const RingRecord& record() const { return record_; }
  // What was lost in front of it; 0 afterwards.
  [[nodiscard]] std::uint64_t take_lost() { return std::exchange(lost_, 0); }

  // Goes to the next record; false at the end. Damaged pages are reported and skipped.
  template <class Report>
  bool advance(const Report& report) {
    while (true) {
      if (page_) {
        auto next = page_->next();
        if (next && *next) {
          record_ = **next;
          return true;
        }
        if (!next) {
          report(next.error(), pages_.offset() + page_->offset());
          ++lost_;  // at least the record that is cut off
        }
        page_.reset();
      }
      auto bytes = pages_.next();
      if (!bytes) {
        report(bytes.error(), pages_.offset());
        ++lost_;
        continue;
      }
      if (bytes->empty()) return false;
      auto page = RingPage::open(*bytes, layout_, order_);
      if (!page) {
        report(page.error(), pages_.offset());
        ++lost_;
        continue;
      }
      lost_ += page->lost();
      page_ = *page;
    }
  }

 private:
  PageLayout layout_;
  ctf::ByteOrder order_;
  std::uint32_t cpu_, channel_;
  PageReader pages_;
  std::optional<RingPage> page_;
  RingRecord record_;
  std::uint64_t lost_ = 0;
};

class Import {
 public:
  Import(const Input& input, const ImportOptions& options, const TraceDat& dat)
      : input_(input), options_(options), dat_(dat), events_(dat.tracing) {
    for (const auto& [tid, name] : dat.tracing.task_names) names_.set(tid, name);
  }

  Result<ImportSummary> run();

 private:
  struct Entry {
    std::uint64_t time;
    std::size_t source;
    bool operator>(const Entry& other) const {
      return time != other.time ? time > other.time : source > other.source;
    }
  };

  Status open_output();
  Status open_sources();
  Status write(CpuSource* source);
  Result<std::uint32_t> event_id(std::uint32_t channel, std::uint32_t type,
                                 const KernelEvent& event, std::string_view syscall);
  void report(const Error& error, std::uint64_t offset);
  void note(const std::string& text) const {
    if (options_.on_note) options_.on_note(text);
  }

  const Input& input_;
  const ImportOptions& options_;
  const TraceDat& dat_;
  KernelEvents events_;
  TaskNames names_;
  std::unique_ptr<TraceOutput> output_;
  std::vector<CpuSource> sources_;
  // By channel, type and system call.
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::string_view>, std::uint32_t> ids_;
  std::vector<std::byte> body_;
  std::uint64_t last_time_ = 0;  // of the record that was read last
  ImportSummary summary_;
};

void Import::report(const Error& error, std::uint64_t offset) {
  ++summary_.damages;
  if (!options_.on_damage) return;
  Error located = error;
  if (located.location.empty()) located.location = input_.at(offset);
  options_.on_damage(located);
}

Status Import::open_output() {
  const std::vector<std::string> uname = words(dat_.uname);
  const auto word = [&](std::size_t i) { return i < uname.size() ? uname[i] : std::string(); };
  events_.set_machine(word(3));
  const std::string clock = dat_.buffers.front().clock;
  auto output = TraceOutput::create(
      options_.directory, options_.version,
      kernel_environment({.trace_name = options_.trace_name,
                          .hostname = word(1),
                          .kernel_release = word(2),
                          .machine = word(3),
                          .tracer_name = "trace-cmd",
                          .tracer_version = dat_.recorder_version,
                          .importer_version = options_.importer_version,
                          .word_bits = 8 * static_cast<std::int64_t>(dat_.tracing.long_bytes)}),
      clock_class(dat_, clock));
  if (!output) return tl::unexpected(std::move(output).error());
  output_ = std::move(*output);
  if (dat_.is_guest)
    note("the times are those of the guest; how they become the host's is left out");
  if ((clock == "x86-tsc" && !dat_.tsc) || clock == "counter")
    note("the times are numbers of the trace clock " + clock + ", not nanoseconds");
  if (dat_.tracing.unreadable_formats != 0)
    note(std::to_string(dat_.tracing.unreadable_formats) + " formats of events cannot be read");
  return {};
}

Status Import::open_sources() {
  for (const RingBuffer& buffer : dat_.buffers) {
    if (buffer.clock != dat_.buffers.front().clock)
      note("buffer " + buffer.name + " has another clock, " + buffer.clock +
           ": its times do not fit the others'");
    const auto channel = output_->add_channel(buffer.name.empty() ? "events" : buffer.name,
                                              ctf::make_field_class(task_contexts(false)));
    if (!channel) return tl::unexpected<Error>(channel.error());
    for (const CpuPages& pages : buffer.cpus) {
      if (pages.offset > input_.size() || input_.size() - pages.offset < pages.size)
        report(Error{Code::kCorrupt,
                     "the records of CPU " + std::to_string(pages.cpu) +
                         " end behind the end of the file; the file was cut off",
                     {}},
               pages.offset);
      sources_.emplace_back(input_, dat_, buffer, pages, *channel);
    }
  }
  return {};
}

Result<std::uint32_t> Import::event_id(std::uint32_t channel, std::uint32_t type,
                                       const KernelEvent& event, std::string_view syscall) {
  const auto [known, is_new] = ids_.try_emplace({channel, type, syscall}, 0);
  if (!is_new) return known->second;
  auto id = output_->add_event(channel, {.name = events_.name(type, syscall),
                                         .specific_context = event.plan.specific_context(),
                                         .payload = event.plan.payload()});
  if (id) known->second = *id;
  return id;
}

Status Import::write(CpuSource* source) {
  const RingRecord& record = source->record();
  const ctf::ByteOrder order = dat_.tracing.order;
  auto stream = output_->stream(source->channel(), source->cpu());
  if (!stream) return tl::unexpected(std::move(stream).error());
  last_time_ = dat_.tsc ? converted(*dat_.tsc, record.time) : record.time;
  if (const std::uint64_t lost = source->take_lost(); lost != 0)
    (*stream)->discard(lost, last_time_, output_->counts());
  const auto type = KernelEvents::type(record.bytes, order);
  const auto tid = KernelEvents::tid(record.bytes, order);
  const KernelEvent* event = type ? events_.find(*type) : nullptr;
  if (event == nullptr || !tid) {
    (*stream)->discard(1, last_time_, output_->counts());
    report(Error{Code::kCorrupt,
                 "a record of type " + std::to_string(type.value_or(0)) +
                     ", which the file does not describe",
                 input_.name()},
           0);
    return {};
  }
  if (event->name_source) event->name_source->learn_before(record.bytes, order, &names_);
  body_.clear();
  append_integer(static_cast<std::uint32_t>(*tid), 4, &body_);
  const TaskName name = names_.name(*tid, source->cpu());
  const auto name_bytes = std::as_bytes(std::span(name));
  body_.insert(body_.end(), name_bytes.begin(), name_bytes.end());
  if (!event->plan.append(record.bytes, &body_)) {
    (*stream)->discard(1, last_time_, output_->counts());
    report(
        Error{Code::kCorrupt, "a record of " + events_.name(*type) + " is shorter than its fields",
              input_.name()},
        0);
    return {};
  }
  const auto id = event_id(source->channel(), *type, *event, events_.syscall(*event, record.bytes));
  if (!id) return tl::unexpected<Error>(id.error());
  SILLAGE_TRY((*stream)->event(last_time_, *id, body_, output_->counts()));
  if (event->name_source) event->name_source->learn_after(record.bytes, order, &names_);
  return {};
}

Result<ImportSummary> Import::run() {
  SILLAGE_TRY(open_output());
  SILLAGE_TRY(open_sources());
  const auto say = [this](const Error& error, std::uint64_t offset) { report(error, offset); };
  // Names of tasks move from CPU to CPU, so records are read in the order of time.
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> next;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].advance(say)) next.push({sources_[i].record().time, i});
  }
  while (!next.empty()) {
    const std::size_t i = next.top().source;
    next.pop();
    SILLAGE_TRY(write(&sources_[i]));
    if (sources_[i].advance(say)) next.push({sources_[i].record().time, i});
  }
  for (CpuSource& source : sources_) {
    const std::uint64_t lost = source.take_lost();
    if (lost == 0) continue;
    auto stream = output_->stream(source.channel(), source.cpu());
    if (!stream) return tl::unexpected(std::move(stream).error());
    (*stream)->discard(lost, last_time_, output_->counts());
  }
  SILLAGE_TRY(output_->finish());
  summary_.format = "trace.dat";
  summary_.counts = *output_->counts();
  return summary_;
}

}  // namespace

Result<ImportSummary> import_trace_dat(const Input& input, const ImportOptions& options) {
  auto dat = read_trace_dat(input);
  if (!dat) return tl::unexpected(std::move(dat).error());
  if (dat->buffers.empty())
    return fail(Code::kCorrupt, "the file names no buffer with records", input.name());
  return Import(input, options, *dat).run();
}

}  // namespace sillage::import
