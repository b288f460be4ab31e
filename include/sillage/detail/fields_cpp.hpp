// SPDX-License-Identifier: MIT
// C++: what a field is, deduced from the type of its value, and the site of a tracepoint.
//
// Each sillage_* word of a tracepoint becomes a call of a function below; the type it returns says at compile
// time what the field is, the object holds the value. Words that cannot be give a type with kIsValid == false, which
// the tracepoint reports with the field's name.
#ifndef SILLAGE_DETAIL_FIELDS_CPP_HPP
#define SILLAGE_DETAIL_FIELDS_CPP_HPP

#include <sillage/detail/record.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#define SILLAGE_I_ALWAYS_INLINE __attribute__((always_inline)) inline
#define SILLAGE_I_HIDDEN __attribute__((visibility("hidden")))

// g++ -m32 -fPIC: see SILLAGE_I_ENTER.
#if defined(__i386__) && defined(__PIC__) && !defined(__clang__)
#define SILLAGE_I_ENTERS_ITSELF 1
#else
#define SILLAGE_I_ENTERS_ITSELF 0
#endif

namespace sillage::detail {

// ---- Types ------------------------------------------------------------------------------------------------

/// What one value is: the bytes of struct sillage_field. kind 0: it cannot be recorded.
struct Shape {
  std::uint8_t kind = 0, size = 0, flags = 0, base = 10;
};

#ifdef __cpp_char8_t
template <class T>
inline constexpr bool kIsChar = std::is_same_v<T, char> || std::is_same_v<T, char8_t>;
#else
template <class T>
inline constexpr bool kIsChar = std::is_same_v<T, char>;
#endif

template <class T>
inline constexpr bool kIsInteger = std::is_integral_v<T> && sizeof(T) <= 8 &&
                                   !std::is_same_v<T, wchar_t> && !std::is_same_v<T, char16_t> &&
                                   !std::is_same_v<T, char32_t>;

template <std::size_t N>
struct LabelList {
  ::sillage_label labels[N];
};

template <std::size_t N>
constexpr LabelList<N> label_list(const ::sillage_label (&labels)[N]) {
  LabelList<N> list = {};
  for (std::size_t i = 0; i < N; i++) list.labels[i] = labels[i];
  return list;
}

template <class T, class = void>
struct HasLabels : std::false_type {};
template <class T>
struct HasLabels<T, std::void_t<decltype(sillage_enum_labels(static_cast<T*>(nullptr)))>>
    : std::true_type {};

/// The list given by SILLAGE_ENUM, found by the namespace of the enumeration.
template <class T>
struct SILLAGE_I_HIDDEN Labels {
  static constexpr auto kList = sillage_enum_labels(static_cast<T*>(nullptr));
  static constexpr std::uint32_t kCount = std::extent_v<decltype(kList.labels)>;
};

template <class T>
constexpr Shape shape_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return {SILLAGE_I_BOOL, 1, 0, 10};
  } else if constexpr (kIsInteger<T>) {
    return {SILLAGE_I_INTEGER, sizeof(T), std::is_signed_v<T> ? SILLAGE_I_SIGNED : 0, 10};
  } else if constexpr (std::is_enum_v<T>) {
    Shape shape = shape_of<std::underlying_type_t<T>>();
    if (shape.kind != 0) shape.kind = HasLabels<T>::value ? SILLAGE_I_ENUM : SILLAGE_I_INTEGER;
    return shape;
  } else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    return {SILLAGE_I_FLOAT, sizeof(T), 0, 10};
  } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    return {SILLAGE_I_INTEGER, sizeof(void*), 0, 16};
  } else {
    return {};
  }
}

/// An array or sequence of T.
template <class T>
constexpr Shape shape_of_elements(std::uint8_t kind, std::uint8_t text_kind) {
  if constexpr (kIsChar<T>) {
    return {text_kind, 1, 0, 10};
  } else {
    Shape shape = shape_of<T>();
    if (shape.kind == SILLAGE_I_FLOAT) shape.flags |= SILLAGE_I_FLOAT_ELEMENTS;
    if (shape.kind != 0) shape.kind = kind;
    return shape;
  }
}

