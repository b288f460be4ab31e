// SPDX-License-Identifier: MIT
// What libsillage takes for a filter, and what it makes of it, where truth_test.py does not look.
#include "contexts.hpp"
#include "filter/parser.hpp"
#include "probe/filter_machine.hpp"
#include "sites.hpp"

#include <gtest/gtest.h>

#include <fenv.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::tests {
namespace {

/// A program's parts, put together without a check.
struct Raw {
  sillage_filter_program head{};
  std::vector<sillage_filter_field> fields;
  std::vector<bpf_insn> code;
  std::vector<sillage_filter_literal> literals;
  std::string text;

  [[nodiscard]] std::vector<std::uint64_t> bytes() const {
    sillage_filter_program filled = head;
    filled.field_count = static_cast<std::uint16_t>(filled.field_count + fields.size());
    filled.literal_count = static_cast<std::uint16_t>(filled.literal_count + literals.size());
    filled.instruction_count += static_cast<std::uint32_t>(code.size());
    filled.text_bytes += static_cast<std::uint32_t>(text.size());
    std::string all(reinterpret_cast<const char*>(&filled), sizeof filled);
    const auto add = [&](const auto& each) {
      all.append(reinterpret_cast<const char*>(each.data()), each.size() * sizeof each[0]);
    };
    add(fields);
    add(code);
    add(literals);
    add(text);
    all.resize((all.size() + 7) / 8 * 8);
    filled.bytes += static_cast<std::uint32_t>(all.size());
    std::memcpy(all.data(), &filled, sizeof filled);
    std::vector<std::uint64_t> words(all.size() / 8);
    std::memcpy(words.data(), all.data(), all.size());
    return words;
  }
};

bpf_insn insn(int code, int to = 0, int from = 0, int offset = 0, int constant = 0) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = static_cast<std::uint8_t>(to) & 0xf;
  made.src_reg = static_cast<std::uint8_t>(from) & 0xf;
  made.off = static_cast<std::int16_t>(offset);
  made.imm = constant;
  return made;
}
const bpf_insn kExit = insn(BPF_JMP | BPF_EXIT);
bpf_insn set(int reg, int value) { return insn(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value); }
bpf_insn load(int base, int offset, int size = BPF_DW) {
  return insn(BPF_LDX | BPF_MEM | size, 1, base, offset);
}

/// A program in libsillage's own form.
class Decoded {
 public:
  explicit Decoded(const std::vector<std::uint64_t>& words)
      : memory_(probe::decoded_filter_bytes(words.data(), words.size() * 8) / 8 + 1),
        filter_(probe::decode_filter(words.data(), words.size() * 8, memory_.data())) {}
  explicit Decoded(const std::vector<std::byte>& bytes) : Decoded(words_of(bytes)) {}
  [[nodiscard]] const probe::Filter* filter() const { return filter_; }

 private:
  static std::vector<std::uint64_t> words_of(const std::vector<std::byte>& bytes) {
    std::vector<std::uint64_t> words(bytes.size() / 8);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
  }
  std::vector<std::uint64_t> memory_;
  const probe::Filter* filter_;
};

/// Sound, with something of everything.
Raw sound() {
  Raw raw;
  raw.head.prefix_bytes = 8;
  raw.head.stack_bytes = 16;
  raw.fields = {{0, SILLAGE_FILTER_VALUE, 0, 4},
                {1, SILLAGE_FILTER_TEXT, 0, 0},
                {0, SILLAGE_FILTER_PREFIX_TEXT, 4, 4}};
  raw.literals = {{0, 2}, {2, 1}};
  raw.text = "abc";
  raw.code = {load(6, 4, BPF_W),
              load(7, 8),
              insn(BPF_STX | BPF_MEM | BPF_DW, 10, 1, -16),
              insn(BPF_LD | BPF_DW | BPF_IMM, 2, 0, 0, 1),
              insn(0),
              set(1, 1),
              insn(BPF_JMP | BPF_CALL, 0, 0, 0, SILLAGE_FILTER_ORDER_LITERAL),
              insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0),
              insn(BPF_JMP | BPF_JA, 0, 0, 0),
              kExit};
  return raw;
}

