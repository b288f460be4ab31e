// SPDX-License-Identifier: MIT
#include "convert/ctf18_scope.hpp"
#include "convert/translation.hpp"
#include "ctf/json_names.hpp"
#include "ctf/reserved_names.hpp"
#include "ctf/text.hpp"
#include "ctf/tsdl_identifiers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>
#include <variant>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

using Source = EncodeField::Source;

constexpr std::uint32_t kByte = 8;

bool is_usual(const BitLayout& layout) {
  if (!layout.bit_order) return true;
  return (*layout.bit_order == BitOrder::kFirstToLast) == (layout.byte_order == ByteOrder::kLittle);
}

Roles own_roles(const FieldClass& field_class) {
  if (const auto* integer = field_class.as<Integer>()) return integer->roles;
  if (const auto* integer = field_class.as<VariableInteger>()) return integer->roles;
  if (const auto* blob = field_class.as<StaticBlob>()) return blob->roles;
  return {};
}

bool is_head(Scope scope) {
  return scope == Scope::kPacketHeader || scope == Scope::kPacketContext ||
         scope == Scope::kEventRecordHeader;
}

/// Collects notices, each once.
class Notices {
 public:
  void add(std::string text) {
    if (seen_.insert(text).second) list_.push_back(std::move(text));
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(list_); }

 private:
  std::unordered_set<std::string> seen_;
  std::vector<std::string> list_;
};

/// Translates field classes, root structure by root structure, in the order of decoding.
class ClassTranslator {
 public:
  ClassTranslator(ByteOrder byte_order, Notices* notices)
      : byte_order_(byte_order), notices_(notices) {}

  /// A root structure in CTF 1.8. `where` begins its notices.
  EncodeScope translate(Scope scope, const FieldClassRef& root, std::string where) {
    scopes_.start(scope);
    scope_ = scope;
    where_ = std::move(where);
    path_.clear();
    if (!root) return {};
    return structure(*root->as<Structure>());
  }

  /// Makes the packets of this context say how long they are: their length changes.
  void add_lengths(EncodeScope* packet_context) const {
    Structure structure;
    if (packet_context->field_class) structure = *packet_context->field_class->as<Structure>();
    const Roles there = roles_in(packet_context->field_class);
    if (there.has(Role::kPacketContentLength)) return;
    for (const Role role : {Role::kPacketContentLength, Role::kPacketTotalLength}) {
      if (there.has(role)) continue;
      EncodeField field = made_role(role);
      structure.members.push_back(
          {std::string(reserved_name(Scope::kPacketContext, role)), field.field_class});
      packet_context->children.push_back(std::move(field));
    }
    packet_context->field_class = make_field_class(std::move(structure));
    packet_context->alignment_bits = alignment_of(*packet_context->field_class);
  }

  /// Whether all root structures since the last call keep their bytes.
  [[nodiscard]] bool take_keeps_bytes() { return std::exchange(keeps_bytes_, true); }

  /// Why a trace cannot be translated, if it cannot.
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  /// A structure while it is made.
  struct Builder {
    Structure structure{};
    std::vector<EncodeField> children{};
    TsdlIdentifiers identifiers{};
    std::string name{};  ///< of the member that is being translated
  };

  void notice(const std::string& what) {
    notices_->add(where_ + (path_.empty() ? "" : " \"" + path_ + "\"") + ": " + what);
  }

  BitLayout layout_of(const BitLayout& layout) {
    BitLayout usual = layout;
    usual.bit_order.reset();
    if (!is_usual(layout)) keeps_bytes_ = false;
    return usual;
  }

  static EncodeField leaf(FieldClassRef field_class) {
    EncodeField field{.field_class = std::move(field_class)};
    field.alignment_bits = alignment_of(*field.field_class);
    return field;
  }