/// How the value is to be shown or read: a base (0: as deduced) and flags to add.
template <unsigned kBase, unsigned kFlags>
struct Display {
  static constexpr Shape apply(Shape shape) {
    bool is_number = shape.kind == SILLAGE_I_INTEGER || shape.kind == SILLAGE_I_ARRAY ||
                     shape.kind == SILLAGE_I_SEQUENCE;
    bool is_integer = is_number && (shape.flags & SILLAGE_I_FLOAT_ELEMENTS) == 0;
    if ((kBase != 0 || kFlags != 0) && !is_integer) return {};
    if (kBase != 0) shape.base = kBase;
    shape.flags = static_cast<std::uint8_t>(shape.flags | kFlags);
    return shape;
  }
};

template <class T, class = void>
struct IsContainer : std::false_type {};
template <class T>
struct IsContainer<T, std::void_t<decltype(*std::declval<const T&>().data()),
                                  decltype(std::size_t{std::declval<const T&>().size()})>>
    : std::true_type {};

template <class T, class = void>
struct IsFixed : std::false_type {};
template <class T>
struct IsFixed<T, std::void_t<decltype(std::tuple_size<T>::value)>> : std::true_type {};

// ---- Fields -----------------------------------------------------------------------------------------------

struct InvalidField {
  static constexpr bool kIsValid = false, kIsFixed = true;
  static constexpr Shape kShape{};
  static constexpr std::uint32_t kBytes = 0, kCount = 0;
  SILLAGE_I_ALWAYS_INLINE sillage_i_item item() const {
    return sillage_i_item_of(nullptr, 0, 0, SILLAGE_I_FORM_FIXED);
  }
};

template <class T, class Show>
struct ScalarField {
  static constexpr Shape kShape = Show::apply(shape_of<T>());
  static constexpr bool kIsValid = kShape.kind != 0, kIsFixed = true;
  static constexpr std::uint32_t kBytes = sizeof(T), kCount = 0;
  using Labelled = T;
  T value;
  SILLAGE_I_ALWAYS_INLINE sillage_i_item item() const {
    return sillage_i_item_of(&value, kBytes, 0, SILLAGE_I_FORM_FIXED);
  }
};

/// An enumeration with labels given at the tracepoint.
template <class T>
struct EnumField : ScalarField<T, Display<0, 0>> {
  static constexpr Shape kPlain = shape_of<T>();
  static constexpr Shape kShape{SILLAGE_I_ENUM, kPlain.size, kPlain.flags, 10};
  static constexpr bool kIsValid =
      kPlain.kind == SILLAGE_I_INTEGER || kPlain.kind == SILLAGE_I_ENUM;
  using Labelled = void;
};

/// kBytesOf bytes of memory: an array, text or a blob.
template <std::uint8_t kKind, std::uint32_t kElements, std::uint32_t kBytesOf>
struct FixedField {
  static constexpr bool kIsFixed = true;
  static constexpr std::uint32_t kBytes = kBytesOf, kCount = kElements;
  const void* data;
  SILLAGE_I_ALWAYS_INLINE sillage_i_item item() const {
    return sillage_i_item_of(data, kBytes, 0, SILLAGE_I_FORM_FIXED);
  }
};

template <class T, std::size_t kElements, class Show>
struct ArrayField : FixedField<0, kElements, kElements * sizeof(T)> {
  static constexpr Shape kShape =
      Show::apply(shape_of_elements<T>(SILLAGE_I_ARRAY, SILLAGE_I_TEXT_ARRAY));
  static constexpr bool kIsValid = kShape.kind != 0 && kElements <= UINT32_MAX / sizeof(T);
};

template <std::size_t kSize>
struct BlobField : FixedField<SILLAGE_I_BLOB, kSize, kSize> {
  static constexpr Shape kShape{SILLAGE_I_BLOB, 1, 0, 16};
  static constexpr bool kIsValid = true;
};

struct StringField {
  static constexpr Shape kShape{SILLAGE_I_STRING, 1, 0, 10};
  static constexpr bool kIsValid = true, kIsFixed = false;
  static constexpr std::uint32_t kBytes = 0, kCount = 0;
  sillage_i_item value;
  SILLAGE_I_ALWAYS_INLINE sillage_i_item item() const { return value; }
};