TEST(FilterProgram, Sound_IsTaken) { EXPECT_NE(Decoded(sound().bytes()).filter(), nullptr); }

TEST(FilterProgram, EveryRuleOfTheFormat_IsKept) {
  struct Case {
    const char* what;
    std::function<void(Raw*)> spoil;
  };
  const auto with = [](std::size_t at, bpf_insn instruction) {
    return [=](Raw* raw) { raw->code[at] = instruction; };
  };
  const std::vector<Case> cases = {
      {"no instruction", [](Raw* raw) { raw->code.clear(); }},
      {"no exit at the end", [](Raw* raw) { raw->code.pop_back(); }},
      {"more instructions than bytes", [](Raw* raw) { raw->head.instruction_count = 1000; }},
      {"too many instructions",
       [](Raw* raw) { raw->code.insert(raw->code.begin(), 8192, set(0, 1)); }},
      {"too many fields",
       [](Raw* raw) {
         raw->fields.insert(raw->fields.begin(), 32, {0, SILLAGE_FILTER_VALUE, 0, 4});
       }},
      {"too large a stack", [](Raw* raw) { raw->head.stack_bytes = 136; }},
      {"an odd stack", [](Raw* raw) { raw->head.stack_bytes = 20; }},
      {"too long a prefix", [](Raw* raw) { raw->head.prefix_bytes = 257; }},
      {"texts behind the end", [](Raw* raw) { raw->head.text_bytes = 16; }},
      {"a literal behind the texts",
       [](Raw* raw) {
         raw->literals[1] = {2, 2};
       }},
      {"a literal that wraps",
       [](Raw* raw) {
         raw->literals[1] = {UINT32_MAX, 2};
       }},
      {"an unknown kind of field", [](Raw* raw) { raw->fields[0].kind = 9; }},
      {"a value of 3 bytes", [](Raw* raw) { raw->fields[0].bytes = 3; }},
      {"fields not in order",
       [](Raw* raw) { std::swap(raw->fields[0].field, raw->fields[1].field); }},
      {"a text behind the prefix", [](Raw* raw) { raw->fields[2].bytes = 5; }},
      {"a text that wraps", [](Raw* raw) { raw->fields[2].offset = UINT32_MAX; }},
      {"a context that is no text",
       [](Raw* raw) {
         raw->fields[2] = {1, SILLAGE_FILTER_CONTEXT_TEXT, 0, 0};
       }},
      {"a load behind the prefix", with(0, load(6, 5, BPF_W))},
      {"a load in front of the prefix", with(0, load(6, -1, BPF_B))},
      {"a load of a text's place", with(1, load(7, 16))},
      {"a load of a text's limit", with(1, load(7, 24))},
      {"a load behind the cells", with(1, load(7, 48))},
      {"a load in front of the cells", with(1, load(7, -8))},
      {"a load over two cells", with(1, load(7, 12))},
      {"a load by a number", with(0, load(1, 0))},
      {"a load by r9", with(0, load(9, 0))},
      {"a load behind the stack", with(0, load(10, 0))},
      {"a load below the stack", with(0, load(10, -24))},
      {"a load of half a word of the stack", with(0, load(10, -12))},
      {"a store to the prefix", with(2, insn(BPF_STX | BPF_MEM | BPF_DW, 6, 1, 0))},
      {"a store behind the stack", with(2, insn(BPF_STX | BPF_MEM | BPF_DW, 10, 1, 0))},
      {"a store below the stack", with(2, insn(BPF_STX | BPF_MEM | BPF_DW, 10, 1, -24))},
      {"a store of a base", with(2, insn(BPF_STX | BPF_MEM | BPF_DW, 10, 6, -8))},
      {"an atomic", with(2, insn(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -8, BPF_ADD))},
      {"a base as a number", with(5, insn(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10))},
      {"a base that is changed", with(5, insn(BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 8))},
      {"a register that there is not", with(5, set(11, 0))},
      {"a load into a base", with(0, insn(BPF_LDX | BPF_MEM | BPF_DW, 6, 6, 0))},
      {"arithmetic of 32 bits", with(5, insn(BPF_ALU | BPF_ADD | BPF_K, 1, 0, 0, 1))},
      {"unknown arithmetic", with(5, insn(BPF_ALU64 | 0xe0, 1))},
      {"signed division", with(5, insn(BPF_ALU64 | BPF_DIV | BPF_K, 1, 0, 1, 2))},
      {"a swap of 8 bits", with(5, insn(BPF_ALU | BPF_END | BPF_TO_BE, 1, 0, 0, 8))},
      {"half a constant", [](Raw* raw) { raw->code[4] = set(3, 0); }},
      {"a constant at the end",
       [](Raw* raw) { raw->code.back() = insn(BPF_LD | BPF_DW | BPF_IMM, 2); }},
      {"a map", with(3, insn(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, 1))},
      {"a register that nobody wrote", with(5, insn(BPF_ALU64 | BPF_MOV | BPF_X, 1, 4))},
      {"a register written on one way only", [](Raw* raw) { raw->code[3] = insn(BPF_JMP | BPF_JA, 0, 0, 1); raw->code[4] = set(2, 0); }},
      {"a jump backwards", with(7, insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, -1, 0))},
      {"a jump behind the end", with(7, insn(BPF_JMP | BPF_JA, 0, 0, 2))},
      {"a jump into a constant", with(0, insn(BPF_JMP | BPF_JA, 0, 0, 3))},
      {"a jump of 32 bits", with(7, insn(BPF_JMP32 | BPF_JEQ | BPF_K, 0, 0, 1, 0))},
      {"helper 0", with(6, insn(BPF_JMP | BPF_CALL))},
      {"helper 17", with(6, insn(BPF_JMP | BPF_CALL, 0, 0, 0, 17))},
      {"a call of a subprogram", with(6, insn(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1))},
  };
  for (const Case& each : cases) {
    Raw raw = sound();
    each.spoil(&raw);
    EXPECT_EQ(Decoded(raw.bytes()).filter(), nullptr) << each.what;
  }
}