  // One more name on the way to what is translated inside.
  template <class Translate>
  EncodeField inside(const std::string& name, Translate&& translate) {
    const std::size_t size = path_.size();
    if (!path_.empty() && name != "[]") path_ += '.';
    path_ += name;
    EncodeField field = translate();
    path_.resize(size);
    return field;
  }

  // `builder`: the structure that the field is a member of; null: there is none.
  EncodeField translate(const FieldClassRef& field_class, Builder* builder) {
    if (!field_class->attributes.empty()) notice("attributes are lost");
    return std::visit([&](const auto& kind) { return field(kind, field_class, builder); },
                      field_class->kind);
  }

  EncodeField field(const BitArray& bits, const FieldClassRef&, Builder*) {
    notice("a bit array becomes an unsigned integer");
    return leaf(
        make_field_class(Integer{.layout = layout_of(bits.layout), .base = Base::kHexadecimal}));
  }
  EncodeField field(const BitMap& bits, const FieldClassRef&, Builder*) {
    notice("a bit map becomes an unsigned integer: the names of its flags are lost");
    return leaf(
        make_field_class(Integer{.layout = layout_of(bits.layout), .base = Base::kHexadecimal}));
  }
  EncodeField field(const Boolean& boolean, const FieldClassRef&, Builder*) {
    notice("a boolean becomes an unsigned integer");
    return leaf(make_field_class(Integer{.layout = layout_of(boolean.layout)}));
  }
  EncodeField field(const Integer& integer, const FieldClassRef&, Builder*) {
    Integer to = integer;
    to.layout = layout_of(integer.layout);
    drop_empty(&to.mappings);
    return leaf(make_field_class(std::move(to)));
  }
  EncodeField field(const VariableInteger& integer, const FieldClassRef&, Builder*) {
    keeps_bytes_ = false;
    notice("a variable-length integer becomes one of 64 bits");
    Integer to{.layout = {.length_bits = 64, .alignment_bits = kByte, .byte_order = byte_order_},
               .is_signed = integer.is_signed,
               .base = integer.base,
               .mappings = integer.mappings,
               .roles = integer.roles};
    drop_empty(&to.mappings);
    return leaf(make_field_class(std::move(to)));
  }
  EncodeField field(const Float& number, const FieldClassRef&, Builder*) {
    return leaf(make_field_class(Float{.layout = layout_of(number.layout)}));
  }
  EncodeField field(const NullTerminatedString& text, const FieldClassRef& same, Builder*) {
    return text.encoding == Encoding::kUtf8 ? leaf(same) : terminated("is not UTF-8");
  }
  EncodeField field(const StaticString& text, const FieldClassRef& same, Builder*) {
    return text.encoding == Encoding::kUtf8 ? leaf(same) : terminated("is not UTF-8");
  }
  EncodeField field(const DynamicString& text, const FieldClassRef&, Builder*) {
    if (text.encoding != Encoding::kUtf8) return terminated("is not UTF-8");
    const auto length = scopes_.find(text.length_bytes);
    if (!length) return terminated("has a length that CTF 1.8 cannot refer to");
    return leaf(make_field_class(DynamicString{.length_bytes = length->location}));
  }
  EncodeField terminated(const char* why) {
    keeps_bytes_ = false;
    notice(std::string("text that ") + why + " becomes a string of UTF-8");
    return leaf(make_field_class(NullTerminatedString{}));
  }

  EncodeField field(const StaticBlob& blob, const FieldClassRef& same, Builder* builder) {
    const bool is_uuid = scope_ == Scope::kPacketHeader && builder != nullptr &&
                         blob.roles.has(Role::kMetadataStreamUuid);
    if (is_uuid) return leaf(same);
    blob_notice(blob.media_type);
    return leaf(
        make_field_class(StaticArray{.length = blob.length_bytes, .element = byte_class()}));
  }
  EncodeField field(const DynamicBlob& blob, const FieldClassRef& same, Builder* builder) {
    const auto length = scopes_.find(blob.length_bytes);
    if (!length && builder == nullptr) return wrapped(same, "a length");
    blob_notice(blob.media_type);
    return leaf(make_field_class(DynamicArray{
        .length = length ? length->location : made_length(builder), .element = byte_class()}));
  }
  void blob_notice(const std::string& media_type) {
    notice("a BLOB becomes an array of bytes" +
           (media_type == kDefaultMediaType || media_type.empty()
                ? ""
                : ": its media type " + media_type + " is lost"));
  }
  static FieldClassRef byte_class() {
    return make_field_class(Integer{.layout = {.length_bits = kByte}, .base = Base::kHexadecimal});
  }