template <class Kind>
struct SequenceField {
  static constexpr Shape kShape = Kind::kShape;
  static constexpr bool kIsValid = kShape.kind != 0, kIsFixed = false;
  static constexpr std::uint32_t kBytes = 0, kCount = 0;
  sillage_i_item value;
  SILLAGE_I_ALWAYS_INLINE sillage_i_item item() const { return value; }
};
template <class T, class Show>
struct SequenceOf {
  static constexpr Shape kShape =
      Show::apply(shape_of_elements<T>(SILLAGE_I_SEQUENCE, SILLAGE_I_TEXT_SEQUENCE));
};
struct TextSequence {
  static constexpr Shape kShape{SILLAGE_I_TEXT_SEQUENCE, 1, 0, 10};
};
struct BlobSequence {
  static constexpr Shape kShape{SILLAGE_I_BLOB_SEQUENCE, 1, 0, 16};
};

/// A field for filters, not in the record.
template <class Field>
struct NowriteField {
  static constexpr Shape kShape{Field::kShape.kind, Field::kShape.size,
                                static_cast<std::uint8_t>(Field::kShape.flags | SILLAGE_I_NOWRITE),
                                Field::kShape.base};
  static constexpr bool kIsValid = Field::kIsValid, kIsFixed = false;
  static constexpr std::uint32_t kBytes = 0, kCount = Field::kCount;
  using Inner = Field;
  Field field;
  SILLAGE_I_ALWAYS_INLINE sillage_i_item item() const {
    sillage_i_item item = field.item();
    item.form |= SILLAGE_I_FORM_NOWRITE;
    return item;
  }
};

// ---- The words of a tracepoint ----------------------------------------------------------------------------

SILLAGE_I_ALWAYS_INLINE StringField text_field(const void* data, std::size_t bytes) {
  const void* text = data == nullptr ? "" : data;
  std::uint32_t limit = bytes > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(bytes);
  return {sillage_i_item_of(text, limit, 0, SILLAGE_I_FORM_TEXT)};
}

template <class Kind, class T, class N>
SILLAGE_I_ALWAYS_INLINE SequenceField<Kind> make_sequence(const T* data, N count) {
  std::uint64_t length = count < N{0} ? 0 : static_cast<std::uint64_t>(count);
  return {sillage_i_sequence_of(data, length, sizeof(T))};
}

template <unsigned kBase = 0, unsigned kFlags = 0, class T>
SILLAGE_I_ALWAYS_INLINE auto field(const T& value) {
  using Show = Display<kBase, kFlags>;
  using Value = std::remove_cv_t<T>;
  if constexpr (std::is_array_v<T>) {
    return ArrayField<std::remove_cv_t<std::remove_extent_t<T>>, std::extent_v<T>, Show>{{value}};
  } else if constexpr (std::is_pointer_v<Value>) {
    if constexpr (kIsChar<std::remove_cv_t<std::remove_pointer_t<Value>>> && kBase == 0 &&
                  kFlags == 0) {
      return StringField{sillage_i_item_of(value, UINT32_MAX, 0, SILLAGE_I_FORM_STRING)};
    } else {
      return ScalarField<Value, Show>{value};
    }
  } else if constexpr (std::is_function_v<T>) {
    return ScalarField<const T*, Show>{&value};
  } else if constexpr (std::is_convertible_v<const T&, std::string_view> && std::is_class_v<T>) {
    if constexpr (kBase == 0 && kFlags == 0) {
      std::string_view text = value;
      return text_field(text.data(), text.size());
    } else {
      return InvalidField{};
    }
  } else if constexpr (shape_of<Value>().kind != 0) {
    return ScalarField<Value, Show>{value};
  } else if constexpr (IsContainer<T>::value) {
    using Element = std::remove_cv_t<std::remove_reference_t<decltype(*value.data())>>;
    if constexpr (IsFixed<T>::value) {
      return ArrayField<Element, std::tuple_size<T>::value, Show>{{value.data()}};
    } else {
      return make_sequence<SequenceOf<Element, Show>>(value.data(), value.size());
    }
  } else {
    return InvalidField{};
  }
}

/// Arrays of variable length, which no template parameter can stand for.
template <unsigned kBase = 0, unsigned kFlags = 0>
InvalidField field(...);

