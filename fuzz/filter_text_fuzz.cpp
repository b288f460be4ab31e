// SPDX-License-Identifier: MIT
// Filter expressions (F31). The first byte chooses a tracepoint, the rest is text. What parses is compiled for a program, must be
// taken by libsillage, and must judge an event as the evaluator does.
#include "apps/event_filter.hpp"
#include "filter/evaluate.hpp"
#include "filter/parser.hpp"
#include "filters/contexts.hpp"
#include "filters/sites.hpp"
#include "limits.hpp"
#include "probe/filter_machine.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace sillage;

namespace {

// An event of each tracepoint.
struct Sample {
  const char* site;
  const char* event;
};
constexpr Sample kSamples[] = {
    {"words", "ff 07 0300 ffff 01000000 0050 f9ffffffffffffff 80000000"},
    {"kernel",
     "80 ff 0080 ffff ffffffff 02000000 0000000000000080 ffffffffffffffff 616262612a 6162"},
    {"mixed",
     "05000000 "
     "010000000000000002000000000000000300000000000000040000000000000005000000000000000600000000000"
     "00007000000000000000800000000000000 "
     "0700 61626361 f9ffffffffffffff 01000200 000000000000f83f000000000000f87f 6162 61 "
     "4000000000000000 fffffffe "
     "010000000200000003000000 6a6b - 0000c03f 61"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const fuzzing::Limits limits(size);
  const auto tree = filter::parse(text);
  if (!tree) {
    fuzzing::expect(!tree.error().message.empty(), "an error without a message");
    return 0;
  }
  const Sample& sample = kSamples[data[0] % std::size(kSamples)];
  const tests::TestSite& site = *tests::find_site(sample.site);
  static const apps::FindContext find_context(tests::find_context);
  const auto program = apps::make_filter_program({&*tree}, site.site, find_context);
  const apps::SiteSchema schema(site.site, find_context);
  const filter::Binding binding = filter::bind(*tree, schema);
  if (!program) {
    fuzzing::expect(!binding.can_match() || program.error().code == Code::kLimit,
                    "what can match is refused");
    return 0;
  }
  std::vector<std::uint64_t> memory(
      probe::decoded_filter_bytes(program->data(), program->size()) / 8 + 1);
  const probe::Filter* filter =
      probe::decode_filter(program->data(), program->size(), memory.data());
  fuzzing::expect(filter != nullptr, "libsillage refuses what the daemon made");
  const tests::Values values = tests::values_of(sample.event);
  const tests::Parts parts(site, values);
  const bool accepted = probe::filter_accepts(
      filter, {&site.event, parts.begin(), parts.count(), nullptr, tests::kIp});
  const bool matches =
      filter::matches(binding.tree, tests::EventRecord(site, values, schema.places()));
  fuzzing::expect(accepted == matches, "interpreter and evaluator differ");
  return 0;
}