  EncodeField field(const StaticArray& array, const FieldClassRef&, Builder*) {
    EncodeField element = element_of(array.element, array.minimum_alignment_bits);
    EncodeField to =
        leaf(make_field_class(StaticArray{.length = array.length, .element = element.field_class}));
    to.children.push_back(std::move(element));
    return to;
  }
  EncodeField field(const DynamicArray& array, const FieldClassRef& same, Builder* builder) {
    const auto length = scopes_.find(array.length);
    if (!length && builder == nullptr) return wrapped(same, "a length");
    const FieldLocation location = length ? length->location : made_length(builder);
    EncodeField element = element_of(array.element, array.minimum_alignment_bits);
    EncodeField to =
        leaf(make_field_class(DynamicArray{.length = location, .element = element.field_class}));
    to.children.push_back(std::move(element));
    return to;
  }
  EncodeField element_of(const FieldClassRef& element, std::uint32_t minimum_alignment) {
    EncodeField to = inside("[]", [&] { return translate(element, nullptr); });
    // Only padding changes: nothing to tell people.
    if (minimum_alignment > to.alignment_bits) keeps_bytes_ = false;
    return to;
  }

  EncodeField field(const Structure& kind, const FieldClassRef&, Builder*) {
    return structure(kind);
  }

  EncodeField field(const Optional& optional, const FieldClassRef& same, Builder* builder) {
    if (builder == nullptr) return wrapped(same, "a tag");
    keeps_bytes_ = false;
    notice("an option becomes a variant of nothing or the field, with a tag in front");
    Integer tag{.layout = {.length_bits = kByte, .byte_order = byte_order_}};
    tag.mappings = {{.name = "none", .ranges = {{0, 0}}}, {.name = "some", .ranges = {{1, 1}}}};
    const FieldLocation location = made(builder, "tag", std::move(tag), Source::kTag);
    EncodeField nothing = leaf(make_field_class(Structure{}));
    EncodeField some = translate(optional.field_class, nullptr);
    Variant variant{.selector = location};
    variant.options = {{.name = "none", .ranges = {{0, 0}}, .field_class = nothing.field_class},
                       {.name = "some", .ranges = {{1, 1}}, .field_class = some.field_class}};
    EncodeField to = leaf(make_field_class(std::move(variant)));
    to.children.push_back(std::move(nothing));
    to.children.push_back(std::move(some));
    return to;
  }

  EncodeField field(const Variant& variant, const FieldClassRef& same, Builder* builder) {
    auto selector = scopes_.find(variant.selector);
    std::optional<std::vector<std::string>> labels;
    if (selector) labels = labels_of(variant, *selector->field_class);
    if (!labels && builder == nullptr) return wrapped(same, "a tag");
    Variant to;
    if (labels) {
      to.selector = std::move(selector->location);
      to.selector_is_signed = variant.selector_is_signed;
    } else {
      labels = labels_for(variant);
      notice("CTF 1.8 has no such selector: a tag stands in front of the variant");
      to.selector = made(builder, "tag", tag_of(*labels), Source::kTag);
    }
    EncodeField form;
    for (std::size_t i = 0; i < variant.options.size(); ++i) {
      const VariantOption& option = variant.options[i];
      EncodeField content =
          inside(option.name, [&] { return translate(option.field_class, nullptr); });
      to.options.push_back(
          {.name = (*labels)[i], .ranges = option.ranges, .field_class = content.field_class});
      form.children.push_back(std::move(content));
    }
    form.field_class = make_field_class(std::move(to));
    return form;
  }

