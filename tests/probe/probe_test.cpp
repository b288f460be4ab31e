// SPDX-License-Identifier: MIT
// The probe library alone, against a collector of the test's own. Run twice by ctest: with restartable
// sequences, and with SILLAGE_RSEQ=0 on the try-locked streams.
#include <sillage/site.h>
#include "fake_collector.hpp"

#include <gtest/gtest.h>

#include <linux/perf_event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using sillage::Nanoseconds;
using sillage::ring::Ring;
using sillage::ring::RingOptions;
using sillage::ring::StreamReader;
using sillage::testing::FakeCollector;
using sillage::testing::kernel_monotonic_ns;

const std::uint64_t kClosed = 0;
const sillage_field kField = {
    "value", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 4, SILLAGE_FIELD_SIGNED, 10, 0};
const sillage_event kEvent = {"test", "one", __FILE__, nullptr, &kField, 1, 1, 6, 0};
sillage_site g_site = {&kClosed, nullptr, &kEvent, 0, 0};
sillage_site* g_sites[] = {&g_site};
sillage_image g_image = {g_sites, g_sites + 1, nullptr, &kClosed};

FakeCollector* g_collector;

#ifdef __clang__
#define ONE_BODY [[gnu::noinline]]
#else
#define ONE_BODY [[gnu::noipa]]
#endif

// One body, so that the ip context can be checked against it.
ONE_BODY void emit_int(std::int32_t value) {
  if (*static_cast<const volatile std::uint64_t*>(g_site.gate) != 0) {
    sillage_emit_words(&g_site, 4, static_cast<std::uint32_t>(value), 0, 0);
  }
  asm volatile("");  // a call, not a jump: the ip context is where it returns to
}

struct Record {
  std::uint32_t stream, id;
  std::uint64_t time;
  bool extended;
  std::string bytes;  // contexts and payload
};

/// All of a ring so far, stream by stream; `payload_bytes` says where a record whose bytes begin at a place ends.
class RingContents {
 public:
  explicit RingContents(const Ring& ring) {
    for (std::uint32_t i = 0; i < ring.geometry().stream_count; i++)
      readers_.push_back(ring.reader(i));
    buffer_.resize(ring.geometry().subbuf_bytes);
  }

  template <class PayloadBytes>
  std::vector<Record> read(PayloadBytes payload_bytes) {
    std::vector<Record> records;
    for (std::uint32_t i = 0; i < readers_.size(); i++) {
      std::uint64_t time = 0;
      while (auto run = readers_[i].next_run(buffer_, true)) {
        if (run->begin_ns > time) time = run->begin_ns;
        parse(i, *run, payload_bytes, &time, &records);
        if (!run->closed) break;
      }
    }
    return records;
  }
  std::uint64_t lost(sillage_lost_cause cause) {
    std::uint64_t sum = 0;
    for (auto& reader : readers_) sum += reader.loss().by_writers[cause];
    return sum;
  }
  std::uint64_t overrun() {
    std::uint64_t sum = 0;
    for (auto& reader : readers_) sum += reader.loss().overrun_events;
    return sum;
  }

 private:
  template <class PayloadBytes>
  void parse(std::uint32_t stream, const sillage::ring::Run& run, PayloadBytes payload_bytes,
             std::uint64_t* time, std::vector<Record>* records) {
    const char* at = reinterpret_cast<const char*>(run.bytes.data());
    const char* end = at + run.bytes.size();
    std::uint32_t events = 0;
    while (at < end) {
      Record record = {};
      record.stream = stream;
      std::uint32_t header;
      std::memcpy(&header, at, 4);
      record.id = header & 31;
      if (record.id == 31) {
        record.extended = true;
        std::memcpy(&record.id, at + 1, 4);
        std::memcpy(&record.time, at + 5, 8);
        at += 13;
      } else {
        std::uint64_t low = header >> 5;
        record.time = (*time & ~((std::uint64_t{1} << 27) - 1)) | low;
        if (record.time < *time) record.time += std::uint64_t{1} << 27;
        at += 4;
      }
      EXPECT_GE(record.time, *time);
      *time = record.time;
      std::size_t bytes = payload_bytes(at, end);
      ASSERT_LE(at + bytes, end);
      record.bytes.assign(at, bytes);
      at += bytes;
      events++;
      records->push_back(std::move(record));
    }
    EXPECT_EQ(events, run.events);
  }