/// The same with a context that the program brings, and its text: fields 3 and 4.
Raw with_app_context(std::string_view name) {
  Raw raw = sound();
  raw.literals.push_back(
      {static_cast<std::uint32_t>(raw.text.size()), static_cast<std::uint32_t>(name.size() + 1)});
  raw.text.append(name).push_back('\0');
  raw.fields.push_back({0, SILLAGE_FILTER_APP_VALUE, 2, 0});
  raw.fields.push_back({0, SILLAGE_FILTER_APP_TEXT, 3, 0});
  return raw;
}

TEST(FilterProgram, ContextsOfApplications_HaveTheirRules) {
  EXPECT_NE(Decoded(with_app_context("$app.a:b").bytes()).filter(), nullptr);
  struct Case {
    const char* what;
    std::function<void(Raw*)> spoil;
  };
  const std::vector<Case> cases = {
      {"a name that there is not", [](Raw* raw) { raw->fields[3].offset = 3; }},
      {"a name without its NUL", [](Raw* raw) { raw->literals[2].bytes--; }},
      {"no name at all", [](Raw* raw) { raw->literals[2].bytes = 0; }},
      {"a name with a NUL in it", [](Raw* raw) { raw->text[raw->text.size() - 3] = '\0'; }},
      {"a text of what is no value", [](Raw* raw) { raw->fields[4].offset = 0; }},
      {"a text in front of its value", [](Raw* raw) { std::swap(raw->fields[3], raw->fields[4]); }},
      {"a text of its own", [](Raw* raw) { raw->fields[4].offset = 4; }},
      {"a load of where a text is", [](Raw* raw) { raw->code[1] = load(7, 64); }},
  };
  for (const Case& each : cases) {
    Raw raw = with_app_context("$app.a:b");
    each.spoil(&raw);
    EXPECT_EQ(Decoded(raw.bytes()).filter(), nullptr) << each.what;
  }
}

