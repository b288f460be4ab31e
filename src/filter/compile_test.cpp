// SPDX-License-Identifier: MIT
#include "filter/compile.hpp"

#include "bpf/program.hpp"
#include "filter/bind.hpp"
#include "filter/evaluate.hpp"
#include "filter/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sillage::filter {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Size;
using enum bpf::Reg;
using ::testing::HasSubstr;

constexpr std::uint32_t kIntegers = 5, kTexts = 3;
constexpr std::uint32_t kTextBytes = 256;  // room for a text, unless a test says less
constexpr std::uint32_t kResults = 2 * kTextBytes;

struct Event final : Record {
  std::array<std::int64_t, kIntegers> integers{};
  std::array<std::string, kTexts> texts{};
  std::uint32_t text_bytes = kTextBytes;
  [[nodiscard]] Scalar read(std::uint32_t slot) const override {
    if (slot < kIntegers) return Scalar::of(integers[slot]);
    return Scalar::of(std::string_view(texts[slot - kIntegers]).substr(0, text_bytes - 1));
  }
};

// i0 to i4, t0 to t2; d is a number with a fraction.
struct Fields final : Schema {
  [[nodiscard]] std::optional<Slot> find(const FieldName& name) const override {
    const std::string text = name.text();
    if (text == "d") return Slot{99, Type::kReal};
    if (text.size() != 2) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(text[1] - '0');
    if (text[0] == 'i' && number < kIntegers) return Slot{number, Type::kInteger};
    if (text[0] == 't' && number < kTexts) return Slot{kIntegers + number, Type::kText};
    return std::nullopt;
  }
};

// The fields are the program's arguments: integers, and addresses of texts in this process.
class ArgumentCode final : public FieldCode {
 public:
  explicit ArgumentCode(bpf::Assembler& assembler, std::uint32_t text_bytes = kTextBytes)
      : a_(assembler), text_bytes_(text_bytes) {}
  void load_integer(std::uint32_t slot) override {
    a_.load(Size::k8, r1, r6, static_cast<std::int32_t>(8 * slot));
  }
  void load_text(std::uint32_t slot, std::int32_t offset) override {
    load_integer(slot);
    a_.move(r3, r1);
    a_.move(r1, r9);
    a_.alu(Alu::kAdd, r1, offset);
    a_.move(r2, text_bytes_);
    a_.call(BPF_FUNC_probe_read_user_str);
  }

 private:
  bpf::Assembler& a_;
  const std::uint32_t text_bytes_;
};

// A program that says of each expression whether an event matches.
class Program {
 public:
  // None without permission.
  static std::unique_ptr<Program> make(const std::vector<Tree>& trees,
                                       std::uint32_t text_bytes = kTextBytes) {
    auto program = std::unique_ptr<Program>(new Program);
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    program->map_ = Fd(
        ::bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_filter", 4, kResults + kTextBytes, 1, &options));
    if (!program->map_) return nullptr;
    program->memory_ = static_cast<char*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, program->map_.value(), 0));
    bpf::Assembler a;
    ArgumentCode fields(a, text_bytes);
    a.move(r6, r1);
    a.load_map_value(r9, program->map_.value());
    for (std::size_t i = 0; i < trees.size(); ++i) {
      const bpf::Label match = a.label(), no_match = a.label(), done = a.label();
      const Status compiled = compile(
          trees[i], fields, {.stack_top = -256, .stack_bytes = 128, .text_bytes = text_bytes}, a,
          match, no_match);
      EXPECT_TRUE(compiled) << compiled.error().text();
      a.bind(match);
      a.store(Size::k1, r9, static_cast<std::int32_t>(kResults + i), 1);
      a.jump(done);
      a.bind(no_match);
      a.store(Size::k1, r9, static_cast<std::int32_t>(kResults + i), 0);
      a.bind(done);
    }
    a.move(r0, 0u);
    a.exit();
    const auto code = a.finish();
    if (!code) {
      ADD_FAILURE() << code.error().text();
      return nullptr;
    }
    auto loaded = bpf::load_program(
        *code, {.name = "filter", .type = BPF_PROG_TYPE_RAW_TRACEPOINT, .attach_type = {}});
    if (!loaded) {
      ADD_FAILURE() << loaded.error().text();
      return nullptr;
    }
    program->program_ = std::move(*loaded);
    return program;
  }
  ~Program() {
    if (memory_ != nullptr) (void)::munmap(memory_, 4096);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void run(const Event& event) {
    std::array<std::uint64_t, kIntegers + kTexts> arguments{};
    for (std::size_t i = 0; i < kIntegers; ++i)
      arguments[i] = static_cast<std::uint64_t>(event.integers[i]);
    for (std::size_t i = 0; i < kTexts; ++i)
      arguments[kIntegers + i] = reinterpret_cast<std::uint64_t>(event.texts[i].c_str());
    std::memset(memory_ + kResults, 2, kTextBytes);
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.ctx_in = arguments.data();
    options.ctx_size_in = sizeof arguments;
    ASSERT_EQ(::bpf_prog_test_run_opts(program_.value(), &options), 0) << std::strerror(errno);
  }
  [[nodiscard]] int result(std::size_t which) const { return memory_[kResults + which]; }

 private:
  Program() = default;
  Fd map_, program_;
  char* memory_ = nullptr;
};