  // The label of each option, if the selector has one that holds the same numbers and can be the
  // option's name.
  static std::optional<std::vector<std::string>> labels_of(const Variant& variant,
                                                           const FieldClass& selector) {
    const auto* tag = selector.as<Integer>();
    if (tag == nullptr) return std::nullopt;
    std::vector<std::string> labels;
    for (const VariantOption& option : variant.options) {
      const auto fits = [&](const Mapping& mapping) {
        const std::string_view name = mapping.name;
        const std::string_view shown = name.size() > 1 && name[0] == '_' ? name.substr(1) : name;
        const std::string_view letters =
            name.substr(std::min(name.find_first_not_of('_'), name.size()));
        return mapping.ranges == option.ranges && is_tsdl_identifier(letters) &&
               (shown == option.name || name == option.name);
      };
      const auto found = std::find_if(tag->mappings.begin(), tag->mappings.end(), fits);
      if (found == tag->mappings.end()) return std::nullopt;
      labels.push_back(found->name);
    }
    std::vector<std::string> sorted = labels;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return std::nullopt;
    return labels;
  }
  static std::vector<std::string> labels_for(const Variant& variant) {
    std::vector<std::string> labels;
    TsdlIdentifiers identifiers;
    for (const VariantOption& option : variant.options) {
      const bool is_plain = is_tsdl_identifier(option.name) && identifiers.take(option.name);
      labels.push_back(is_plain ? option.name : identifiers.add(option.name));
    }
    return labels;
  }
  Integer tag_of(const std::vector<std::string>& labels) const {
    const bool is_small = labels.size() <= 256;
    Integer tag{.layout = {.length_bits = is_small ? kByte : 32, .byte_order = byte_order_}};
    for (std::uint64_t i = 0; i < labels.size(); ++i) {
      tag.mappings.push_back({.name = labels[i], .ranges = {{i, i}}});
    }
    return tag;
  }

  // A field that needs another in front of it where there is no room: both in a structure.
  EncodeField wrapped(const FieldClassRef& same, const char* what) {
    keeps_bytes_ = false;
    notice(std::string("it becomes a structure of ") + what + " and a value");
    Builder builder;
    builder.name = "value";
    scopes_.enter(true);
    EncodeField value = translate(same, &builder);
    builder.structure.members.push_back({builder.identifiers.add("value"), value.field_class});
    builder.children.push_back(std::move(value));
    static_cast<void>(scopes_.leave());
    EncodeField to = leaf(make_field_class(std::move(builder.structure)));
    to.source = Source::kWrapped;
    to.children = std::move(builder.children);
    return to;
  }

  FieldLocation made_length(Builder* builder) {
    notice("its length stands in front of it");
    return made(builder, "length",
                {.layout = {.length_bits = 32, .alignment_bits = kByte, .byte_order = byte_order_}},
                Source::kLength);
  }

  // Puts a field in front of the one that is being translated.
  FieldLocation made(Builder* builder, const char* suffix, Integer integer, Source source) {
    keeps_bytes_ = false;
    std::string identifier = builder->identifiers.add(builder->name + "_" + suffix);
    EncodeField field = leaf(make_field_class(std::move(integer)));
    field.source = source;
    builder->structure.members.push_back({identifier, field.field_class});
    scopes_.add({.identifier = identifier, .is_made = true, .field_class = field.field_class});
    builder->children.push_back(std::move(field));
    return {.path = {std::move(identifier)}};
  }