template <class T>
SILLAGE_I_ALWAYS_INLINE auto enumeration(const T& value) {
  if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return EnumField<std::remove_cv_t<T>>{{value}};
  } else {
    return InvalidField{};
  }
}

template <class T>
SILLAGE_I_ALWAYS_INLINE auto string(const T& value) {
  if constexpr (std::is_array_v<T>) {
    if constexpr (kIsChar<std::remove_cv_t<std::remove_extent_t<T>>>) {
      return text_field(value, std::extent_v<T>);
    } else {
      return InvalidField{};
    }
  } else {
    using Field = decltype(field(value));
    if constexpr (std::is_same_v<Field, StringField>) {
      return field(value);
    } else {
      return InvalidField{};
    }
  }
}

template <unsigned kBase = 0, unsigned kFlags = 0, class T, class N>
SILLAGE_I_ALWAYS_INLINE auto sequence(T data, N count) {
  using Element = std::remove_cv_t<std::remove_pointer_t<T>>;
  if constexpr (std::is_pointer_v<T> && !std::is_void_v<Element> && !std::is_function_v<Element> &&
                std::is_integral_v<N>) {
    return make_sequence<SequenceOf<Element, Display<kBase, kFlags>>>(
        static_cast<const Element*>(data), count);
  } else {
    return InvalidField{};
  }
}

template <class Kind, class T, class N>
SILLAGE_I_ALWAYS_INLINE auto byte_sequence(T data, N count) {
  if constexpr (std::is_convertible_v<T, const void*> && std::is_integral_v<N>) {
    return make_sequence<Kind>(static_cast<const char*>(static_cast<const void*>(data)), count);
  } else {
    return InvalidField{};
  }
}

template <class T>
SILLAGE_I_ALWAYS_INLINE auto blob(const T& object) {
  if constexpr (std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> &&
                sizeof(T) <= UINT32_MAX) {
    return BlobField<sizeof(T)>{{&object}};
  } else {
    return InvalidField{};
  }
}

template <class Field>
SILLAGE_I_ALWAYS_INLINE NowriteField<Field> nowrite(const Field& field) {
  return {field};
}

// ---- The site ---------------------------------------------------------------------------------------------

/// What a field's type does not say.
struct About {
  const char* name;
  const char* media_type = nullptr;
  const ::sillage_label* labels = nullptr;
  std::uint32_t label_count = 0;
};
template <std::size_t N>
constexpr About about_labels(const char* name, const ::sillage_label (&labels)[N]) {
  return {name, nullptr, labels, N};
}

template <class Field>
constexpr ::sillage_field describe(About about) {
  if constexpr (Field::kShape.kind == SILLAGE_I_ENUM) {
    if constexpr (!std::is_void_v<typename Field::Labelled>) {
      about.labels = Labels<typename Field::Labelled>::kList.labels;
      about.label_count = Labels<typename Field::Labelled>::kCount;
    }
  }
  return {about.name,         about.media_type,
          about.labels,       about.label_count,
          Field::kCount,      Field::kShape.kind,
          Field::kShape.size, Field::kShape.flags,
          Field::kShape.base, 0};
}
template <class Field>
struct Describe {
  static constexpr ::sillage_field from(About about) { return describe<Field>(about); }
};
template <class Field>
struct Describe<NowriteField<Field>> {
  static constexpr ::sillage_field from(About about) {
    ::sillage_field field = describe<Field>(about);
    field.flags = NowriteField<Field>::kShape.flags;
    return field;
  }
};

/// The names of one place of use; no array of length 0.
template <std::size_t N>
struct Abouts {
  About of[N + 1];
};

template <class... Fields>
struct FieldTable {
  ::sillage_field of[sizeof...(Fields) + 1];
};
template <class... Fields, std::size_t... kIndex>
constexpr FieldTable<Fields...> describe_all(const Abouts<sizeof...(Fields)>& abouts,
                                             std::index_sequence<kIndex...>) {
  return {{Describe<Fields>::from(abouts.of[kIndex])..., {}}};
}

#if SILLAGE_I_ENTERS_ITSELF
struct Entrant {
  explicit Entrant(::sillage_site* site) { sillage_i_enter_site(site); }
};
#endif