// Expressions without end, all of the same seed.
class Generator {
 public:
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(random_() % bound);
  }

  std::string integer(int depth) {
    static constexpr std::array kBinary{"*", "/", "%", "+", "-", "<<", ">>", "&", "^", "|"};
    if (depth == 0 || below(4) == 0) return leaf();
    switch (below(5)) {
      case 0: return "~" + in_brackets(integer(depth - 1));
      case 1: return "-" + in_brackets(integer(depth - 1));
      case 2: return in_brackets(condition(depth - 1));
      default:
        return in_brackets(integer(depth - 1)) + kBinary[below(kBinary.size())] +
               in_brackets(integer(depth - 1));
    }
  }

  std::string condition(int depth) {
    static constexpr std::array kCompare{"<", "<=", ">", ">=", "==", "!="};
    if (depth == 0) return integer(0);
    switch (below(8)) {
      case 0: return "!" + in_brackets(condition(depth - 1));
      case 1: return in_brackets(condition(depth - 1)) + "&&" + in_brackets(condition(depth - 1));
      case 2: return in_brackets(condition(depth - 1)) + "||" + in_brackets(condition(depth - 1));
      case 3:
      case 4: return text_condition(kCompare[below(kCompare.size())]);
      case 5: return integer(depth - 1);
      case 6: return real_of_one(depth - 1) + kCompare[below(kCompare.size())] + real_literal();
      default:
        return in_brackets(integer(depth - 1)) + kCompare[below(kCompare.size())] +
               in_brackets(integer(depth - 1));
    }
  }

  std::string real_literal() {
    static constexpr std::array kReals{"0.0",    "1.5",    "-2.25", "1e300",
                                       "-1e300", "9.3e18", "3.0",   "(1e300*1e300)"};
    return kReals[below(kReals.size())];
  }
  // A number with a fraction that one integer decides.
  std::string real_of_one(int depth) {
    static constexpr std::array kBinary{"+", "-", "*", "/"};
    std::string text = in_brackets(integer(depth));
    for (std::uint32_t left = below(5); left != 0; --left) {
      if (below(6) == 0) text = "-" + in_brackets(text);
      const char* sign = kBinary[below(kBinary.size())];
      const bool is_first = below(2) == 0;
      const std::string other = real_literal();
      text = in_brackets((is_first ? text : other) + sign + (is_first ? other : text));
    }
    return text;
  }

  std::string letters(std::uint32_t most) {
    std::string text;
    for (std::uint32_t left = below(most + 1); left != 0; --left) text += "ab"[below(2)];
    return text;
  }

  Event event() {
    static constexpr std::array<std::int64_t, 8> kValues{0,  1,         -1,        7,
                                                         63, INT64_MIN, INT64_MAX, -3'000'000'000};
    Event event;
    for (std::int64_t& value : event.integers)
      value = below(2) == 0 ? kValues[below(kValues.size())] : static_cast<std::int64_t>(below(9));
    for (std::string& text : event.texts) text = letters(below(6) == 0 ? 30 : 9);
    return event;
  }

 private:
  static std::string in_brackets(const std::string& text) { return "(" + text + ")"; }

  std::string leaf() {
    static constexpr std::array kLiterals{"0",  "1",  "2",  "3",          "7",
                                          "63", "64", "-1", "4294967296", "9223372036854775807"};
    switch (below(12)) {
      case 0: return "gone";  // a field that there is not
      case 1:
      case 2:
      case 3:
      case 4: return kLiterals[below(kLiterals.size())];
      default: return "i" + std::to_string(below(kIntegers));
    }
  }

  std::string text_condition(const char* compare) {
    const std::string field = "t" + std::to_string(below(kTexts));
    switch (below(4)) {
      case 0: return field + compare + "t" + std::to_string(below(kTexts));
      case 1: return field + compare + "\"" + letters(4) + "\"";
      case 2: return "\"" + letters(4) + "\"" + compare + field;
      default: break;
    }
    std::string pattern = letters(2);
    for (std::uint32_t stars = 1 + below(3); stars != 0; --stars) pattern += "*" + letters(3);
    return field + (below(2) == 0 ? "==" : "!=") + "\"" + pattern + "\"";
  }

  std::mt19937_64 random_{20'261'121};
};

