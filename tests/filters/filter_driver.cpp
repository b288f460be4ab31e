// SPDX-License-Identifier: MIT
// Says what every use of a filter makes of events: the evaluator of `sillage read`, the program's interpreter, and, where it is
// permitted, a program of the kernel. truth_test.py, which has an evaluator of its own, asks by lines:
//
//   batch SITE EXPRESSIONS EVENTS      then so many lines each: an expression; the fields' bytes in hex, "-" = none
//
// and gets for each event "EVALUATOR INTERPRETER KERNEL", a digit per expression, or "-" for what a use does not have.
#include "abi/app_protocol.h"
#include "apps/event_filter.hpp"
#include "base/fd.hpp"
#include "bpf/program.hpp"
#include "contexts.hpp"
#include "filter/compile.hpp"
#include "filter/evaluate.hpp"
#include "filter/parser.hpp"
#include "probe/filter_machine.hpp"
#include "sites.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace sillage::tests {
namespace {

using filter::Scalar;

const apps::FindContext kFindContext = find_context;

// An expression in its uses.
struct Expression {
  std::vector<apps::SiteSchema::Place> places;
  filter::Tree tree;
  std::vector<std::uint64_t> memory;  // of `program`
  const probe::Filter* program = nullptr;
  bool can_match = false;
};

[[noreturn]] void give_up(const std::string& text) {
  std::cerr << text << '\n';
  std::exit(1);
}

Expression expression_of(const std::string& text, const TestSite& site) {
  const auto tree = filter::parse(text);
  if (!tree) give_up(text + ": " + tree.error().text());
  Expression made;
  const apps::SiteSchema schema(site.site, kFindContext);
  filter::Binding binding = filter::bind(*tree, schema);
  made.tree = std::move(binding.tree);
  made.places = schema.places();
  made.can_match = made.tree.root().type != filter::Type::kMissing;
  if (!made.can_match) return made;
  const auto program = apps::make_filter_program({&*tree}, site.site, kFindContext);
  if (!program) give_up(text + ": " + program.error().text());
  made.memory.resize((probe::decoded_filter_bytes(program->data(), program->size()) + 7) / 8);
  if (made.memory.empty()) give_up(text + ": the head of its program is refused");
  made.program = probe::decode_filter(program->data(), program->size(), made.memory.data());
  if (made.program == nullptr) give_up(text + ": its program is refused");
  return made;
}

bool interpret(const Expression& expression, const TestSite& site, const Values& values) {
  if (expression.program == nullptr) return false;
  // As parts, as tracepoint.h makes them, and in one piece, as words, a block and what LTTng-UST's programs put together.
  const std::string payload = site.payload(values);
  const Parts parts(site, values);
  const bool by_parts = probe::filter_accepts(
      expression.program, {&site.event, parts.begin(), parts.count(), nullptr, kIp});
  const Parts unwritten(site, values, true);
  const bool by_bytes = probe::filter_accepts_bytes(
      expression.program, &site.event, payload.data(), static_cast<std::uint32_t>(payload.size()),
      nullptr, kIp, unwritten.begin(), unwritten.count());
  if (by_bytes != by_parts) give_up("parts and bytes of an event are judged differently");
  return by_bytes;
}

// The kernel's use: the fields are the program's arguments, integers and addresses of texts in this process.
class KernelUse final : public filter::FieldCode {
 public:
  // So short as the verifier's time goes with it; the events' texts are shorter.
  static constexpr std::uint32_t kTextBytes = 16, kResults = 2 * kTextBytes, kMost = 256;