TEST(FilterProgram, TextOfAnApplication_SaysNotWhereItIs) {
  const TestSite* site = find_site("hidden");
  for (const int offset : {0, 8}) {
    Raw raw = with_app_context("$app.t:text");
    raw.fields.erase(raw.fields.begin(), raw.fields.begin() + 3);
    raw.fields[1].offset = 0;
    raw.head.prefix_bytes = 0;
    raw.code = {load(7, offset), insn(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1), kExit};
    const Decoded decoded(raw.bytes());
    ASSERT_NE(decoded.filter(), nullptr);
    EXPECT_EQ(probe::filter_accepts(decoded.filter(), {&site->event, nullptr, 0, nullptr, kIp}),
              offset == 8);
  }
}

TEST(FilterProgram, CutAnywhere_IsRefused) {
  const std::vector<std::uint64_t> whole = sound().bytes();
  for (std::size_t bytes = 0; bytes < whole.size() * 8; ++bytes) {
    std::vector<std::uint64_t> memory(1000);
    EXPECT_EQ(probe::decode_filter(whole.data(), bytes, memory.data()), nullptr) << bytes;
  }
}

TEST(FilterProgram, HelpersOfWhatThereIsNot_Give0) {
  for (const auto& [helper, first, second, third] :
       std::vector<std::array<int, 4>>{{SILLAGE_FILTER_ORDER_LITERAL, 1, 2, 0},
                                       {SILLAGE_FILTER_ORDER_LITERAL, 0, 0, 0},  // a value
                                       {SILLAGE_FILTER_ORDER_LITERAL, 3, 0, 0},
                                       {SILLAGE_FILTER_ORDER_FIELDS, 1, -1, 0},
                                       {SILLAGE_FILTER_MATCH, 1, 1, 2},
                                       {SILLAGE_FILTER_MATCH, 1, 0, 1},
                                       {SILLAGE_FILTER_MATCH, 1, 0, -1},
                                       {SILLAGE_FILTER_CONTEXT, 99, 0, 0}}) {
    Raw raw = sound();
    raw.code = {set(0, 0),
                set(1, first),
                set(2, second),
                set(3, third),
                insn(BPF_JMP | BPF_CALL, 0, 0, 0, helper),
                kExit};
    const Decoded decoded(raw.bytes());
    ASSERT_NE(decoded.filter(), nullptr);
    const TestSite* site = find_site("hidden");  // parts that do not fit: no prefix
    const std::uint64_t payload = 0;
    const sillage_part parts[] = {{&payload, 8, SILLAGE_PART_BYTES},
                                  {"ab", 9, SILLAGE_PART_STRING}};
    const sillage_field fields[] = {
        {"v", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 8, 0, 10, 0},
        {"s", nullptr, nullptr, 0, 0, SILLAGE_KIND_STRING, 1, 0, 10, 0}};
    sillage_event event = site->event;
    event.fields = fields;
    event.field_count = 2;
    EXPECT_FALSE(probe::filter_accepts(decoded.filter(), {&event, parts, 2, nullptr, kIp}))
        << helper << " " << first;
  }
}

/// What a filter says of an event of a site, given as its parts.
bool accepts(const TestSite& site, const std::string& expression, const Parts& parts) {
  const auto tree = filter::parse(expression);
  EXPECT_TRUE(tree) << expression;
  const auto program = apps::make_filter_program({&*tree}, site.site, find_context);
  EXPECT_TRUE(program) << expression;
  const Decoded decoded(*program);
  EXPECT_NE(decoded.filter(), nullptr) << expression;
  return probe::filter_accepts(decoded.filter(),
                               {&site.event, parts.begin(), parts.count(), nullptr, kIp});
}