/// The site of one place of use. `Here` is a type local to it, so each place and each instantiation of a
/// template has its own. Hidden: never a unique symbol, which would keep a library from being unloaded.
template <class Here, class... Fields>
struct SILLAGE_I_HIDDEN Site {
  static constexpr FieldTable<Fields...> kFields =
      describe_all<Fields...>(Here::abouts(), std::index_sequence_for<Fields...>());
  static constexpr ::sillage_event kEvent = {Here::provider(),
                                             Here::name(),
                                             Here::file(),
                                             Here::emf_uri(),
                                             kFields.of,
                                             Here::line(),
                                             static_cast<std::uint16_t>(sizeof...(Fields)),
                                             Here::log_level(),
                                             0};
  static inline ::sillage_site site = {&sillage_closed_gate, nullptr, &kEvent, 0, 0};
#if SILLAGE_I_ENTERS_ITSELF
  static inline Entrant entrant __attribute__((init_priority(101))){&site};
#endif
};

template <class... Fields>
struct FieldList {
  template <class Here>
  using SiteOf = Site<Here, Fields...>;
};
struct Nothing {};
Nothing nothing();
template <class... Fields>
FieldList<Fields...> field_list(Nothing, const Fields&...);

template <class... Fields>
SILLAGE_I_ALWAYS_INLINE void emit(::sillage_site* site, const Fields&... fields) {
  constexpr bool kAllFixed = (Fields::kIsFixed && ... && true);
  constexpr std::uint64_t kBytes = (std::uint64_t{0} + ... + Fields::kBytes);
  if constexpr (kAllFixed && kBytes <= SILLAGE_I_WORDS_BYTES) {
    sillage_i_words words = {{0, 0, 0, 0}, 0};
    (sillage_i_pack_item(&words, fields.item()), ...);
    sillage_emit_words(site, static_cast<std::uint32_t>(kBytes), words.word[0], words.word[1],
                       words.word[2]);
  } else if constexpr (kAllFixed && sizeof...(Fields) == 1) {
    (sillage_emit_bytes(site, fields.item().data, static_cast<std::uint32_t>(kBytes)), ...);
  } else if constexpr (kAllFixed && kBytes <= SILLAGE_I_BLOCK_BYTES) {
    alignas(16) char block[kBytes];
    char* to = block;
    ((__builtin_memcpy(to, fields.item().data, Fields::kBytes), to += Fields::kBytes), ...);
    sillage_emit_bytes(site, block, static_cast<std::uint32_t>(kBytes));
  } else {
    ::sillage_part parts[2 * sizeof...(Fields)];
    alignas(16) char scratch[SILLAGE_I_MERGED_BYTES * sizeof...(Fields)];
    sillage_i_pieces pieces = {parts, scratch, 0, 0, 0};
    (sillage_i_append(&pieces, fields.item()), ...);
    sillage_emit_parts(site, parts, pieces.count);
  }
  SILLAGE_I_STAY_CALLER();
}

/// emit(), with its arguments evaluated from left to right, which only braces promise.
struct Emission {
  template <class... Fields>
  SILLAGE_I_ALWAYS_INLINE Emission(::sillage_site* site, const Fields&... fields) {
    emit(site, fields...);
  }
};

}  // namespace sillage::detail

// ---- Macros -----------------------------------------------------------------------------------------------

// g++ refuses or ignores the section attribute where a function may have copies in several files (inline
// functions, templates), so there the entry is written in assembly, into the group of the function it stands in
// ("?"), for the linker to drop both together. "R": not to be dropped by --gc-sections otherwise.
#if defined(__clang__)
#define SILLAGE_I_ENTER(site)                                                                  \
  static ::sillage_site* sillage_i_entry                                                       \
      __attribute__((used, retain, visibility("hidden"), section("sillage_sites"))) = &(site); \
  (void)sillage_i_entry;
#elif SILLAGE_I_ENTERS_ITSELF
// No operand of an asm statement may be an address here: the entry is 0 until Site::entrant is constructed.
#define SILLAGE_I_ENTER(site)                                                        \
  __asm__ inline __volatile__(                                                       \
      ".pushsection sillage_sites,\"awR?\"\n\t.balign 4\n\t.long 0\n\t.popsection"); \
  (void)&sillage_i_site::entrant;
