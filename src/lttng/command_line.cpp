// SPDX-License-Identifier: MIT
#include "lttng/command_line.hpp"

#include "session/nearest.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace sillage::lttng {
namespace {

tl::unexpected<Error> wrong(const std::string& message) {
  return fail(Code::kInvalidArgument, message);
}

tl::unexpected<Error> unknown(const std::string& word, const std::vector<OptionSpec>& options) {
  std::vector<std::string> names;
  names.reserve(options.size());
  for (const OptionSpec& option : options) names.push_back("--" + std::string(option.name));
  const auto near = session::nearest_names(word, names, 1);
  return wrong("there is no option " + word +
               (near.empty() ? "" : "; did you mean " + near[0] + "?"));
}

// The value in the word behind, which it takes.
Result<std::string> next_word(const std::string& word, const std::vector<std::string>& words,
                              std::size_t* next) {
  if (*next == words.size()) return wrong(word + " needs a value");
  return words[(*next)++];
}

// A number and what stands behind it.
Result<std::pair<std::uint64_t, std::string_view>> number_and_rest(std::string_view text) {
  std::string_view digits = text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  std::uint64_t value = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (end.ec != std::errc()) return wrong("not a number: " + std::string(text));
  return std::pair(value, digits.substr(static_cast<std::size_t>(end.ptr - digits.data())));
}

Result<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b, std::string_view text) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return wrong("too much: " + std::string(text));
  return product;
}

}  // namespace

Status CommandLine::add_long(const std::string& word, const std::vector<OptionSpec>& options,
                             const std::vector<std::string>& words, std::size_t* next) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
  const auto spec = std::find_if(options.begin(), options.end(),
                                 [&](const OptionSpec& option) { return option.name == name; });
  if (spec == options.end()) return unknown("--" + name, options);
  std::string value;
  if (equals != std::string::npos) {
    if (spec->value == OptionSpec::Value::kNone) return wrong("--" + name + " takes no value");
    value = word.substr(equals + 1);
  } else if (spec->value == OptionSpec::Value::kNeeded) {
    auto behind = next_word(word, words, next);
    if (!behind) return tl::unexpected<Error>(std::move(behind).error());
    value = *std::move(behind);
  }
  options_.emplace_back(name, std::move(value));
  return {};
}

Status CommandLine::add_letters(const std::string& word, const std::vector<OptionSpec>& options,
                                const std::vector<std::string>& words, std::size_t* next) {
  for (std::size_t at = 1; at < word.size(); ++at) {
    const auto spec = std::find_if(options.begin(), options.end(), [&](const OptionSpec& option) {
      return option.letter == word[at];
    });
    if (spec == options.end()) return unknown(std::string("-") + word[at], options);
    std::string value;
    if (spec->value == OptionSpec::Value::kNeeded) {
      if (at + 1 < word.size()) {
        value = word.substr(at + 1);
        at = word.size();
      } else {
        auto behind = next_word(word, words, next);
        if (!behind) return tl::unexpected<Error>(std::move(behind).error());
        value = *std::move(behind);
      }
    }
    options_.emplace_back(spec->name, std::move(value));
  }
  return {};
}

Result<CommandLine> CommandLine::parse(const std::vector<std::string>& words,
                                       const std::vector<OptionSpec>& options) {
  CommandLine line;
  for (std::size_t next = 0; next < words.size();) {
    const std::string& word = words[next++];
    if (word == "--") {
      line.words_.insert(line.words_.end(), words.begin() + static_cast<long>(next), words.end());
      break;
    }
    if (word.starts_with("--")) {
      SILLAGE_TRY(line.add_long(word, options, words, &next));
    } else if (word.size() > 1 && word[0] == '-') {
      SILLAGE_TRY(line.add_letters(word, options, words, &next));
    } else {
      line.words_.push_back(word);
    }
  }
  return line;
}

std::vector<std::string> CommandLine::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [option, value] : options_)
    if (option == name) found.push_back(value);
  return found;
}

std::optional<std::string> CommandLine::value(std::string_view name) const {
  auto all = values(name);
  return all.empty() ? std::nullopt : std::optional(std::move(all.back()));
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      // Only a comma's: patterns have backslashes of their own.
      if (text[at + 1] != ',') parts.back() += '\\';
      parts.back() += text[++at];
    } else if (text[at] == ',') {
      parts.emplace_back();
    } else {
      parts.back() += text[at];
    }
  }
  std::erase(parts, "");
  return parts;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto number = number_and_rest(text);
  if (!number) return tl::unexpected<Error>(number.error());
  const auto& [value, unit] = *number;
  if (unit.empty()) return value;
  if (unit == "k" || unit == "K") return multiply(value, 1 << 10, text);
  if (unit == "M") return multiply(value, 1 << 20, text);
  if (unit == "G") return multiply(value, 1 << 30, text);
  return wrong("not a size: " + std::string(text) + " (k, M and G may stand behind a number)");
}

Result<std::uint64_t> parse_microseconds(std::string_view text) {
  const auto number = number_and_rest(text);
  if (!number) return tl::unexpected<Error>(number.error());
  const auto& [value, unit] = *number;
  constexpr std::uint64_t kSecond = 1'000'000;
  const std::pair<std::string_view, std::uint64_t> units[] = {
      {"", 1}, {"us", 1}, {"ms", 1000}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}};
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    auto microseconds = multiply(value, factor, text);
    if (microseconds) SILLAGE_TRY(multiply(*microseconds, 1000, text));
    return microseconds;
  }
  return wrong("not a time: " + std::string(text) +
               " (us, ms, s, m and h may stand behind a number)");
}

Result<std::string> parse_directory(const std::string& text) {
  constexpr std::string_view kFile = "file://";
  if (text.starts_with('/')) return text;
  if (text.starts_with(kFile)) {
    if (text.substr(kFile.size()).starts_with('/')) return text.substr(kFile.size());
    return fail(
        Code::kInvalidArgument,
        "Missing destination full path: behind file:// comes an absolute one, not as in " + text);
  }
  if (text.find("://") != std::string::npos)
    return fail(Code::kUnsupported,
                "this release does not send traces over the network, a later one will: give a "
                "directory, not " +
                    text);
  std::string here(4096, '\0');
  if (getcwd(here.data(), here.size()) == nullptr) return fail_errno("cannot tell this directory");
  here.resize(here.find('\0'));
  return here + "/" + text;
}

}  // namespace sillage::lttng