TEST(FilterProgram, Frozen_1_0_IsUnderstood) {
  // Made by hand from abi/filter.h: i32 > 4 && s == "a*c" of the tracepoint "mixed". It must mean that for ever.
  std::ifstream file(SILLAGE_FROZEN "/program-1.0", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ASSERT_EQ(bytes.size() % 8, 0u);
  ASSERT_FALSE(bytes.empty());
  std::vector<std::uint64_t> words(bytes.size() / 8);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  const Decoded decoded(words);
  ASSERT_NE(decoded.filter(), nullptr);
  const TestSite& site = *find_site("mixed");
  const auto judge = [&](const char* i32, const char* text) {
    Values values(site.site.fields.size());
    values[0] = values_of(i32)[0];
    values[1] = std::string(64, '\0');
    values[2] = std::string(2, '\0');
    values[3] = text;
    const Parts parts(site, values);
    return probe::filter_accepts(decoded.filter(),
                                 {&site.event, parts.begin(), parts.count(), nullptr, kIp});
  };
  EXPECT_TRUE(judge("05000000", "abc"));
  EXPECT_TRUE(judge("ffffff7f", "ac"));
  EXPECT_FALSE(judge("04000000", "abc"));
  EXPECT_FALSE(judge("ffffffff", "abc"));
  EXPECT_FALSE(judge("05000000", "abcd"));
  EXPECT_FALSE(judge("05000000", "c"));
}

TEST(FilterProgram, LongTexts_CountToTheBound) {
  const TestSite& site = *find_site("hidden");
  Values values = values_of("- - 01000000 0000000000000000 05 - 0000000000000000");
  for (const std::size_t size : {4094u, 4095u, 4096u, 5000u}) {
    values[5] = std::string(size - 1, 'a') + "b";
    const Parts parts(site, values);
    EXPECT_EQ(accepts(site, "s == \"*b\"", parts), size <= 4095) << size;
    EXPECT_TRUE(accepts(site, "s == \"aa*\"", parts));
    EXPECT_EQ(accepts(site, "s == \"" + std::string(4095, 'a') + "\"", parts), size > 4095) << size;
  }
}

TEST(FilterProgram, TextAtTheEndOfMemory_IsReadToItsEnd) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* memory = static_cast<char*>(
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory + page, page, PROT_NONE), 0);
  std::memcpy(memory + page - 4, "abc", 4);
  apps::Site described = find_site("kernel")->site;
  described.fields = {described.fields[8]};
  const sillage_field field = {"s", nullptr, nullptr, 0, 0, SILLAGE_KIND_STRING, 1, 0, 10, 0};
  sillage_event event = find_site("kernel")->event;
  event.fields = &field;
  event.field_count = 1;
  // With its NUL; cut by the site's bound; and none at all, which is recorded as "(null)".
  const sillage_part parts[] = {{memory + page - 4, UINT32_MAX, SILLAGE_PART_STRING},
                                {memory + page - 4, 2, SILLAGE_PART_TEXT},
                                {nullptr, UINT32_MAX, SILLAGE_PART_STRING}};
  const char* const texts[] = {"abc", "ab", "(null)"};
  for (int i = 0; i < 3; i++) {
    for (const std::string form :
         {"s == \"@\"", "s == \"@*\"", "s == \"*@\"", "s <= \"@\"", "!(s < \"@\")", "s == s"}) {
      std::string expression = form;
      if (const std::size_t at = expression.find('@'); at != std::string::npos)
        expression.replace(at, 1, texts[i]);
      const auto tree = filter::parse(expression);
      const auto program = apps::make_filter_program({&*tree}, described, find_context);
      ASSERT_TRUE(program) << expression;
      const Decoded decoded(*program);
      EXPECT_TRUE(probe::filter_accepts(decoded.filter(), {&event, &parts[i], 1, nullptr, kIp}))
          << expression;
    }
  }
  munmap(memory, 2 * page);
}

TEST(FilterProgram, SeveralExpressions_OneIsEnough) {
  const TestSite& site = *find_site("words");
  const auto small = filter::parse("i8 < 3"), large = filter::parse("i8 > 9"),
             gone = filter::parse("gone == 1");
  const auto program =
      apps::make_filter_program({&*small, &*gone, &*large}, site.site, find_context);
  ASSERT_TRUE(program);
  const Decoded decoded(*program);
  for (int i = -3; i < 14; i++) {
    char payload[24] = {static_cast<char>(i)};
    EXPECT_EQ(probe::filter_accepts_bytes(decoded.filter(), &site.event, payload, 24, nullptr, kIp),
              i < 3 || i > 9);
  }
  EXPECT_EQ(apps::make_filter_program({&*gone}, site.site, find_context).error().code,
            Code::kNotFound);
}

