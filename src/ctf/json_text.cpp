// SPDX-License-Identifier: MIT
#include "ctf/json_text.hpp"

#include <nlohmann/json.hpp>

#include <iterator>
#include <optional>
#include <unordered_set>
#include <utility>

namespace sillage::ctf {

namespace {

/// Reads the text for the parser and tells how far it has come.
struct Position {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  const char** reached = nullptr;

  reference operator*() const { return *at; }
  Position& operator++() {
    *reached = ++at;
    return *this;
  }
  bool operator==(const Position& other) const { return at == other.at; }
  bool operator!=(const Position& other) const { return at != other.at; }
};

/// Builds the value from what the parser sees; every function says whether to go on.
class Builder {
 public:
  Builder(const char* text, std::size_t depth, MemoryBudget& budget)
      : text_(text), reached_(text), depth_(depth), budget_(budget) {}

  const char** reached() { return &reached_; }
  std::optional<Error>& error() { return error_; }
  JsonValue& root() { return root_; }

  bool null() { return add({.value = nullptr}); }
  bool boolean(bool value) { return add({.value = value}); }
  bool number_integer(std::int64_t value) {
    // "-0" is one of the others.
    if (value >= 0) return number_unsigned(static_cast<std::uint64_t>(value));
    return add({.value = value});
  }
  bool number_unsigned(std::uint64_t value) { return add({.value = value}); }
  bool number_float(double value, const std::string&) { return add({.value = value}); }
  bool string(std::string& value) { return take(value.size()) && add({.value = std::move(value)}); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open({.value = JsonValue::Object()}); }
  bool start_array(std::size_t) { return open({.value = JsonValue::Array()}); }
  bool end_array() { return close(); }
  bool end_object() {
    const auto& members = std::get<JsonValue::Object>(open_.back()->value);
    std::unordered_set<std::string_view> names;
    for (const JsonMember& member : members) {
      if (!names.insert(member.name).second) {
        set_error(Code::kCorrupt, "'" + member.name + "' is twice in this object");
        return false;
      }
    }
    return close();
  }
  bool key(std::string& name) {
    // Three times: the vector while it grows.
    if (!take(3 * sizeof(JsonMember) + name.size())) return false;
    std::get<JsonValue::Object>(open_.back()->value).push_back({std::move(name), {}});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& what) {
    // "[json.exception...] parse error at line 1, column 2: syntax error ...": the last part.
    std::string_view message = what.what();
    if (const auto behind = message.find(": "); behind != std::string_view::npos)
      message.remove_prefix(behind + 2);
    set_error(Code::kCorrupt, "this is no JSON: " + std::string(message));
    return false;
  }

 private:
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(reached_ - text_); }

  void set_error(Code code, std::string message) {
    if (!error_) error_ = Error{code, std::move(message), std::to_string(offset())};
  }
  bool take(std::size_t bytes) {
    if (budget_.take(bytes)) return true;
    set_error(Code::kLimit, "this metadata needs more than " +
                                std::to_string(budget_.limit() >> 20) +
                                " MiB of memory for its size");
    return false;
  }

  /// The place for the next value: behind the last key, at the end of the array, or the root.
  JsonValue* place() {
    if (open_.empty()) return &root_;
    if (auto* members = std::get_if<JsonValue::Object>(&open_.back()->value))
      return &members->back().value;
    if (!take(3 * sizeof(JsonValue))) return nullptr;
    return &std::get<JsonValue::Array>(open_.back()->value).emplace_back();
  }
  bool add(JsonValue value) {
    JsonValue* const to = place();
    if (to == nullptr) return false;
    *to = std::move(value);
    to->begin = to->end = offset();
    return true;
  }
  bool open(JsonValue value) {
    if (open_.size() == depth_) {
      set_error(Code::kLimit, "nested more than " + std::to_string(depth_) + " deep");
      return false;
    }
    JsonValue* const to = place();
    if (to == nullptr) return false;
    *to = std::move(value);
    to->begin = offset() - 1;  // the bracket itself has been read
    open_.push_back(to);       // it stays where it is until it is closed
    return true;
  }
  bool close() {
    open_.back()->end = offset();
    open_.pop_back();
    return true;
  }

  const char* text_;
  const char* reached_;
  std::size_t depth_;
  MemoryBudget& budget_;
  JsonValue root_;
  std::vector<JsonValue*> open_;
  std::optional<Error> error_;
};

}  // namespace

Result<JsonValue> parse_json(std::string_view text, std::size_t depth, MemoryBudget& budget) {
  Builder builder(text.data(), depth, budget);
  const Position begin{text.data(), builder.reached()};
  const Position end{text.data() + text.size(), builder.reached()};
  const bool is_whole = nlohmann::json::sax_parse(begin, end, &builder);
  if (!is_whole || builder.error())
    return tl::unexpected(builder.error().value_or(Error{Code::kCorrupt, "this is no JSON", "0"}));
  return std::move(builder.root());
}

}  // namespace sillage::ctf
