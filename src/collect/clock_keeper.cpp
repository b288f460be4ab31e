// SPDX-License-Identifier: MIT
#include "collect/clock_keeper.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

namespace sillage::collect {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
// How long before it begins a line is published: many times what a store takes to be seen everywhere. Not longer, since
// writers leave their shortest way while the last line has not begun (rseq.hpp in src/probe).
constexpr Nanoseconds kLead{kMillisecond};
constexpr double kOne = 4294967296.0;  // 1 in 32.32 fixed point

// Beyond this the two clocks did not drift, one of them was stopped (suspend, a frozen virtual
// machine): no oscillator is off by 1 % of the second between two looks.
constexpr std::int64_t kStopped = 10 * static_cast<std::int64_t>(kMillisecond);

#if defined(__x86_64__) || defined(__i386__)
constexpr bool kHasTsc = true;
// Fenced, so that it is read where it stands in the program.
std::uint64_t read_tsc_ordered() {
  _mm_lfence();
  const std::uint64_t tsc = __rdtsc();
  _mm_lfence();
  return tsc;
}
std::uint64_t read_tsc() { return __rdtsc(); }
#else
constexpr bool kHasTsc = false;
std::uint64_t read_tsc_ordered() { return 0; }
std::uint64_t read_tsc() { return 0; }
#endif

std::uint64_t read_clock(clockid_t id) {
  timespec time{};
  ::clock_gettime(id, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t apply(const sillage_clock_segment& segment, std::uint64_t tsc) {
  // 128 bits: a program whose keeper has died goes on for longer than the 3 s that 64 bits would
  // hold.
  const auto ticks = static_cast<unsigned __int128>(tsc - segment.tsc_from);
  return segment.ns_from + static_cast<std::uint64_t>(ticks * segment.mult >> 32);
}

sillage_clock_segment copy_segment(const sillage_clock_page& page, std::uint32_t number) {
  const sillage_clock_segment& from = page.segment[number % SILLAGE_CLOCK_SEGMENTS];
  sillage_clock_segment to{};
  to.tsc_from = __atomic_load_n(&from.tsc_from, __ATOMIC_RELAXED);
  to.ns_from = __atomic_load_n(&from.ns_from, __ATOMIC_RELAXED);
  to.mult = __atomic_load_n(&from.mult, __ATOMIC_RELAXED);
  return to;
}

}  // namespace

std::int64_t sample_realtime_offset_ns() {
  // The narrowest of a few brackets: a preemption between the two readings would shift the whole
  // trace.
  std::uint64_t width = UINT64_MAX;
  std::int64_t offset = 0;
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = read_clock(CLOCK_MONOTONIC);
    const std::uint64_t realtime = read_clock(CLOCK_REALTIME);
    const std::uint64_t after = read_clock(CLOCK_MONOTONIC);
    if (after - before >= width) continue;
    width = after - before;
    offset = static_cast<std::int64_t>(realtime - (before + width / 2));
  }
  return offset;
}

std::uint64_t convert_tsc(const sillage_clock_page& page, std::uint64_t tsc) {
  for (;;) {
    // Pairs with publish(): the segment that `current` names is complete.
    const std::uint32_t current = __atomic_load_n(&page.current, __ATOMIC_ACQUIRE);
    sillage_clock_segment segment = copy_segment(page, current);
    if (static_cast<std::int64_t>(tsc - segment.tsc_from) < 0)
      segment = copy_segment(page, current - 1);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&page.current, __ATOMIC_RELAXED) == current) return apply(segment, tsc);
  }
}

Result<std::unique_ptr<ClockKeeper>> ClockKeeper::map(Fd memory, const ClockOptions& options) {
  void* mapped = ::mmap(nullptr, sizeof(sillage_clock_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                        memory.value(), 0);
  if (mapped == MAP_FAILED) return fail_errno("mapping the clock page");
  auto* page = static_cast<sillage_clock_page*>(mapped);
  std::unique_ptr<ClockKeeper> keeper(new ClockKeeper(std::move(memory), page, options));
  // No seal against writing: the next keeper must be able to. So programs get a descriptor that cannot write, of a file that
  // other users cannot open again.
  const std::string path = "/proc/self/fd/" + std::to_string(keeper->own_fd());
  keeper->shown_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!keeper->shown_) return fail_errno("opening the clock page for programs");
  return keeper;
}