TEST(FilterProgram, TooManyFields_AreRefused) {
  std::string expression = "sq[0] == 0";
  for (int i = 1; i < 32; i++) expression += " || sq[" + std::to_string(i) + "] == 0";
  const apps::Site& site = find_site("mixed")->site;
  auto tree = filter::parse(expression);
  EXPECT_TRUE(apps::make_filter_program({&*tree}, site, find_context));
  tree = filter::parse(expression + " || sq[32] == 0");
  EXPECT_EQ(apps::make_filter_program({&*tree}, site, find_context).error().code, Code::kLimit);
}

TEST(FilterProgram, ContextsOfApplications_AreOfEveryType) {
  const TestSite& site = *find_site("words");
  const char payload[24] = {};
  const auto is_wanted = [&](const std::string& expression) {
    const auto tree = filter::parse(expression);
    EXPECT_TRUE(tree) << expression;
    const auto program = apps::make_filter_program({&*tree}, site.site, find_context);
    EXPECT_TRUE(program) << expression;
    const Decoded decoded(*program);
    return probe::filter_accepts_bytes(decoded.filter(), &site.event, payload, 24, nullptr, kIp);
  };
  EXPECT_TRUE(is_wanted("$app.t:s8 == -7"));
  EXPECT_TRUE(is_wanted("$app.t:float + 1 == 2.5"));
  EXPECT_TRUE(is_wanted("$app.t:text == \"ab*\""));
  EXPECT_TRUE(is_wanted("!($app.t:text == \"b*\")"));
  EXPECT_TRUE(is_wanted("$app.t:text == $app.t:text && $app.t:s8 < $app.t:double"));
  for (const char* missing : {"$app.t:text == 3", "!($app.t:text == 3)", "$app.t:s8 == \"-7\"",
                              "$app.t:none == 1", "!($app.t:none == 1)", "$app.t:double"})
    EXPECT_FALSE(is_wanted(missing)) << missing;
  EXPECT_TRUE(is_wanted("$app.t:none == 1 || i8 == 0"));
  const auto tree = filter::parse("$app.t:a + $app.t:b + $app.t:c == $app.t:d");
  EXPECT_EQ(apps::make_filter_program({&*tree}, site.site, find_context).error().code,
            Code::kLimit);
  const auto no_type_fits = filter::parse("-$app.t:a == \"text\"");
  EXPECT_FALSE(apps::bind_filter(*no_type_fits, site.site, find_context).can_match());
}

TEST(FilterProgram, LargestExpressions_AreMadeOrRefused) {
  const TestSite& site = *find_site("words");
  for (const int count : {100, 1000, 3000, 6000}) {
    std::string expression = "i8 == 1";
    for (int i = 1; i < count; i++) expression += "||i8==9";
    const auto tree = filter::parse(expression);
    ASSERT_TRUE(tree);
    const auto program = apps::make_filter_program({&*tree}, site.site, find_context);
    if (!program) {
      EXPECT_EQ(program.error().code, Code::kLimit);
      EXPECT_GT(count, 1000);
      continue;
    }
    EXPECT_NE(Decoded(*program).filter(), nullptr) << count;
  }
}

TEST(FilterProgram, ArithmeticOfTheProgram_IsLeftAlone) {
  const TestSite& site = *find_site("hidden");
  Values values = values_of("- - 01000000 0000000000000000 05 - 0000000000000840");  // d = 3.0
  const Parts parts(site, values);
  ASSERT_EQ(fesetround(FE_UPWARD), 0);
  feclearexcept(FE_ALL_EXCEPT);
#if defined(__x86_64__)
  feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
#endif
  const bool rounds_to_nearest = accepts(site, "1.0 / d == 0x1.5555555555555p-2", parts);
  const bool survives = accepts(site, "1e308 * d * 10 > 1e308 && !(d - d > 0)", parts);
  const int flags = fetestexcept(FE_ALL_EXCEPT), rounding = fegetround();
#if defined(__x86_64__)
  fedisableexcept(FE_ALL_EXCEPT);
#endif
  fesetround(FE_TONEAREST);
  EXPECT_TRUE(rounds_to_nearest);
  EXPECT_TRUE(survives);
  EXPECT_EQ(flags & (FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW), 0);
  EXPECT_EQ(rounding, FE_UPWARD);
}

}  // namespace
}  // namespace sillage::tests
