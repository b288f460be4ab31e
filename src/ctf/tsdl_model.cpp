// SPDX-License-Identifier: MIT
#include "ctf/tsdl_model.hpp"

#include "ctf/memory_budget.hpp"
#include "ctf/text.hpp"
#include "ctf/tsdl_lexer.hpp"
#include "ctf/tsdl_parser.hpp"
#include "ctf/tsdl_placer.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sillage::ctf {

namespace {

using Kind = TsdlAttribute::Kind;

bool is_text(const TsdlAttribute& attribute) {
  return attribute.kind == Kind::kText || attribute.kind == Kind::kPath;
}
bool is_integer(const TsdlAttribute& attribute) {
  return attribute.kind == Kind::kInteger || attribute.kind == Kind::kNegativeInteger;
}

/// Takes the attributes of one block by their names. Those that nobody asks for mean nothing.
class BlockReader {
 public:
  BlockReader(std::string_view text, const TsdlBlock& block) : text_(text), block_(block) {}

  /// The attribute of this name, or null; an error if it is there twice.
  const TsdlAttribute* find(std::string_view name) {
    const TsdlAttribute* found = nullptr;
    for (const TsdlAttribute& attribute : block_.attributes) {
      if (attribute.name != name) continue;
      if (found != nullptr)
        set_error(attribute.offset, "'" + attribute.name + "' is twice in this block");
      found = &attribute;
    }
    return found;
  }
  const TsdlAttribute* must_find(std::string_view name) {
    const TsdlAttribute* found = find(name);
    if (found == nullptr)
      set_error(block_.offset,
                "this '" + block_.keyword + "' block needs a '" + std::string(name) + "'");
    return found;
  }

  std::optional<std::uint64_t> number(std::string_view name) {
    const TsdlAttribute* found = find(name);
    if (found == nullptr) return std::nullopt;
    if (found->kind != Kind::kInteger)
      set_error(found->value_offset, "'" + found->name + "' is a number that is not negative");
    return found->number;
  }
  /// A number that ids can be: below 2^63.
  std::optional<std::uint64_t> id(std::string_view name) {
    const auto value = number(name);
    if (value && *value > static_cast<std::uint64_t>(INT64_MAX))
      set_error(find(name)->value_offset, "'" + std::string(name) + "' is below 2^63");
    return value;
  }
  std::optional<std::string> text(std::string_view name) {
    const TsdlAttribute* found = find(name);
    if (found == nullptr) return std::nullopt;
    if (!is_text(*found)) set_error(found->value_offset, "'" + found->name + "' is a string");
    return found->text;
  }
  std::optional<Uuid> uuid(std::string_view name) {
    const auto value = text(name);
    if (!value || !ok()) return std::nullopt;
    const auto uuid = parse_uuid(*value);
    if (!uuid)
      set_error(find(name)->value_offset,
                "'" + std::string(name) + "' is a UUID: 8-4-4-4-12 hexadecimal digits");
    return uuid;
  }
  TsdlTypeRef structure(std::string_view name) {
    const TsdlAttribute* found = find(name);
    if (found == nullptr) return nullptr;
    if (found->kind != Kind::kType || found->type->as<TsdlStructure>() == nullptr)
      set_error(found->value_offset,
                "'" + found->name + "' is a structure: " + found->name + " := struct { ... };");
    return found->type;
  }

  void set_error(std::size_t offset, std::string message) {
    if (!error_) error_ = Error{Code::kCorrupt, std::move(message), tsdl_place(text_, offset)};
  }
  [[nodiscard]] bool ok() const { return !error_; }
  /// The first error, if there was one.
  [[nodiscard]] Status status() const {
    if (error_) return tl::unexpected(*error_);
    return {};
  }

 private:
  std::string_view text_;
  const TsdlBlock& block_;
  std::optional<Error> error_;
};

/// One reading of one text.
class TsdlReader {
 public:
  TsdlReader(std::string_view text, const MetadataLimits& limits)
      : text_(text),
        budget_(limits, text.size()),
        parser_(text, environment_, scopes_, limits, budget_),
        placer_(text, budget_) {}

