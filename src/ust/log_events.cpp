// SPDX-License-Identifier: MIT
// lttng_ust_tracef() and lttng_ust_tracelog(): events whose payload is text made by printf's rules.
//
// LTTng-UST describes them with its own macros; here the descriptions are written out, and the functions record without
// going through a tracepoint. The programs' call sites do look at a tracepoint's state, so these exist by LTTng's names.
#include "ust/providers.hpp"
#include "ust/tracepoints.hpp"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

UST_EXPORT int lttng_ust_tracepoint_module_register(ust_tracepoint* const* begin, int count);

namespace sillage::ust {
namespace {

constexpr std::size_t kTextRoom = 512;  // longer ones are allocated

extern const ust_provider kTracef;
extern const ust_provider kTracelog;
const ust_provider* const kDescriptions[] = {&kTracef, &kTracelog};

const ust_type_integer kLengthType = {
    {UST_TYPE_INTEGER}, sizeof(ust_type_integer), 32, 8, 0, 0, 10};
const ust_type_integer kCharType = {{UST_TYPE_INTEGER}, sizeof(ust_type_integer), 8, 8, 1, 0, 10};
const ust_type_integer kLineType = {{UST_TYPE_INTEGER}, sizeof(ust_type_integer), 32, 8, 1, 0, 10};
const ust_type_string kStringType = {{UST_TYPE_STRING}, sizeof(ust_type_string), UST_ENCODING_UTF8};
const ust_type_sequence kTextType = {
    {UST_TYPE_SEQUENCE}, sizeof(ust_type_sequence), nullptr, &kCharType.parent, 0,
    UST_ENCODING_UTF8};
constexpr std::uint32_t kFieldSize = sizeof(ust_field);
const ust_field kMsgLength = {kFieldSize, "_msg_length", &kLengthType.parent, 0, 1};
const ust_field kMsg = {kFieldSize, "msg", &kTextType.parent, 0, 0};
const ust_field kLine = {kFieldSize, "line", &kLineType.parent, 0, 0};
const ust_field kFile = {kFieldSize, "file", &kStringType.parent, 0, 0};
const ust_field kFunc = {kFieldSize, "func", &kStringType.parent, 0, 0};
const ust_field* const kTracefFields[] = {&kMsgLength, &kMsg};
const ust_field* const kTracelogFields[] = {&kLine, &kFile, &kFunc, &kMsgLength, &kMsg};

/// In the place of a provider's probe: for who calls these tracepoints himself. Nobody does.
void no_probe() {}

const ust_class kTracefClass = {sizeof(ust_class), kTracefFields, 2, no_probe, "", &kTracef};
const ust_class kTracelogClass = {sizeof(ust_class), kTracelogFields, 5, no_probe, "", &kTracelog};

// Level 0 to 14, as LTTng-UST orders them.
#define UST_LOG_LEVELS(use)                                                                        \
  use(EMERG, 0) use(ALERT, 1) use(CRIT, 2) use(ERR, 3) use(WARNING, 4) use(NOTICE, 5) use(INFO, 6) \
      use(DEBUG_SYSTEM, 7) use(DEBUG_PROGRAM, 8) use(DEBUG_PROCESS, 9) use(DEBUG_MODULE, 10)       \
          use(DEBUG_UNIT, 11) use(DEBUG_FUNCTION, 12) use(DEBUG_LINE, 13) use(DEBUG, 14)
constexpr int kLevels = 15;

const int kLevelNumbers[kLevels] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
const int* g_level_pointers[kLevels] = {
#define UST_LEVEL_POINTER(name, number) &kLevelNumbers[number],
    UST_LOG_LEVELS(UST_LEVEL_POINTER)
#undef UST_LEVEL_POINTER
};

const ust_event kTracefEvent = {sizeof(ust_event),     "event", &kTracef, &kTracefClass,
                                &g_level_pointers[14], nullptr};
const ust_event kTracelogEvents[kLevels] = {
#define UST_LOG_EVENT(name, number)        \
  {sizeof(ust_event),                      \
   "LTTNG_UST_TRACEPOINT_LOGLEVEL_" #name, \
   &kTracelog,                             \
   &kTracelogClass,                        \
   &g_level_pointers[number],              \
   nullptr},
    UST_LOG_LEVELS(UST_LOG_EVENT)
#undef UST_LOG_EVENT
};
const ust_event* const kTracefEventList[] = {&kTracefEvent};
const ust_event* const kTracelogEventList[kLevels] = {
#define UST_LOG_EVENT_POINTER(name, number) &kTracelogEvents[number],
    UST_LOG_LEVELS(UST_LOG_EVENT_POINTER)
#undef UST_LOG_EVENT_POINTER
};

const ust_provider kTracef = {
    sizeof(ust_provider), "lttng_ust_tracef", kTracefEventList, 1, UST_PROVIDER_MAJOR, 0};
const ust_provider kTracelog = {
    sizeof(ust_provider), "lttng_ust_tracelog", kTracelogEventList, kLevels, UST_PROVIDER_MAJOR, 0};

Provider* g_provider;

/// The text of a printf format, in room of its own or allocated.
class Text {
 public:
  Text(const char* format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(room_, sizeof room_, format, arguments);
    if (length >= static_cast<int>(sizeof room_)) {
      allocated_ = static_cast<char*>(malloc(static_cast<std::size_t>(length) + 1));
      if (allocated_ != nullptr)
        vsnprintf(allocated_, static_cast<std::size_t>(length) + 1, format, again);
    }
    va_end(again);
    is_whole_ = length >= 0 && (length < static_cast<int>(sizeof room_) || allocated_ != nullptr);
    length_ = static_cast<std::uint32_t>(length);
  }
  ~Text() { free(allocated_); }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] const char* data() const { return allocated_ != nullptr ? allocated_ : room_; }
  [[nodiscard]] std::uint32_t length() const { return length_; }