  EncodeField structure(const Structure& kind) {
    const bool is_root = path_.empty() && !is_inside_;
    is_inside_ = true;
    Builder builder;
    builder.structure.minimum_alignment_bits = kind.minimum_alignment_bits;
    scopes_.enter(false);
    Roles said;
    // Names that mean something are for those that mean it, wherever they stand.
    if (is_head(scope_)) {
      for (const Member& member : kind.members) {
        const auto role = expressible_role(own_roles(*member.field_class), is_root);
        if (!role || said.has(*role)) continue;
        said.add(*role);
        static_cast<void>(builder.identifiers.take(std::string(reserved_name(scope_, *role))));
      }
    }
    Roles named;
    for (auto member = kind.members.begin(); member != kind.members.end(); ++member) {
      const std::string identifier = identifier_of(*member, is_root, &named, &builder);
      builder.name = member->name;
      scopes_.set_current(member->name);
      left_members_.clear();
      EncodeField field = inside(member->name, [&] {
        if (is_changed(identifier, member->name)) {
          notice("its name becomes " + identifier + ": CTF 1.8 has identifiers, each once");
        }
        return translate(member->field_class, &builder);
      });
      // What stands in arrays, options and variants cannot be referred to.
      if (member->field_class->as<Structure>() == nullptr) left_members_.clear();
      builder.structure.members.push_back({identifier, field.field_class});
      scopes_.add({.name = member->name,
                   .identifier = identifier,
                   .field_class = field.field_class,
                   .members = std::exchange(left_members_, {})});
      builder.children.push_back(std::move(field));
    }
    if (is_root) add_missing_roles(kind, named, &builder);
    std::vector<PlacedField> members = scopes_.leave();
    if (is_root) {
      is_inside_ = false;
    } else {
      left_members_ = std::move(members);
    }
    EncodeField to = leaf(make_field_class(std::move(builder.structure)));
    to.children = std::move(builder.children);
    return to;
  }

  // Whether readers show another name; those of roles they do not show.
  [[nodiscard]] bool is_changed(const std::string& identifier, const std::string& name) const {
    return identifier != name && identifier != "_" + name && !reserved_role(scope_, identifier);
  }

  // The role that a member of this structure can have by its name.
  [[nodiscard]] std::optional<Role> expressible_role(Roles roles, bool is_root) const {
    if (roles.empty() || !is_head(scope_)) return std::nullopt;
    // Packets say what they say at once; event headers have variants inside.
    if (!is_root && scope_ != Scope::kEventRecordHeader) return std::nullopt;
    for (std::size_t i = 0; i < kRoleCount; ++i) {
      const auto role = static_cast<Role>(i);
      if (roles.has(role) && !reserved_name(scope_, role).empty()) return role;
    }
    return std::nullopt;
  }

  std::string identifier_of(const Member& member, bool is_root, Roles* named, Builder* builder) {
    const auto role = expressible_role(own_roles(*member.field_class), is_root);
    if (role) {
      if (!named->has(*role)) {
        named->add(*role);
        return std::string(reserved_name(scope_, *role));
      }
      // A mapped timestamp is one whatever its name.
      if (scope_ == Scope::kEventRecordHeader && *role == Role::kEventRecordClassId && status_) {
        status_ = fail(Code::kUnsupported,
                       where_ +
                           ": CTF 1.8 has one number of the event record class in a "
                           "structure, and here are two: such a trace cannot be translated");
      }
    }
    const bool can_stay = is_head(scope_) && !reserved_role(scope_, member.name) &&
                          is_tsdl_identifier(member.name) && builder->identifiers.take(member.name);
    return can_stay ? member.name : builder->identifiers.add(member.name);
  }

  // What packets say inside other structures is said once more at the end.
  void add_missing_roles(const Structure& root, Roles named, Builder* builder) {
    if (scope_ != Scope::kPacketHeader && scope_ != Scope::kPacketContext) return;
    Roles all;
    for (const Member& member : root.members) {
      const Roles more = roles_in(member.field_class);
      for (std::size_t i = 0; i < kRoleCount; ++i) {
        if (more.has(static_cast<Role>(i))) all.add(static_cast<Role>(i));
      }
    }
    for (std::size_t i = 0; i < kRoleCount; ++i) {
      const auto role = static_cast<Role>(i);
      const bool is_missing = all.has(role) && !named.has(role) &&
                              role != Role::kPacketMagicNumber && role != Role::kMetadataStreamUuid;
      const std::string name(reserved_name(scope_, role));
      if (!is_missing || name.empty()) continue;
      keeps_bytes_ = false;
      EncodeField field = made_role(role);
      builder->structure.members.push_back({name, field.field_class});
      builder->children.push_back(std::move(field));
    }
  }