  Result<TraceModel> read() {
    SILLAGE_TRY(read_declarations());
    SILLAGE_TRY(finish());
    return std::move(model_);
  }

 private:
  using Declaration = TsdlDeclaration::Kind;
  struct StreamState {
    TsdlRoots roots{};
    std::unordered_set<std::uint64_t> event_ids{};
    bool has_event_id_field = false;
  };

  Status read_declarations() {
    auto found = find_tsdl_declarations(text_, budget_);
    if (!found) return tl::unexpected(std::move(found).error());
    const std::vector<TsdlDeclaration>& all = *found;
    if (!all.empty() && !all.back().is_whole) {
      auto block = all.back().kind == Declaration::kType
                       ? parser_.parse_type_declaration(all.back().offset)
                       : parser_.parse_block(all.back().offset).map([](const TsdlBlock&) {});
      if (!block) return block;
    }
    const auto is_trace = [](const TsdlDeclaration& one) {
      return one.kind == Declaration::kTrace;
    };
    const auto trace = std::find_if(all.begin(), all.end(), is_trace);
    if (trace == all.end())
      return fail(Code::kCorrupt, "this metadata has no 'trace' block: it is cut short, or no CTF",
                  tsdl_place(text_, text_.size()));
    const auto again = std::find_if(trace + 1, all.end(), is_trace);
    if (again != all.end())
      return fail(Code::kCorrupt, "a second 'trace' block", tsdl_place(text_, again->offset));
    SILLAGE_TRY(find_byte_order(trace->offset));
    const auto count = std::count_if(all.begin(), all.end(), [](const TsdlDeclaration& one) {
      return one.kind == Declaration::kEvent;
    });
    if (!budget_.take(static_cast<std::size_t>(count) * (sizeof(EventClass) + kIdBytes)))
      return too_large(text_.size());
    model_.events.reserve(static_cast<std::size_t>(count));
    for (const Declaration kind :
         {Declaration::kEnvironment, Declaration::kClock, Declaration::kType, Declaration::kTrace,
          Declaration::kCallsite, Declaration::kStream, Declaration::kEvent}) {
      for (const TsdlDeclaration& declaration : all) {
        if (declaration.kind == kind) SILLAGE_TRY(read_declaration(declaration));
      }
    }
    return {};
  }

  Status read_declaration(const TsdlDeclaration& declaration) {
    if (declaration.kind == Declaration::kType)
      return parser_.parse_type_declaration(declaration.offset);
    const std::size_t used = budget_.used(), kept = parser_.kept_bytes();
    const std::size_t placed = placer_.taken_bytes();
    SILLAGE_TRY(read_block(declaration));
    // Streams' types stay: types of events refer into them.
    if (declaration.kind != Declaration::kEvent) return {};
    budget_.release_to(used);
    const std::size_t names =
        model_.events.back().name.size() + model_.events.back().emf_uri.size();
    if (!budget_.take(parser_.kept_bytes() - kept + placer_.taken_bytes() - placed + names))
      return too_large(declaration.offset);
    return {};
  }

  Status read_block(const TsdlDeclaration& declaration) {
    auto block = parser_.parse_block(declaration.offset);
    if (!block) return tl::unexpected(std::move(block).error());
    switch (declaration.kind) {
      case Declaration::kEnvironment: return read_environment(*block);
      case Declaration::kClock: return read_clock(*block);
      case Declaration::kTrace: return read_trace(*block);
      case Declaration::kStream: return read_stream(*block);
      case Declaration::kEvent: return read_event(*block);
      default: return {};  // call sites say nothing of the streams
    }
  }

  [[nodiscard]] tl::unexpected<Error> too_large(std::size_t offset) const {
    return fail(Code::kLimit,
                "this metadata needs more than " + std::to_string(budget_.limit() >> 20) +
                    " MiB of memory for its size",
                tsdl_place(text_, offset));
  }