  // None if some expression has what programs of the kernel have not, or they are not permitted.
  static std::unique_ptr<KernelUse> make(const TestSite& site,
                                         const std::vector<Expression>& expressions) {
    if (!site.is_for_kernel) return nullptr;
    auto use = std::unique_ptr<KernelUse>(new KernelUse);
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    use->map_ =
        Fd(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "filter_truth", 4, kResults + kMost, 1, &options));
    if (!use->map_) return nullptr;
    use->memory_ = static_cast<char*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, use->map_.value(), 0));
    use->load(expressions);
    return use;
  }
  ~KernelUse() override {
    if (memory_ != nullptr) (void)::munmap(memory_, 4096);
  }

  void run(const TestSite& site, const Values& values) {
    std::vector<std::uint64_t> arguments;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Scalar scalar = scalar_of(site.site.fields[i], values[i], 0);
      arguments.push_back(scalar.type == filter::Type::kText
                              ? reinterpret_cast<std::uint64_t>(values[i].c_str())
                              : static_cast<std::uint64_t>(scalar.integer));
    }
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.ctx_in = arguments.data();
    options.ctx_size_in = static_cast<std::uint32_t>(arguments.size() * 8);
    if (::bpf_prog_test_run_opts(program_.value(), &options) != 0)
      give_up("the kernel does not run the program");
  }
  [[nodiscard]] char result(std::size_t which) const {
    return memory_[kResults + which] != 0 ? '1' : '0';
  }

  void load_integer(std::uint32_t slot) override {
    a_.load(bpf::Size::k8, bpf::Reg::r1, bpf::Reg::r6,
            static_cast<std::int32_t>(8 * (*places_)[slot].field));
  }
  void load_text(std::uint32_t slot, std::int32_t offset) override {
    using enum bpf::Reg;
    load_integer(slot);
    a_.move(r3, r1);
    a_.move(r1, r9);
    a_.alu(bpf::Alu::kAdd, r1, offset);
    a_.move(r2, std::uint64_t{kTextBytes});
    a_.call(BPF_FUNC_probe_read_user_str);
  }

 private:
  KernelUse() = default;

  void load(const std::vector<Expression>& expressions) {
    using enum bpf::Reg;
    a_.move(r6, r1);
    a_.load_map_value(r9, map_.value());
    for (std::size_t i = 0; i < expressions.size(); ++i) {
      const bpf::Label match = a_.label(), no_match = a_.label(), done = a_.label();
      places_ = &expressions[i].places;
      const Status compiled = filter::compile(
          expressions[i].tree, *this,
          {.stack_top = -256, .stack_bytes = 128, .text_bytes = kTextBytes}, a_, match, no_match);
      if (!compiled) give_up("kernel: " + compiled.error().text());
      const auto at = static_cast<std::int32_t>(kResults + i);
      a_.bind(match);
      a_.store(bpf::Size::k1, r9, at, 1);
      a_.jump(done);
      a_.bind(no_match);
      a_.store(bpf::Size::k1, r9, at, 0);
      a_.bind(done);
    }
    a_.move(r0, 0u);
    a_.exit();
    const auto code = a_.finish();
    if (!code) give_up("kernel: " + code.error().text());
    auto loaded = bpf::load_program(
        *code, {.name = "filter_truth", .type = BPF_PROG_TYPE_RAW_TRACEPOINT, .attach_type = {}});
    if (!loaded) give_up("kernel: " + loaded.error().text());
    program_ = std::move(*loaded);
  }

  bpf::Assembler a_;
  const std::vector<apps::SiteSchema::Place>* places_ = nullptr;
  Fd map_, program_;
  char* memory_ = nullptr;
};

void run_batch(const TestSite& site, std::size_t expression_count, std::size_t event_count) {
  std::vector<Expression> expressions;
  std::string line;
  for (std::size_t i = 0; i < expression_count && std::getline(std::cin, line); ++i)
    expressions.push_back(expression_of(line, site));
  const auto kernel = KernelUse::make(site, expressions);
  for (std::size_t i = 0; i < event_count && std::getline(std::cin, line); ++i) {
    const Values values = values_of(line);
    if (values.size() != site.site.fields.size())
      give_up("an event with another number of fields: " + line);
    std::string evaluator, interpreter, in_kernel;
    if (kernel) kernel->run(site, values);
    for (std::size_t k = 0; k < expressions.size(); ++k) {
      const Expression& each = expressions[k];
      evaluator +=
          each.can_match && filter::matches(each.tree, EventRecord(site, values, each.places))
              ? '1'
              : '0';
      interpreter += interpret(each, site, values) ? '1' : '0';
      if (kernel) in_kernel += kernel->result(k);
    }
    std::cout << evaluator << ' ' << interpreter << ' ' << (kernel ? in_kernel : "-") << '\n';
  }
}

}  // namespace
}  // namespace sillage::tests

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string batch, name;
    std::size_t expressions = 0, events = 0;
    words >> batch >> name >> expressions >> events;
    const sillage::tests::TestSite* site = sillage::tests::find_site(name);
    if (batch != "batch" || site == nullptr || !words)
      sillage::tests::give_up("not a batch: " + line);
    sillage::tests::run_batch(*site, expressions, events);
    std::cout.flush();
  }
}