 private:
  char room_[kTextRoom];
  char* allocated_ = nullptr;
  bool is_whole_ = false;
  std::uint32_t length_ = 0;
};

void record_tracef(const char* format, va_list arguments, const void* ip) {
  Event* event = g_provider == nullptr ? nullptr : event_at(g_provider, 0);
  if (event == nullptr) return;
  const int saved = errno;
  const Text text(format, arguments);
  if (text.is_whole()) {
    const std::uint32_t length = text.length();
    const sillage_part parts[] = {{&length, sizeof length, SILLAGE_PART_BYTES},
                                  {text.data(), length, SILLAGE_PART_BYTES}};
    record(event, parts, 2, ip);
  }
  errno = saved;
}

void record_tracelog(unsigned level, const char* file, int line, const char* function,
                     const char* format, va_list arguments, const void* ip) {
  Event* event = g_provider == nullptr ? nullptr : event_at(g_provider, 1 + level);
  if (event == nullptr) return;
  const int saved = errno;
  const Text text(format, arguments);
  if (text.is_whole()) {
    const std::uint32_t length = text.length();
    const sillage_part parts[] = {{&line, sizeof line, SILLAGE_PART_BYTES},
                                  {file, UINT32_MAX, SILLAGE_PART_STRING},
                                  {function, UINT32_MAX, SILLAGE_PART_STRING},
                                  {&length, sizeof length, SILLAGE_PART_BYTES},
                                  {text.data(), length, SILLAGE_PART_BYTES}};
    record(event, parts, 5, ip);
  }
  errno = saved;
}

}  // namespace
}  // namespace sillage::ust

using namespace sillage::ust;

#define UST_TRACEPOINT(provider, event)                                  \
  UST_EXPORT ust_tracepoint lttng_ust_tracepoint_##provider##___##event; \
  ust_tracepoint lttng_ust_tracepoint_##provider##___##event = {         \
      sizeof(ust_tracepoint), #provider, #event, 0, nullptr, nullptr, ""};

UST_TRACEPOINT(lttng_ust_tracef, event)

// NOLINTBEGIN(bugprone-reserved-identifier): names of LTTng-UST's
UST_EXPORT void lttng_ust__vtracef(const char* format, va_list arguments) {
  record_tracef(format, arguments, __builtin_return_address(0));
}
UST_EXPORT void lttng_ust__tracef(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  record_tracef(format, arguments, __builtin_return_address(0));
  va_end(arguments);
}
// NOLINTEND(bugprone-reserved-identifier)

#define UST_TRACELOG(name, number)                                                                 \
  UST_TRACEPOINT(lttng_ust_tracelog, LTTNG_UST_TRACEPOINT_LOGLEVEL_##name)                         \
  UST_EXPORT void lttng_ust__vtracelog_LTTNG_UST_TRACEPOINT_LOGLEVEL_##name(                       \
      const char* file, int line, const char* function, const char* format, va_list arguments) {   \
    record_tracelog(number, file, line, function, format, arguments, __builtin_return_address(0)); \
  }                                                                                                \
  UST_EXPORT void lttng_ust__tracelog_LTTNG_UST_TRACEPOINT_LOGLEVEL_##name(                        \
      const char* file, int line, const char* function, const char* format, ...) {                 \
    va_list arguments;                                                                             \
    va_start(arguments, format);                                                                   \
    record_tracelog(number, file, line, function, format, arguments, __builtin_return_address(0)); \
    va_end(arguments);                                                                             \
  }
UST_LOG_LEVELS(UST_TRACELOG)
#undef UST_TRACELOG

namespace sillage::ust {
namespace {

ust_tracepoint* const kTracepoints[] = {&lttng_ust_tracepoint_lttng_ust_tracef___event,
#define UST_TRACEPOINT_POINTER(name, number) \
  &lttng_ust_tracepoint_lttng_ust_tracelog___LTTNG_UST_TRACEPOINT_LOGLEVEL_##name,
                                        UST_LOG_LEVELS(UST_TRACEPOINT_POINTER)
#undef UST_TRACEPOINT_POINTER
};

[[gnu::constructor]] void start() {
  lttng_ust_tracepoint_module_register(kTracepoints, 1 + kLevels);
  g_provider = add_provider(kDescriptions, 2);
}

}  // namespace
}  // namespace sillage::ust