  /// The trace's byte order, which types before its block may need.
  ///
  /// The block may need types before it: so here only what stands on its own is parsed, that is
  /// the attribute.
  Status find_byte_order(std::size_t offset) {
    TsdlLexer lexer(text_, offset);
    std::size_t depth = 0;
    std::size_t word_offset = offset;
    bool is_name = false, is_value = false;
    while (true) {
      auto token = lexer.next();
      if (!token) return tl::unexpected(std::move(token).error());
      if (token->kind == TsdlTokenKind::kEnd || (depth == 0 && token->is(";"))) break;
      if (token->is("{")) ++depth;
      if (token->is("}")) --depth;
      if (is_value) {
        if (token->text == "le") return set_byte_order(ByteOrder::kLittle);
        if (token->text == "be" || token->text == "network") return set_byte_order(ByteOrder::kBig);
        return fail(Code::kCorrupt, "'byte_order' of the trace is le, be or network",
                    tsdl_place(text_, token->offset));
      }
      is_value = is_name && token->is("=");
      is_name = depth == 1 && token->is_word("byte_order");
      word_offset = token->offset;
    }
    return fail(Code::kCorrupt, "the 'trace' block needs a 'byte_order'",
                tsdl_place(text_, std::min(word_offset, offset)));
  }
  Status set_byte_order(ByteOrder order) {
    model_.trace.byte_order = environment_.byte_order = order;
    return {};
  }

  Status read_environment(const TsdlBlock& block) {
    for (const TsdlAttribute& entry : block.attributes) {
      if (!is_integer(entry) && !is_text(entry)) continue;
      EnvironmentValue value = is_text(entry)
                                   ? EnvironmentValue(entry.text)
                                   : EnvironmentValue(static_cast<std::int64_t>(entry.number));
      if (entry.name == "tracer_name" && entry.text.rfind("lttng", 0) == 0) is_lttng_ = true;
      // As in babeltrace2 a later value replaces an earlier one, at its place.
      const auto [found, is_new] = environment_.values.insert_or_assign(entry.name, value);
      if (is_new) {
        entry_index_.emplace(entry.name, model_.trace.environment.size());
        model_.trace.environment.push_back({entry.name, std::move(value)});
      } else {
        model_.trace.environment[entry_index_[entry.name]].value = std::move(value);
      }
    }
    return {};
  }