TEST(Compile, MeansWhatEvaluateMeans) {
  // Short texts, as the verifier's time goes with their bound.
  constexpr std::uint32_t kBytes = 16;
  constexpr std::size_t kPrograms = 200, kEach = 50, kEvents = 8;  // 10,000 expressions
  Generator generator;
  const Fields schema;
  std::size_t matched = 0, compared = 0;
  for (std::size_t round = 0; round < kPrograms; ++round) {
    std::vector<std::string> texts;
    std::vector<Tree> trees;
    while (trees.size() < kEach) {
      texts.push_back(generator.condition(4));
      const auto tree = parse(texts.back());
      ASSERT_TRUE(tree) << texts.back() << ": " << tree.error().text();
      trees.push_back(bind(*tree, schema).tree);
    }
    const auto program = Program::make(trees, kBytes);
    if (!program) GTEST_SKIP() << "BPF is not permitted here: " << std::strerror(errno);
    for (std::size_t i = 0; i < kEvents; ++i) {
      Event event = generator.event();
      event.text_bytes = kBytes;
      program->run(event);
      for (std::size_t which = 0; which < kEach; ++which) {
        const bool expected = matches(trees[which], event);
        matched += expected ? 1 : 0;
        ++compared;
        ASSERT_EQ(program->result(which), int{expected})
            << texts[which] << "\n"
            << ::testing::PrintToString(event.integers) << ::testing::PrintToString(event.texts);
      }
    }
  }
  // Both answers come often enough to tell something.
  EXPECT_GT(matched, compared / 5);
  EXPECT_LT(matched, compared * 4 / 5);
}

Tree bound(const char* text) {
  const auto tree = parse(text);
  EXPECT_TRUE(tree) << text;
  return bind(*tree, Fields()).tree;
}

TEST(Compile, PatternsOfTextsAtTheBound) {
  const std::string pattern(63, 'b');
  const std::vector<Tree> trees{bound(("t0 == \"a*" + pattern + "\"").c_str()),
                                bound("t0 == \"*ab\""),
                                bound("t0 == \"*a*a*b*b*\""),
                                bound("t0 == t1"),
                                bound("t0 == \"*\""),
                                bound("t0 == \"\"")};
  const auto program = Program::make(trees);
  if (!program) GTEST_SKIP() << "BPF is not permitted here: " << std::strerror(errno);
  for (const std::size_t size : {0u, 62u, 63u, 64u, 253u, 254u, 255u, 256u, 300u}) {
    Event event;
    event.texts[0] = std::string(size, 'b');
    if (size > 64) event.texts[0][size - 64] = 'a';
    if (size != 0) event.texts[0][0] = 'a';
    event.texts[1] = event.texts[0] + "z";  // the same if the difference is behind what counts
    program->run(event);
    for (std::size_t i = 0; i < trees.size(); ++i)
      EXPECT_EQ(program->result(i), int{matches(trees[i], event)}) << size << " " << i;
  }
}

TEST(Compile, RefusesWhatSeveralFractionsDecide) {
  const auto two = check_compilable(bound("i0 * 1.5 < i1"));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().location, "column 12");
  EXPECT_THAT(two.error().message, HasSubstr("one integer"));
  const auto refused = check_compilable(bound("i0 == 1 && d < 2.5"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().location, "column 12");
  EXPECT_THAT(refused.error().message, HasSubstr("fraction"));
}

TEST(Compile, RefusesLongPatterns) {
  const auto refused = check_compilable(bound(("t0 == \"*" + std::string(64, 'a') + "\"").c_str()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().location, "column 7");
  EXPECT_TRUE(check_compilable(bound(("t0 == \"*" + std::string(63, 'a') + "\"").c_str())));
}

TEST(Compile, RefusesWhatNeedsTooMuchStack) {
  std::string text = "i0";
  for (int i = 0; i < 20; ++i) text.insert(0, "i1 + (").push_back(')');
  bpf::Assembler a;
  ArgumentCode fields(a);
  const auto refused = compile(bound((text + " == 3").c_str()), fields,
                               {.stack_top = -256, .stack_bytes = 128}, a, a.label(), a.label());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kLimit);
}

}  // namespace
}  // namespace sillage::filter