  // A number of the packet's head that no member says.
  [[nodiscard]] EncodeField made_role(Role role) const {
    EncodeField field = leaf(make_field_class(
        Integer{.layout = {.length_bits = 64, .alignment_bits = kByte, .byte_order = byte_order_},
                .roles = role}));
    field.source = Source::kRole;
    field.role = role;
    return field;
  }

  static void drop_empty(std::vector<Mapping>* mappings) {
    std::erase_if(*mappings, [](const Mapping& mapping) { return mapping.ranges.empty(); });
  }

  ByteOrder byte_order_;
  Notices* notices_;
  Ctf18Scopes scopes_;
  Scope scope_ = Scope::kPacketHeader;
  std::string where_;
  std::string path_;
  bool is_inside_ = false;
  bool keeps_bytes_ = true;
  std::vector<PlacedField> left_members_;  // of the structure that was left last
  Status status_;
};

// Attributes beside the log level and the EMF URI, which CTF 1.8 has, too.
bool has_other_attributes(const EventClass& event) {
  if (event.attributes.empty()) return false;
  const auto all = nlohmann::json::parse(event.attributes, nullptr, false);
  if (!all.is_object()) return true;
  for (const auto& [name_space, attributes] : all.items()) {
    const bool is_known = name_space == kLttngNamespace || name_space == "babeltrace.org,2020";
    if (!is_known || !attributes.is_object()) return true;
    for (const auto& [name, value] : attributes.items()) {
      if (name != "log-level" && name != "emf-uri") return true;
    }
  }
  return false;
}

std::string event_name(const EventClass& event) {
  return "event \"" + event.name + "\" of stream class " + std::to_string(event.stream_class_id);
}

/// Translates what is not a field class.
class ModelTranslator {
 public:
  explicit ModelTranslator(const Plan& plan)
      : plan_(plan), from_(plan.model()), classes_(from_.trace.byte_order, &notices_) {}

  Result<Translation> translate() {
    TraceModel& to = out_.model;
    to.version = Version::kCtf18;
    to.trace = from_.trace;
    translate_trace();
    header_keeps_bytes_ = classes_.take_keeps_bytes();
    for (const StreamPlan& stream : plan_.streams()) {
      translate_stream(stream);
      SILLAGE_TRY(classes_.status());
    }
    out_.notices = notices_.take();
    return std::move(out_);
  }

 private:
  void lost(bool is_there, const std::string& where, const std::string& what) {
    if (is_there) notices_.add(where + ": " + what + " is lost");
  }

  void translate_trace() {
    TraceClass& trace = out_.model.trace;
    const std::string uuid = trace.uuid ? uuid_text(*trace.uuid) : "";
    const bool is_known_namespace =
        trace.name_space.empty() || (trace.name_space == kLttngNamespace && follows_lttng(trace));
    lost(!is_known_namespace || !trace.name.empty() || (!trace.uid.empty() && trace.uid != uuid),
         "trace", "its identity (namespace, name, uid)");
    lost(!trace.attributes.empty(), "trace", "attributes");
    for (const EnvironmentEntry& entry : trace.environment) {
      const bool is_plain = is_tsdl_identifier(entry.name) || entry.name.starts_with('_');
      if (!is_plain) {
        notices_.add("environment \"" + entry.name +
                     "\": its name changes: CTF 1.8 has identifiers only");
      }
    }
    translate_clocks();
    out_.form.packet_header =
        classes_.translate(Scope::kPacketHeader, trace.packet_header, "packet header");
    trace.packet_header = out_.form.packet_header.field_class;
    has_stream_ids_ = roles_in(trace.packet_header).has(Role::kDataStreamClassId);
  }

