// SPDX-License-Identifier: MIT
// A collector's bytes as a filter (abi/filter.h): refused, or run on events without harm. The first byte says which: a program as it
// comes, or a sound one with the rest as a list of changes to it.
#include "apps/event_filter.hpp"
#include "base/byte_cursor.hpp"
#include "filter/parser.hpp"
#include "filters/contexts.hpp"
#include "filters/sites.hpp"
#include "limits.hpp"
#include "probe/filter_machine.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

using namespace sillage;

namespace {

constexpr const char* kMixedEvent =
    "05000000 "
    "0100000000000000020000000000000003000000000000000400000000000000050000000000000006000000000000"
    "0007000000000000000800000000000000 "
    "0700 61626361 f9ffffffffffffff 01000200 000000000000f83f 6162 61 4000000000000000 fffffffe "
    "010000000200000003000000 6a6b - 0000c03f 61";

std::vector<std::byte> sound_program() {
  const auto tree = filter::parse(
      "i32 << 3 == 40 && (s == \"a*c*\" || q < \"b\" || s == s2) && sq[1] % 3 != 1 && sf[0] * 2 > "
      "i32 && $ctx.procname != \"x\" && "
      "!(w / u16 == 9 || $ctx.vtid > 4)");
  static const apps::FindContext find_context(tests::find_context);
  const auto program =
      apps::make_filter_program({&*tree}, tests::find_site("mixed")->site, find_context);
  fuzzing::expect(program.has_value(), "the sound program cannot be made");
  return *program;
}

void run(const std::vector<std::byte>& program) {
  // Of exactly these sizes: a sanitizer sees every byte read behind them.
  std::vector<std::uint64_t> from((program.size() + 7) / 8);
  if (!program.empty()) std::memcpy(from.data(), program.data(), program.size());
  const std::uint64_t bytes = probe::decoded_filter_bytes(from.data(), program.size());
  if (bytes == 0) return;
  std::vector<std::uint64_t> memory((bytes + 7) / 8);
  const probe::Filter* filter = probe::decode_filter(from.data(), program.size(), memory.data());
  if (filter == nullptr) return;
  from.clear();
  const tests::TestSite& mixed = *tests::find_site("mixed");
  const tests::Values values = tests::values_of(kMixedEvent);
  const tests::Parts parts(mixed, values);
  (void)probe::filter_accepts(filter,
                              {&mixed.event, parts.begin(), parts.count(), nullptr, tests::kIp});
  // Events that it was not made for.
  const std::vector<char> payload(24, 'a');
  const tests::TestSite& words = *tests::find_site("words");
  (void)probe::filter_accepts_bytes(filter, &words.event, payload.data(), 24, nullptr, tests::kIp);
  (void)probe::filter_accepts_bytes(filter, &mixed.event, payload.data(), 24, nullptr, tests::kIp);
  (void)probe::filter_accepts(filter, {&mixed.event, nullptr, 0, nullptr, tests::kIp});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzzing::Limits limits(size + 65'536);
  const std::span input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    run({input.begin(), input.end()});
    return 0;
  }
  // Each change: u16 place, u8 new value; the byte left over cuts the program short.
  static const std::vector<std::byte> sound = sound_program();
  std::vector<std::byte> program = sound;
  ByteCursor changes(input);
  while (changes.left() >= 3) {
    const auto place = changes.take<std::uint16_t>();
    const auto value = changes.take<std::byte>();
    program[*place % program.size()] = *value;
  }
  if (const auto cut = changes.take<std::uint8_t>())
    program.resize(program.size() - *cut % program.size());
  run(program);
  return 0;
}