Result<std::unique_ptr<ClockKeeper>> ClockKeeper::create(const ClockOptions& options) {
  Fd fd(::memfd_create("sillage-clock", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd_create for the clock page");
  if (::ftruncate(fd.value(), sizeof(sillage_clock_page)) != 0 || ::fchmod(fd.value(), 0600) != 0)
    return fail_errno("sizing the clock page");
  if (::fcntl(fd.value(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("sealing the clock page");
  auto keeper = map(std::move(fd), options);
  if (!keeper) return keeper;
  sillage_clock_page* const page = (*keeper)->page_;
  (*keeper)->give_up_tsc();
  page->magic = SILLAGE_CLOCK_MAGIC;
  if (kHasTsc && options.allow_tsc && (*keeper)->kernel_trusts_tsc()) {
    (*keeper)->calibrate();
    __atomic_store_n(&page->mode, std::uint32_t{SILLAGE_CLOCK_TSC}, __ATOMIC_RELEASE);
    (*keeper)->begin_steering();
  }
  return keeper;
}

Result<std::unique_ptr<ClockKeeper>> ClockKeeper::adopt(Fd page, const ClockOptions& options) {
  struct stat status {};
  if (::fstat(page.value(), &status) != 0) return fail_errno("cannot look at a clock page");
  if (static_cast<std::uint64_t>(status.st_size) != sizeof(sillage_clock_page))
    return fail(Code::kCorrupt, "a clock page that is none");
  auto keeper = map(std::move(page), options);
  if (!keeper) return keeper;
  if ((*keeper)->page_->magic != SILLAGE_CLOCK_MAGIC)
    return fail(Code::kCorrupt, "a clock page that is none");
  if (!(*keeper)->uses_tsc()) return keeper;
  if (!(*keeper)->kernel_trusts_tsc()) {
    (*keeper)->give_up_tsc();
    return keeper;
  }
  // The slope is measured anew: nobody knows when the last keeper looked.
  (*keeper)->before_ = take_sample();
  (*keeper)->begin_steering();
  return keeper;
}

void ClockKeeper::begin_steering() {
  if (options_.keep_steering) thread_ = std::thread([this] { run(); });
}

ClockKeeper::ClockKeeper(Fd fd, sillage_clock_page* page, ClockOptions options)
    : fd_(std::move(fd)), page_(page), options_(std::move(options)) {}

ClockKeeper::~ClockKeeper() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  ::munmap(page_, sizeof *page_);
}

bool ClockKeeper::uses_tsc() const {
  return __atomic_load_n(&page_->mode, __ATOMIC_ACQUIRE) == SILLAGE_CLOCK_TSC;
}

Nanoseconds ClockKeeper::now() const {
  if (!uses_tsc()) return {read_clock(CLOCK_MONOTONIC)};
  for (;;) {
    // Segments reach one back. Who was stopped between the counter and its conversion may have missed two, and reads it again.
    const std::uint32_t current = __atomic_load_n(&page_->current, __ATOMIC_ACQUIRE);
    const std::uint64_t ns = convert_tsc(*page_, read_tsc());
    if (__atomic_load_n(&page_->current, __ATOMIC_RELAXED) == current) return {ns};
  }
}

bool ClockKeeper::kernel_trusts_tsc() const {
  const Fd file(::open(options_.clocksource_path.c_str(), O_RDONLY | O_CLOEXEC));
  char name[32];
  const ssize_t got = file ? ::read(file.value(), name, sizeof name) : -1;
  return got > 0 && std::string_view(name, static_cast<std::size_t>(got)) == "tsc\n";
}

// Writers look at the segments only: none that ever begins sends them to the kernel's clock.
void ClockKeeper::give_up_tsc() {
  __atomic_store_n(&page_->mode, std::uint32_t{SILLAGE_CLOCK_MONOTONIC}, __ATOMIC_RELEASE);
  for (sillage_clock_segment& segment : page_->segment)
    __atomic_store_n(&segment.tsc_from, UINT64_MAX, __ATOMIC_RELEASE);
}

ClockKeeper::Sample ClockKeeper::take_sample() {
  // The narrowest bracket is the one that nothing interrupted; 50 take about 5 us.
  Sample best{};
  std::uint64_t width = UINT64_MAX;
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t before = read_tsc_ordered();
    const std::uint64_t ns = read_clock(CLOCK_MONOTONIC);
    const std::uint64_t after = read_tsc_ordered();
    if (after - before >= width) continue;
    width = after - before;
    best = {before + width / 2, ns};
  }
  return best;
}

// The first line, from two samples 10 ms apart: each is good to some 5 ns, so the slope to about
// 1e-6.
void ClockKeeper::calibrate() {
  before_ = take_sample();
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const Sample now = take_sample();
  const double slope =
      static_cast<double>(now.ns - before_.ns) / static_cast<double>(now.tsc - before_.tsc);
  sillage_clock_segment first{};
  first.tsc_from = before_.tsc;
  first.ns_from = before_.ns;
  first.mult = static_cast<std::uint64_t>(std::llround(slope * kOne));
  page_->segment[0] = first;
  // What stands before the first: nobody can have a TSC from there, but a reader's look must find a
  // line.
  page_->segment[SILLAGE_CLOCK_SEGMENTS - 1] = first;
}

std::int64_t ClockKeeper::steer(Nanoseconds lead, Nanoseconds within) {
  if (!uses_tsc()) return 0;
  if (!kernel_trusts_tsc()) {
    give_up_tsc();
    return 0;
  }
  const Sample now = take_sample();
  const auto error = static_cast<std::int64_t>(convert_tsc(*page_, now.tsc) - now.ns);
  const sillage_clock_segment current = copy_segment(*page_, page_->current);
  // Readers look back one segment only, so the last one must have begun before the next is
  // published.
  if (static_cast<std::int64_t>(now.tsc - current.tsc_from) <= 0) return error;
  const double ticks_per_ns = kOne / static_cast<double>(current.mult);
  double slope =
      static_cast<double>(now.ns - before_.ns) / static_cast<double>(now.tsc - before_.tsc);

  sillage_clock_segment next{};
  if (error < -kStopped) {
    // The TSC stood still. Nothing was recorded meanwhile, so a step forward puts nothing out of
    // order.
    next.tsc_from = now.tsc;
    next.ns_from = now.ns;
    slope = 1.0 / ticks_per_ns;
  } else {
    next.tsc_from =
        now.tsc + static_cast<std::uint64_t>(static_cast<double>(lead.value) * ticks_per_ns);
    next.ns_from = convert_tsc(*page_, next.tsc_from);
    if (error > kStopped) {
      // The TSC ran on while the kernel's clock stood. Going back is not allowed: half speed until
      // they meet.
      slope = 0.5 / ticks_per_ns;
    } else {
      const double ticks_ahead = static_cast<double>(next.tsc_from - now.tsc);
      const double ahead = static_cast<double>(next.ns_from - now.ns) - ticks_ahead * slope;
      // A keeper that was kept from looking for a minute may be so again: a line that makes up for that minute's error within
      // 20 ms would be a second off behind the next.
      const std::uint64_t until_next = std::max(within.value, now.ns - before_.ns);
      slope *= 1.0 - ahead / static_cast<double>(until_next);
    }
  }
  next.mult = static_cast<std::uint64_t>(std::llround(slope * kOne));
  // Writers that learn of a line after it began would put time out of order. If this thread was kept from
  // publishing in time, the next call does it.
  if (next.tsc_from != now.tsc && read_tsc() > now.tsc + (next.tsc_from - now.tsc) / 2)
    return error;
  publish(next);
  before_ = now;
  return error;
}

void ClockKeeper::publish(const sillage_clock_segment& segment) {
  const std::uint32_t number = page_->current + 1;
  sillage_clock_segment& slot = page_->segment[number % SILLAGE_CLOCK_SEGMENTS];
  // A reader still in this slot began three segments ago and finds `current` changed.
  __atomic_store_n(&slot.tsc_from, segment.tsc_from, __ATOMIC_RELAXED);
  __atomic_store_n(&slot.ns_from, segment.ns_from, __ATOMIC_RELAXED);
  __atomic_store_n(&slot.mult, segment.mult, __ATOMIC_RELAXED);
  // Pairs with convert_tsc() and the writers' conversion (src/probe).
  __atomic_store_n(&page_->current, number, __ATOMIC_RELEASE);
}

void ClockKeeper::run() {
  // The first slope is the worst: look again soon, then less and less often.
  std::uint64_t interval = 20 * kMillisecond;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::nanoseconds(interval), [this] { return stopping_; })) {
    interval = std::min(2 * interval, kSecond);
    steer(kLead, Nanoseconds{interval});
    if (!uses_tsc()) return;
  }
}

}  // namespace sillage::collect