  void translate_clocks() {
    TsdlIdentifiers identifiers;
    for (ClockClass& clock : out_.model.trace.clocks) {
      const std::string where = "clock \"" + clock.id + "\"";
      const bool is_plain = is_tsdl_identifier(clock.id) && identifiers.take(clock.id);
      if (!is_plain) clock.id = identifiers.add(clock.id);
      lost(!clock.name_space.empty(), where, "its namespace");
      lost(!clock.uid.empty() && !parse_uuid(clock.uid), where, "its uid, which is no UUID,");
      if (!parse_uuid(clock.uid)) clock.uid.clear();
      lost(clock.accuracy_cycles.has_value(), where, "its accuracy");
      lost(clock.origin.has_value(), where, "its origin");
      lost(!clock.attributes.empty(), where, "attributes");
    }
  }

  void translate_stream(const StreamPlan& plan) {
    DataStreamClass stream = *plan.stream_class;
    const std::string where = "stream class " + std::to_string(stream.id);
    lost(!stream.name_space.empty() || !stream.name.empty() || !stream.uid.empty(), where,
         "its identity (namespace, name, uid)");
    lost(!stream.attributes.empty(), where, "attributes");
    StreamForm& form = out_.form.streams.emplace_back();
    const auto translate = [&](Scope scope, const char* name, FieldClassRef* root) {
      EncodeScope translated = classes_.translate(scope, *root, where + ", " + name);
      *root = translated.field_class;
      return translated;
    };
    form.packet_context =
        translate(Scope::kPacketContext, "packet context", &stream.packet_context);
    form.event_header = translate(Scope::kEventRecordHeader, "event header", &stream.event_header);
    form.common_context =
        translate(Scope::kCommonContext, "common context", &stream.common_context);
    const std::vector<ClockClass>& clocks = from_.trace.clocks;
    for (std::size_t i = 0; stream.default_clock_id && i < clocks.size(); ++i) {
      if (clocks[i].id != *stream.default_clock_id) continue;
      stream.default_clock_id = out_.model.trace.clocks[i].id;
      break;
    }
    for (const EventPlan& event : plan.events) translate_event(event, &form);
    form.keeps_bytes = classes_.take_keeps_bytes() && header_keeps_bytes_;
    if (!form.keeps_bytes) {
      classes_.add_lengths(&form.packet_context);
      stream.packet_context = form.packet_context.field_class;
    }
    if (!has_stream_ids_) stream.id = 0;
    out_.model.streams.push_back(std::move(stream));
  }

  void translate_event(const EventPlan& plan, StreamForm* stream) {
    EventClass event = *plan.event_class;
    const std::string where = event_name(event);
    lost(!event.name_space.empty() || !event.uid.empty(), where, "its identity (namespace, uid)");
    lost(has_other_attributes(event), where, "attributes");
    EventForm& form = stream->events.emplace_back();
    form.specific_context =
        classes_.translate(Scope::kSpecificContext, event.specific_context, where + ", context");
    event.specific_context = form.specific_context.field_class;
    form.payload = classes_.translate(Scope::kPayload, event.payload, where + ", payload");
    event.payload = form.payload.field_class;
    if (!has_stream_ids_) event.stream_class_id = 0;
    out_.model.events.push_back(std::move(event));
  }

  const Plan& plan_;
  const TraceModel& from_;
  Notices notices_;
  ClassTranslator classes_;
  Translation out_;
  bool has_stream_ids_ = false;
  bool header_keeps_bytes_ = true;
};

}  // namespace

Result<Translation> to_ctf18(const Plan& plan) { return ModelTranslator(plan).translate(); }

}  // namespace sillage::convert
