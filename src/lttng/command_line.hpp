// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::lttng {

/// One option of a verb.
struct OptionSpec {
  enum class Value : std::uint8_t {
    kNone,
    kNeeded,    ///< --name=VALUE, --name VALUE, -nVALUE, -n VALUE
    kOptional,  ///< --name=VALUE or --name alone
  };
  std::string_view name;  ///< behind "--"
  char letter = 0;        ///< behind "-"; 0: none
  Value value = Value::kNone;
};

/// A command line taken apart.
class CommandLine {
 public:
  /// Options stand anywhere up to "--", one-letter ones may stand together, the last of several counts where one
  /// value is wanted.
  ///
  /// Errors: kInvalidArgument  an option that the verb has not, with a suggestion; a value missing, or one too many.
  [[nodiscard]] static Result<CommandLine> parse(const std::vector<std::string>& words,
                                                 const std::vector<OptionSpec>& options);

  [[nodiscard]] bool has(std::string_view name) const { return !values(name).empty(); }
  /// Of the last such option; "" if it has none.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  /// Of all such options, in order.
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  /// All options in order: the name and its value.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& options() const {
    return options_;
  }
  /// What is no option.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

 private:
  [[nodiscard]] Status add_long(const std::string& word, const std::vector<OptionSpec>& options,
                                const std::vector<std::string>& words, std::size_t* next);
  [[nodiscard]] Status add_letters(const std::string& word, const std::vector<OptionSpec>& options,
                                   const std::vector<std::string>& words, std::size_t* next);

  std::vector<std::pair<std::string, std::string>> options_;
  std::vector<std::string> words_;
};

/// What stands between the commas; a backslash takes the meaning from a comma. No empty parts.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// A number of bytes: decimal, 0x or 0, with k, M or G behind it.
///
/// Errors: kInvalidArgument
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// A time in microseconds as LTTng writes it: a number with us, ms, s, m or h behind it, or none (us).
///
/// Errors: kInvalidArgument  also if it is more than 64 bits of nanoseconds hold.
[[nodiscard]] Result<std::uint64_t> parse_microseconds(std::string_view text);

/// The absolute path of a directory: absolute, relative to here, or file:///PATH.
///
/// Errors: kUnsupported  another URL; kSystem  nobody knows where "here" is.
[[nodiscard]] Result<std::string> parse_directory(const std::string& text);

}  // namespace sillage::lttng