  std::vector<StreamReader> readers_;
  std::vector<std::byte> buffer_;
};

constexpr auto kFour = [](const char*, const char*) { return std::size_t{4}; };

std::int32_t as_int(const std::string& bytes, std::size_t at = 0) {
  std::int32_t value;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

class Probe : public ::testing::Test {
 protected:
  void start(RingOptions options = {}, std::vector<std::uint8_t> contexts = {},
             std::uint32_t first_id = 0, std::string behind = {}) {
    auto ring = Ring::create(options, Nanoseconds{kernel_monotonic_ns()});
    ASSERT_TRUE(ring) << ring.error().text();
    ring_.emplace(std::move(*ring));
    g_collector->attach(&*ring_, std::move(contexts), first_id, std::move(behind));
    usleep(1500);  // longer than the probe waits between two questions
  }
  void TearDown() override { g_collector->detach(); }

  std::optional<Ring> ring_;
};

TEST_F(Probe, Words_CompactHeaderAndTime) {
  start();
  emit_int(0);  // the first one asks the collector and may carry a full time
  std::uint64_t before = kernel_monotonic_ns();
  for (int i = 1; i <= 100; i++) emit_int(i);
  std::uint64_t after = kernel_monotonic_ns();
  auto records = RingContents(*ring_).read(kFour);
  ASSERT_EQ(records.size(), 101u);
  for (const Record& record : records) {
    int value = as_int(record.bytes);
    if (value == 0) continue;
    // The test's own clock page is calibrated once, over 20 ms: good to some 100 ppm of a few seconds.
    EXPECT_GE(record.time + 2'000'000, before);
    EXPECT_LE(record.time, after + 2'000'000);
    EXPECT_EQ(record.id, 0u);
  }
}

TEST_F(Probe, IdleStream_FullTimeAfterEpoch) {
  start();
  emit_int(1);
  usleep(150'000);  // more than 2^27 ns
  emit_int(2);
  emit_int(3);
  auto records = RingContents(*ring_).read(kFour);
  ASSERT_EQ(records.size(), 3u);
  for (const Record& record : records) {
    if (as_int(record.bytes) == 2) {
      EXPECT_TRUE(record.extended);
    }
  }
}

TEST_F(Probe, HighId_ExtendedHeader) {
  start({}, {}, 31);
  for (int i = 0; i < 10; i++) emit_int(i);
  auto records = RingContents(*ring_).read(kFour);
  ASSERT_EQ(records.size(), 10u);
  for (const Record& record : records) {
    EXPECT_TRUE(record.extended);
    EXPECT_EQ(record.id, 31u);
  }
}

TEST_F(Probe, Parts_StringsAreBoundedAndEnded) {
  start();
  std::int32_t number = 7;
  std::string large(100'000, 'x');
  struct Case {
    sillage_part part;
    std::string expected;
  };
  const char unterminated[3] = {'a', 'b', 'c'};
  const Case cases[] = {
      {{"hello", UINT32_MAX, SILLAGE_PART_STRING}, "hello"},
      {{"", UINT32_MAX, SILLAGE_PART_STRING}, ""},
      {{nullptr, UINT32_MAX, SILLAGE_PART_STRING}, "(null)"},
      {{unterminated, 3, SILLAGE_PART_TEXT}, "abc"},
      {{"ab\0cd", 5, SILLAGE_PART_TEXT}, "ab"},
      {{"sixteen bytes...", UINT32_MAX, SILLAGE_PART_STRING}, "sixteen bytes..."},
      {{"seventeen bytes..", 17, SILLAGE_PART_TEXT}, "seventeen bytes.."},
      {{large.c_str(), UINT32_MAX, SILLAGE_PART_STRING}, large},
      {{large.data(), 50'000, SILLAGE_PART_TEXT}, large.substr(0, 50'000)},
  };
  for (const Case& one : cases) {
    const sillage_part parts[] = {{&number, 4, SILLAGE_PART_BYTES},
                                  {"hidden", 6, SILLAGE_PART_BYTES | SILLAGE_PART_NOWRITE},
                                  one.part,
                                  {&number, 4, SILLAGE_PART_BYTES}};
    sillage_emit_parts(&g_site, parts, 4);
  }
  auto records = RingContents(*ring_).read([](const char* at, const char* end) {
    return 4 + strnlen(at + 4, static_cast<std::size_t>(end - at - 4)) + 1 + 4;
  });
  ASSERT_EQ(records.size(), std::size(cases));
  // One thread, but it may move between CPUs: compare as sets.
  std::multimap<std::string, int> found, expected;
  for (const Record& record : records) {
    EXPECT_EQ(as_int(record.bytes), 7);
    EXPECT_EQ(as_int(record.bytes, record.bytes.size() - 4), 7);
    found.emplace(record.bytes.substr(4, record.bytes.size() - 9), 0);
  }
  for (const Case& one : cases) expected.emplace(one.expected, 0);
  EXPECT_EQ(found, expected);
}

TEST_F(Probe, StringNearPageEnd_NotReadBeyond) {
  start();
  auto* pages = static_cast<char*>(
      mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(mprotect(pages + 4096, 4096, PROT_NONE), 0);
  for (int length = 0; length < 40; length++) {
    char* text = pages + 4096 - length - 1;
    std::memset(text, 'q', static_cast<std::size_t>(length));
    text[length] = 0;
    sillage_part part = {text, UINT32_MAX, SILLAGE_PART_STRING};
    sillage_emit_parts(&g_site, &part, 1);
    part = {text + 1, static_cast<std::uint32_t>(length), SILLAGE_PART_TEXT};
    sillage_emit_parts(&g_site, &part, 1);
    if (length >= 4) sillage_emit_bytes(&g_site, text + 1, static_cast<std::uint32_t>(length));
  }
  munmap(pages, 8192);
}

TEST_F(Probe, TooBig_CountedNotRecorded) {
  RingOptions options;
  options.subbuf_bytes.value = 4096;
  start(options);
  std::string bytes(5000, 'x');
  sillage_emit_bytes(&g_site, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  sillage_emit_bytes(&g_site, bytes.data(), 4000);
  RingContents contents(*ring_);
  EXPECT_EQ(contents.read([](const char*, const char*) { return std::size_t{4000}; }).size(), 1u);
  EXPECT_EQ(contents.lost(SILLAGE_LOST_TOO_BIG), 1u);
}

TEST_F(Probe, DiscardFull_LostIsExact) {
  RingOptions options;
  options.subbuf_bytes.value = 4096;
  start(options);
  for (int i = 0; i < 20'000; i++) emit_int(i);
  RingContents contents(*ring_);
  auto records = contents.read(kFour);
  EXPECT_GT(contents.lost(SILLAGE_LOST_FULL), 0u);
  EXPECT_EQ(records.size() + contents.lost(SILLAGE_LOST_FULL), 20'000u);
}

TEST_F(Probe, Overwrite_KeepsNewestAndCountsOverrun) {
  RingOptions options;
  options.subbuf_bytes.value = 4096;
  options.overwrite = true;
  start(options);
  for (int i = 0; i < 20'000; i++) emit_int(i);
  RingContents contents(*ring_);
  auto records = contents.read(kFour);
  bool newest = false;
  for (const Record& record : records) newest |= as_int(record.bytes) == 19'999;
  EXPECT_TRUE(newest);
  EXPECT_EQ(records.size() + contents.overrun(), 20'000u);
}

TEST_F(Probe, Contexts_InOrderAndRight) {
  start({}, {SILLAGE_CONTEXT_VTID, SILLAGE_CONTEXT_PROCNAME, SILLAGE_CONTEXT_CPU_ID,
             SILLAGE_CONTEXT_VPID, SILLAGE_CONTEXT_VEUID, SILLAGE_CONTEXT_PID_NS,
             SILLAGE_CONTEXT_PTHREAD_ID, SILLAGE_CONTEXT_IP});
  emit_int(1);
  emit_int(2);
  constexpr std::size_t kContexts = 4 + 17 + 4 + 4 + 4 + 8 + 8 + 8;
  auto records = RingContents(*ring_).read([](const char*, const char*) { return kContexts + 4; });
  ASSERT_EQ(records.size(), 2u);
  struct stat ns;
  ASSERT_EQ(stat("/proc/self/ns/pid", &ns), 0);
  for (const Record& record : records) {
    EXPECT_EQ(as_int(record.bytes), static_cast<std::int32_t>(syscall(SYS_gettid)));
    EXPECT_STREQ(record.bytes.data() + 4, program_invocation_short_name);
    std::int32_t cpu = as_int(record.bytes, 21);
    if (record.stream < ring_->geometry().index_count) {
      EXPECT_EQ(cpu, static_cast<std::int32_t>(record.stream));
    }
    EXPECT_EQ(as_int(record.bytes, 25), getpid());
    EXPECT_EQ(as_int(record.bytes, 29), static_cast<std::int32_t>(geteuid()));
    std::uint64_t values[3];
    std::memcpy(values, record.bytes.data() + 33, sizeof values);
    EXPECT_EQ(values[0], ns.st_ino);
    EXPECT_EQ(values[1], pthread_self());
    auto here = reinterpret_cast<std::uintptr_t>(&emit_int);
    EXPECT_LT(values[2] - here, 4096u);
  }
}

TEST_F(Probe, Contexts_AtHand_AreTheThreadsAndNotOld) {
  start({}, {SILLAGE_CONTEXT_VTID, SILLAGE_CONTEXT_PROCNAME});
  const std::string before = program_invocation_short_name;
  for (int i = 0; i < 3; i++) emit_int(i);
  std::int32_t other = 0;
  std::thread([&other] {
    other = static_cast<std::int32_t>(syscall(SYS_gettid));
    for (int i = 3; i < 6; i++) emit_int(i);
  }).join();
  prctl(PR_SET_NAME, "renamed");
  usleep(150'000);  // as long as a name is kept, and more
  for (int i = 6; i < 9; i++) emit_int(i);
  prctl(PR_SET_NAME, before.c_str());
  usleep(150'000);  // for the tests that follow
  auto records = RingContents(*ring_).read([](const char*, const char*) { return 4 + 17 + 4; });
  ASSERT_EQ(records.size(), 9u);
  for (const Record& record : records) {
    const int number = as_int(record.bytes, 21);
    const bool is_other = number >= 3 && number < 6;
    EXPECT_EQ(as_int(record.bytes), is_other ? other : static_cast<std::int32_t>(getpid()));
    EXPECT_STREQ(record.bytes.data() + 4, number < 6 ? before.substr(0, 15).c_str() : "renamed");
  }
}

TEST_F(Probe, FirstEventsOfThreads_MeetAndNoneIsLost) {
  start();
  std::atomic<bool> begin = false;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&begin, i] {
      while (!begin) {
      }
      emit_int(i);
    });
  }
  begin = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(RingContents(*ring_).read(kFour).size(), 8u);
}

std::string counter(std::uint32_t type, std::uint64_t config) {
  const sillage_app_counter counter = {config, type, 0};
  return {reinterpret_cast<const char*>(&counter), sizeof counter};
}

const std::string kTaskClock = counter(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK);
constexpr std::uint8_t kFirstCounter = SILLAGE_CONTEXT_COUNTER;

std::uint64_t as_value(const std::string& bytes, std::size_t at) {
  std::uint64_t value;
  std::memcpy(&value, bytes.data() + at, 8);
  return value;
}

bool can_count() {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.exclude_kernel = 1;
  const long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd >= 0) close(static_cast<int>(fd));
  return fd >= 0;
}

TEST_F(Probe, Counters_OfTheThreadOrZero) {
  start({}, {kFirstCounter, SILLAGE_CONTEXT_VTID, kFirstCounter + 1, kFirstCounter + 2}, 0,
        kTaskClock + counter(12345, 1) + kTaskClock);
  std::thread([] { emit_int(0); }).join();
  for (int i = 1; i < 50; i++) emit_int(i);
  auto records = RingContents(*ring_).read([](const char*, const char*) { return 28 + 4; });
  ASSERT_EQ(records.size(), 50u);
  std::uint64_t before = 0;
  for (const Record& record : records) {
    EXPECT_EQ(as_value(record.bytes, 12), 0u);  // nothing counts that
    if (as_int(record.bytes, 28) == 0) continue;
    EXPECT_EQ(as_int(record.bytes, 8), getpid());
    if (!can_count()) continue;
    EXPECT_GE(as_value(record.bytes, 20), as_value(record.bytes, 0));
    if (record.stream != records.back().stream) continue;
    EXPECT_GT(as_value(record.bytes, 0), before);
    before = as_value(record.bytes, 20);
  }
}

TEST_F(Probe, Counters_ReplyWithoutThemAttachesNothing) {
  const std::string one = kTaskClock;
  struct Case {
    std::vector<std::uint8_t> contexts;
    std::string behind;
  };
  const Case cases[] = {{{kFirstCounter}, ""},
                        {{kFirstCounter}, one.substr(1)},
                        {{kFirstCounter, kFirstCounter + 1}, one},
                        {{kFirstCounter, SILLAGE_CONTEXT_APP}, one},  // a name comes first
                        {{kFirstCounter + 1}, one},
                        {{SILLAGE_CONTEXT_COUNTER_END}, one}};
  for (const Case& each : cases) {
    start({}, each.contexts, 0, each.behind);
    emit_int(1);
    const auto records =
        RingContents(*ring_).read([](const char*, const char*) { return std::size_t{4}; });
    EXPECT_TRUE(records.empty()) << each.contexts.size() << " " << each.behind.size();
    g_collector->detach();
  }
}

std::atomic<std::uint64_t> g_sent;

void on_timer(int) {
  emit_int(-1);
  g_sent++;
}

TEST_F(Probe, ThreadsAndSignals_SentEqualsReadPlusLost) {
  RingOptions options;
  options.subbuf_bytes.value = 16384;
  start(options);
  emit_int(0);  // attaches the process: signal handlers that interrupt that are not recorded yet
  g_sent = 1;
  struct sigaction action = {};
  action.sa_handler = on_timer;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  itimerval interval = {{0, 1000}, {0, 1000}};
  std::atomic<bool> stop = false;
  RingContents contents(*ring_);
  std::uint64_t read = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; i++) {
        emit_int(t);
        g_sent++;
        if (i % 2000 == 1999) usleep(100);
      }
    });
  }
  setitimer(ITIMER_REAL, &interval, nullptr);
  std::uint64_t until = kernel_monotonic_ns() + 600'000'000;
  while (kernel_monotonic_ns() < until) read += contents.read(kFour).size();
  interval = {};
  setitimer(ITIMER_REAL, &interval, nullptr);
  stop = true;
  for (auto& thread : threads) thread.join();
  read += contents.read(kFour).size();
  std::uint64_t lost = contents.lost(SILLAGE_LOST_FULL) + contents.lost(SILLAGE_LOST_BUSY);
  EXPECT_EQ(g_sent.load(), read + lost);
  EXPECT_GT(read, 10'000u);
}

int perf_descriptors() {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    found += std::filesystem::read_symlink(entry.path(), gone) == "anon_inode:[perf_event]";
  }
  return found;
}

// Handlers interrupt threads where they open their counter and where they read it.
TEST_F(Probe, Counters_ThreadsAndSignals_SentEqualsReadPlusLost) {
  if (!can_count()) GTEST_SKIP() << "no counters of perf here";
  const int before = perf_descriptors();
  start({}, {kFirstCounter}, 0, kTaskClock);
  std::thread([] { emit_int(0); }).join();
  g_sent = 1;
  struct sigaction action = {};
  action.sa_handler = on_timer;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  sigset_t alarm, was;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &was);  // the others are to be interrupted
  itimerval interval = {{0, 50}, {0, 50}};
  setitimer(ITIMER_REAL, &interval, nullptr);
  for (int round = 0; round < 300; round++) {
    std::thread([&alarm] {
      pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
      for (int i = 0; i < 20; i++) {
        emit_int(i);
        g_sent++;
      }
      pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    }).join();
  }
  interval = {};
  setitimer(ITIMER_REAL, &interval, nullptr);
  action.sa_handler = SIG_IGN;  // what is pending, too
  sigaction(SIGALRM, &action, nullptr);
  pthread_sigmask(SIG_SETMASK, &was, nullptr);
  EXPECT_EQ(perf_descriptors(), before);
  RingContents contents(*ring_);
  const auto records = contents.read([](const char*, const char*) { return 8 + 4; });
  EXPECT_EQ(g_sent.load(),
            records.size() + contents.lost(SILLAGE_LOST_FULL) + contents.lost(SILLAGE_LOST_BUSY));
  EXPECT_GT(records.size(), 6001u);  // some of handlers
  for (const Record& record : records) EXPECT_NE(as_value(record.bytes, 0), 0u);
}

TEST_F(Probe, ForkChild_TracedUnderItsOwnPid) {
  start({}, {SILLAGE_CONTEXT_VPID});
  emit_int(1);
  std::size_t images = g_collector->images().size();
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 10; i++) emit_int(100);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // This test's, and that of the library's own events.
  EXPECT_EQ(g_collector->images().size(), images + 2);
  EXPECT_EQ(g_collector->images().back().pid, static_cast<std::uint32_t>(child));
  emit_int(2);
  int of_child = 0, of_parent = 0;
  for (const Record& record :
       RingContents(*ring_).read([](const char*, const char*) { return std::size_t{8}; })) {
    if (as_int(record.bytes) == child) {
      EXPECT_EQ(as_int(record.bytes, 4), 100);
      of_child++;
    } else {
      EXPECT_EQ(as_int(record.bytes), getpid());
      of_parent++;
    }
  }
  EXPECT_EQ(of_child, 10);
  EXPECT_EQ(of_parent, 2);
}

TEST_F(Probe, RawClone_ChildSilentOrTracedNeverUnderParentsName) {
  start({}, {SILLAGE_CONTEXT_VPID});
  emit_int(1);
  pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (child == 0) {
    for (int i = 0; i < 10; i++) emit_int(100);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const Record& record :
       RingContents(*ring_).read([](const char*, const char*) { return std::size_t{8}; })) {
    if (as_int(record.bytes, 4) == 100) {
      EXPECT_EQ(as_int(record.bytes), child);
    }
  }
}

TEST_F(Probe, SilentCollector_WaitIsBoundedAndNotRepeated) {
  g_collector->set_silent(true);
  std::uint64_t begin = kernel_monotonic_ns();
  start();
  errno = 1234;
  for (int i = 0; i < 1000; i++) emit_int(i);
  EXPECT_LT(kernel_monotonic_ns() - begin, 250'000'000u);
  EXPECT_EQ(errno, 1234);
  g_collector->set_silent(false);
  sleep(1);
  emit_int(1);
  EXPECT_EQ(RingContents(*ring_).read(kFour).size(), 1u);
}

TEST_F(Probe, AttachDetachUnderLoad_EventsStayInTheirRing) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int t = 0; t < 3; t++) {
    threads.emplace_back([&] {
      while (!stop) emit_int(5);
    });
  }
  for (int round = 0; round < 60; round++) {
    RingOptions options;
    options.subbuf_bytes.value = 4096u << (round % 3);
    options.overwrite = round % 2 == 1;
    start(options, {}, static_cast<std::uint32_t>(round % 20));
    usleep(2000);
    g_collector->detach();
    for (const Record& record : RingContents(*ring_).read(kFour)) {
      ASSERT_EQ(record.id, static_cast<std::uint32_t>(round % 20));
      ASSERT_EQ(as_int(record.bytes), 5);
    }
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* directory = getenv("SILLAGE_RUNTIME_DIR");
  if (directory == nullptr) {
    std::fprintf(stderr, "set SILLAGE_RUNTIME_DIR to a directory of the test's own\n");
    return 2;
  }
  mkdir(directory, 0700);
  FakeCollector collector(directory);
  g_collector = &collector;
  sillage_image_register(&g_image);
  return RUN_ALL_TESTS();
}