#else
#if defined(__aarch64__)
#define SILLAGE_I_SYMBOL "S"
#else
#define SILLAGE_I_SYMBOL "i"
#endif
#if __SIZEOF_POINTER__ == 8
#define SILLAGE_I_POINTER ".balign 8\n\t.quad"
#else
#define SILLAGE_I_POINTER ".balign 4\n\t.long"
#endif
#define SILLAGE_I_ENTER(site)                                                             \
  __asm__ inline __volatile__(".pushsection sillage_sites,\"awR?\"\n\t" SILLAGE_I_POINTER \
                              " %c0\n\t.popsection" ::SILLAGE_I_SYMBOL(&(site)));
#endif

// What each word of a tracepoint is: ABOUT what its type does not say, VALUE the field.
#define SILLAGE_I_ABOUT_NAMED(name) \
  ::sillage::detail::About { #name }
// Variadic for values with a comma, as in f<a, b>().
#define SILLAGE_I_FIELD(base, flags, ...) ::sillage::detail::field<base, flags>(__VA_ARGS__)
#define SILLAGE_I_SEQUENCE_FIELD(base, flags, p, n) ::sillage::detail::sequence<base, flags>(p, n)

#define SILLAGE_I_ABOUT_sillage_field(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_field(name, ...) SILLAGE_I_FIELD(0, 0, __VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_hex(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_hex(name, ...) SILLAGE_I_FIELD(16, 0, __VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_oct(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_oct(name, ...) SILLAGE_I_FIELD(8, 0, __VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_bin(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_bin(name, ...) SILLAGE_I_FIELD(2, 0, __VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_network(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_network(name, ...) \
  SILLAGE_I_FIELD(10, SILLAGE_I_BIG_ENDIAN, __VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_network_hex(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_network_hex(name, ...) \
  SILLAGE_I_FIELD(16, SILLAGE_I_BIG_ENDIAN, __VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_enum(name, v, labels) ::sillage::detail::about_labels(#name, labels)
#define SILLAGE_I_VALUE_sillage_enum(name, v, labels) ::sillage::detail::enumeration(v)
#define SILLAGE_I_ABOUT_sillage_string(name, ...) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_string(name, ...) ::sillage::detail::string(__VA_ARGS__)
#define SILLAGE_I_ABOUT_sillage_sequence(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_sequence(name, p, n) SILLAGE_I_SEQUENCE_FIELD(0, 0, p, n)
#define SILLAGE_I_ABOUT_sillage_sequence_hex(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_sequence_hex(name, p, n) SILLAGE_I_SEQUENCE_FIELD(16, 0, p, n)
#define SILLAGE_I_ABOUT_sillage_sequence_oct(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_sequence_oct(name, p, n) SILLAGE_I_SEQUENCE_FIELD(8, 0, p, n)
#define SILLAGE_I_ABOUT_sillage_sequence_bin(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_sequence_bin(name, p, n) SILLAGE_I_SEQUENCE_FIELD(2, 0, p, n)
#define SILLAGE_I_ABOUT_sillage_sequence_network(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_sequence_network(name, p, n) \
  SILLAGE_I_SEQUENCE_FIELD(10, SILLAGE_I_BIG_ENDIAN, p, n)
#define SILLAGE_I_ABOUT_sillage_sequence_network_hex(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_sequence_network_hex(name, p, n) \
  SILLAGE_I_SEQUENCE_FIELD(16, SILLAGE_I_BIG_ENDIAN, p, n)
#define SILLAGE_I_ABOUT_sillage_text(name, p, n) SILLAGE_I_ABOUT_NAMED(name)
#define SILLAGE_I_VALUE_sillage_text(name, p, n) \
  ::sillage::detail::byte_sequence<::sillage::detail::TextSequence>(p, n)
#define SILLAGE_I_ABOUT_sillage_blob(name, object, media_type) \
  ::sillage::detail::About { #name, media_type }
#define SILLAGE_I_VALUE_sillage_blob(name, object, media_type) ::sillage::detail::blob(object)
#define SILLAGE_I_ABOUT_sillage_blob_sequence(name, p, n, media_type) \
  ::sillage::detail::About { #name, media_type }
#define SILLAGE_I_VALUE_sillage_blob_sequence(name, p, n, media_type) \
  ::sillage::detail::byte_sequence<::sillage::detail::BlobSequence>(p, n)
#define SILLAGE_I_ABOUT_sillage_nowrite(f) SILLAGE_I_ABOUT_##f
#define SILLAGE_I_VALUE_sillage_nowrite(f) ::sillage::detail::nowrite(SILLAGE_I_VALUE_##f)

#define SILLAGE_I_CHECK(f)                                                                    \
  static_assert(decltype(SILLAGE_I_VALUE_##f)::kIsValid, "sillage: field " SILLAGE_I_NAME_##f \
                ": a value of this type cannot be recorded this way");
#define SILLAGE_I_ABOUT(f) SILLAGE_I_ABOUT_##f,
#define SILLAGE_I_NEXT_VALUE(f) , SILLAGE_I_VALUE_##f

#define SILLAGE_I_SITE(provider_text, name_text, level, ...)                                       \
  SILLAGE_I_QUIET_BEGIN                                                                            \
  SILLAGE_I_EACH(SILLAGE_I_CHECK, __VA_ARGS__)                                                     \
  struct sillage_i_here {                                                                          \
    struct names {                                                                                 \
      SILLAGE_I_EACH(SILLAGE_I_MEMBER, __VA_ARGS__)                                                \
      char sillage_i_end;                                                                          \
    };                                                                                             \
    static constexpr const char* provider() { return provider_text; }                              \
    static constexpr const char* name() { return name_text; }                                      \
    static constexpr const char* emf_uri() { return SILLAGE_I_FIRST(__VA_ARGS__, 0); }             \
    static constexpr const char* file() { return __FILE__; }                                       \
    static constexpr ::std::uint32_t line() { return __LINE__; }                                   \
    static constexpr ::std::uint8_t log_level() { return level; }                                  \
    static constexpr ::sillage::detail::Abouts<SILLAGE_I_COUNT(__VA_ARGS__)> abouts() {            \
      return {{SILLAGE_I_EACH(SILLAGE_I_ABOUT, __VA_ARGS__)::sillage::detail::About{""}}};         \
    }                                                                                              \
  };                                                                                               \
  using sillage_i_site =                                                                           \
      typename decltype(::sillage::detail::field_list(::sillage::detail::nothing() SILLAGE_I_EACH( \
          SILLAGE_I_NEXT_VALUE, __VA_ARGS__)))::template SiteOf<sillage_i_here>;                   \
  SILLAGE_I_QUIET_END
#define SILLAGE_I_THIS_SITE (sillage_i_site::site)
#define SILLAGE_I_NULL nullptr

#define SILLAGE_I_RECORD(...)          \
  SILLAGE_I_ENTER(SILLAGE_I_THIS_SITE) \
  ::sillage::detail::Emission{         \
      &SILLAGE_I_THIS_SITE SILLAGE_I_EACH(SILLAGE_I_NEXT_VALUE, __VA_ARGS__)};

/// Labels an enumeration once, in its own namespace: SILLAGE_ENUM(Colour, kRed, kGreen). Up to 32 of them.
#define SILLAGE_ENUM(Type, ...)                                           \
  [[maybe_unused]] constexpr auto sillage_enum_labels(Type*) {            \
    using sillage_i_enum = Type;                                          \
    return ::sillage::detail::LabelList<SILLAGE_I_COUNT(0, __VA_ARGS__)>{ \
        {SILLAGE_I_EACH(SILLAGE_I_ENUM_LABEL, 0, __VA_ARGS__)}};          \
  }                                                                       \
  static_assert(::std::is_enum_v<Type>, "sillage: SILLAGE_ENUM(" #Type ") is not an enumeration")
#define SILLAGE_I_ENUM_LABEL(label) SILLAGE_LABEL(sillage_i_enum::label, #label),

/// The same from a constexpr array of struct sillage_label: other texts, ranges, any number.
#define SILLAGE_ENUM_LABELS(Type, labels)                      \
  [[maybe_unused]] constexpr auto sillage_enum_labels(Type*) { \
    return ::sillage::detail::label_list(labels);              \
  }                                                            \
  static_assert(::std::is_enum_v<Type>,                        \
                "sillage: SILLAGE_ENUM_LABELS(" #Type ") is not an enumeration")

#endif