  Status read_clock(const TsdlBlock& block) {
    BlockReader in(text_, block);
    ClockClass clock;
    in.must_find("name");
    clock.id = clock.name = in.text("name").value_or("");
    if (const auto uuid = in.uuid("uuid")) clock.uid = uuid_text(*uuid);
    clock.description = in.text("description").value_or("");
    clock.frequency_hz = in.number("freq").value_or(1'000'000'000);
    if (const auto* frequency = in.find("freq"); clock.frequency_hz == 0 && frequency != nullptr)
      in.set_error(frequency->value_offset, "a clock's frequency is above 0");
    clock.precision_cycles = in.number("precision");
    if (const auto* seconds = in.find("offset_s")) {
      if (!is_integer(*seconds)) in.set_error(seconds->value_offset, "'offset_s' is a number");
      clock.offset_seconds = static_cast<std::int64_t>(seconds->number);
    }
    const std::uint64_t cycles = in.number("offset").value_or(0);
    clock.origin_is_unix_epoch = false;
    if (const auto* absolute = in.find("absolute")) {
      const bool is_true = is_integer(*absolute)
                               ? absolute->number != 0
                               : absolute->text == "true" || absolute->text == "TRUE";
      const bool is_false =
          !is_integer(*absolute) && (absolute->text == "false" || absolute->text == "FALSE");
      if (!is_true && !is_false && !is_integer(*absolute))
        in.set_error(absolute->value_offset, "'absolute' is true or false");
      clock.origin_is_unix_epoch = is_true;
    }
    SILLAGE_TRY(in.status());
    const std::uint64_t more_seconds = cycles / clock.frequency_hz;
    clock.offset_cycles = cycles % clock.frequency_hz;
    if (__builtin_add_overflow(clock.offset_seconds, more_seconds, &clock.offset_seconds))
      return fail(Code::kCorrupt, "this clock's offset does not fit in 64 bits of seconds",
                  tsdl_place(text_, block.offset));
    // LTTng before 2.0 did not say it, though it was so.
    if (is_lttng_ && clock.name == "monotonic") clock.origin_is_unix_epoch = true;
    if (!environment_.clocks.emplace(clock.id, model_.trace.clocks.size()).second)
      return fail(Code::kCorrupt, "a second clock '" + clock.id + "'",
                  tsdl_place(text_, block.offset));
    model_.trace.clocks.push_back(std::move(clock));
    return {};
  }

  Status read_trace(const TsdlBlock& block) {
    BlockReader in(text_, block);
    for (const auto& [name, expected] : {std::pair{"major", 1u}, std::pair{"minor", 8u}}) {
      const TsdlAttribute* found = in.must_find(name);
      if (found != nullptr && (found->kind != Kind::kInteger || found->number != expected))
        return fail(Code::kUnsupported, "this is not CTF 1.8: only its metadata can be read",
                    tsdl_place(text_, found->value_offset));
    }
    model_.trace.uuid = in.uuid("uuid");
    in.must_find("byte_order");
    trace_roots_[0] = in.structure("packet.header");
    SILLAGE_TRY(in.status());
    auto header = placer_.place(Scope::kPacketHeader, trace_roots_);
    if (!header) return tl::unexpected(std::move(header).error());
    model_.trace.packet_header = std::move(*header);
    static_cast<void>(placer_.take_clocks());
    return {};
  }

  [[nodiscard]] bool has_member(const FieldClassRef& structure, Role role) const {
    if (!structure) return false;
    const auto& members = structure->as<Structure>()->members;
    return std::any_of(members.begin(), members.end(), [&](const Member& member) {
      const auto* integer = member.field_class->as<Integer>();
      return integer != nullptr && integer->roles.has(role);
    });
  }

  Status read_stream(const TsdlBlock& block) {
    BlockReader in(text_, block);
    const std::optional<std::uint64_t> id = in.id("id");
    StreamState state{.roots = trace_roots_};
    state.roots[1] = in.structure("packet.context");
    state.roots[2] = in.structure("event.header");
    state.roots[3] = in.structure("event.context");
    if (id && !has_member(model_.trace.packet_header, Role::kDataStreamClassId))
      in.set_error(in.find("id")->offset,
                   "this stream has an id, but no 'stream_id' in the packet header says it");
    if (!id && !model_.streams.empty())
      in.set_error(block.offset, "one of several streams needs an id");
    SILLAGE_TRY(in.status());
    DataStreamClass stream{.id = id.value_or(0)};
    if (!stream_index_.emplace(stream.id, model_.streams.size()).second)
      return fail(Code::kCorrupt, "a second stream with id " + std::to_string(stream.id),
                  tsdl_place(text_, block.offset));
    model_.streams.push_back(std::move(stream));
    states_.push_back(std::move(state));
    const std::size_t index = model_.streams.size() - 1;
    SILLAGE_TRY(
        place(Scope::kPacketContext, states_[index].roots, model_.streams[index].packet_context));
    SILLAGE_TRY(
        place(Scope::kEventRecordHeader, states_[index].roots, model_.streams[index].event_header));
    SILLAGE_TRY(
        place(Scope::kCommonContext, states_[index].roots, model_.streams[index].common_context));
    states_[index].has_event_id_field =
        has_member(model_.streams[index].event_header, Role::kEventRecordClassId);
    return choose_clock(index, block.offset);
  }

  Status place(Scope scope, const TsdlRoots& roots, FieldClassRef& to) {
    auto placed = placer_.place(scope, roots);
    if (!placed) return tl::unexpected(std::move(placed).error());
    to = std::move(*placed);
    return {};
  }

  /// Makes the clock that the fields placed last are mapped to the stream's own.
  Status choose_clock(std::size_t stream_index, std::size_t offset) {
    TsdlPlacer::Clocks clocks = placer_.take_clocks();
    std::vector<ClockClass>& all = model_.trace.clocks;
    if (clocks.has_unmapped_timestamp) {
      if (all.size() > 1)
        return fail(Code::kCorrupt,
                    "a timestamp here has no 'map', and there are several clocks it could be of",
                    tsdl_place(text_, offset));
      if (all.empty())
        all.push_back({.id = "default", .name = "default", .origin_is_unix_epoch = false});
      clocks.mapped.push_back(0);
    }
    DataStreamClass& stream = model_.streams[stream_index];
    for (const std::size_t clock : clocks.mapped) {
      if (stream.default_clock_id && *stream.default_clock_id != all[clock].id)
        return fail(Code::kCorrupt,
                    "fields of one stream are mapped to several clocks, '" +
                        *stream.default_clock_id + "' and '" + all[clock].id + "'",
                    tsdl_place(text_, offset));
      stream.default_clock_id = all[clock].id;
    }
    return {};
  }

  Status read_event(const TsdlBlock& block) {
    BlockReader in(text_, block);
    EventClass event;
    in.must_find("name");
    event.name = in.text("name").value_or("");
    const auto id = in.id("id");
    const auto stream_id = in.id("stream_id");
    if (const auto level = in.number("loglevel"); level && *level <= kHighestLogLevel)
      event.log_level = static_cast<std::uint8_t>(*level);
    event.emf_uri = in.text("model.emf.uri").value_or("");
    TsdlTypeRef context = in.structure("context"), fields = in.structure("fields");
    SILLAGE_TRY(in.status());

    if (!stream_id && model_.streams.empty()) {
      stream_index_.emplace(0, 0);
      model_.streams.emplace_back();
      states_.push_back({.roots = trace_roots_});
    }
    if (!stream_id && model_.streams.size() > 1)
      return fail(Code::kCorrupt, "event '" + event.name + "' does not say of which stream it is",
                  tsdl_place(text_, block.offset));
    event.stream_class_id = stream_id ? *stream_id : model_.streams.front().id;
    const auto found = stream_index_.find(event.stream_class_id);
    if (found == stream_index_.end())
      return fail(Code::kCorrupt,
                  "event '" + event.name + "' is of stream " +
                      std::to_string(event.stream_class_id) + ", which is not declared",
                  tsdl_place(text_, block.offset));
    StreamState& state = states_[found->second];
    event.id = id.value_or(0);
    if (!id && !state.event_ids.empty())
      return fail(Code::kCorrupt, "event '" + event.name + "' is one of several and has no id",
                  tsdl_place(text_, block.offset));
    if (!state.event_ids.insert(event.id).second)
      return fail(Code::kCorrupt,
                  "a second event with id " + std::to_string(event.id) + " in stream " +
                      std::to_string(event.stream_class_id),
                  tsdl_place(text_, block.offset));
    state.roots[4] = std::move(context);
    state.roots[5] = std::move(fields);
    SILLAGE_TRY(place(Scope::kSpecificContext, state.roots, event.specific_context));
    SILLAGE_TRY(place(Scope::kPayload, state.roots, event.payload));
    SILLAGE_TRY(choose_clock(found->second, block.offset));
    state.roots[4] = state.roots[5] = nullptr;
    model_.events.push_back(std::move(event));
    return {};
  }

  /// What can be said only when all is known.
  Status finish() {
    const std::string end = tsdl_place(text_, text_.size());
    if (model_.streams.size() > 1 &&
        !has_member(model_.trace.packet_header, Role::kDataStreamClassId))
      return fail(Code::kCorrupt,
                  "there are several streams, but no 'stream_id' in the packet header", end);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].event_ids.size() > 1 && !states_[i].has_event_id_field)
        return fail(Code::kCorrupt,
                    "stream " + std::to_string(model_.streams[i].id) +
                        " has several events, but no 'id' in its event header",
                    end);
    }
    return {};
  }

  static constexpr std::uint64_t kHighestLogLevel = 14;
  static constexpr std::size_t kIdBytes = 64;  // of a node in a set of ids

  std::string_view text_;
  MemoryBudget budget_;
  TsdlEnvironment environment_;
  TsdlScopes scopes_;
  TsdlParser parser_;
  TsdlPlacer placer_;
  TraceModel model_;
  TsdlRoots trace_roots_{};
  std::vector<StreamState> states_;  // by index in model_.streams
  std::unordered_map<std::uint64_t, std::size_t> stream_index_;
  std::unordered_map<std::string, std::size_t> entry_index_;
  bool is_lttng_ = false;
};

}  // namespace

Result<TraceModel> read_tsdl(std::string_view text, const MetadataLimits& limits) {
  return TsdlReader(text, limits).read();
}

}  // namespace sillage::ctf
