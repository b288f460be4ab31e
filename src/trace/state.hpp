// SPDX-License-Identifier: MIT
// What stands behind a reader and the event that it gave last.
#pragma once

#include "trace/schema.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sillage::trace::detail {

/// The event that a reader gave last. Users hold it as its base.
struct Event : trace::Event {
  [[nodiscard]] Field field(std::size_t index) const;
  /// What is inside a field that was decoded, or an element of an array.
  [[nodiscard]] static Field inside(const Field& field, std::size_t index);
  [[nodiscard]] static Field member(const Field& field, std::string_view name);
  template <class T>
  static void copy_numbers(const Field& field, std::span<T> out);

  void set_run(const ctf::Run& run, const Schema& schema);
  [[nodiscard]] EventPlace place() const;
  /// Becomes the event at a place.
  void set_place(const EventPlace& place, const Schema& about);
  /// Goes on to the next event of the run; false if there is none.
  [[nodiscard]] bool advance() {
    if (row == last || ++row == last) return false;
    set_row();
    return true;
  }

  const ctf::DataStream* stream = nullptr;
  const EventClass* classes = nullptr;                 // of the stream's data stream class
  const std::vector<FieldAccess>* accesses = nullptr;  // the same
  std::span<const std::byte> packet{};
  const ctf::Row* row = nullptr;
  const ctf::Row* last = nullptr;

 private:
  // The packet that the stream reads is another one than that of an event that was gone back to.
  [[nodiscard]] ctf::Values packet_context() const {
    return row == &own_row_ ? decode().packet_context : stream->packet_context();
  }
  void set_row() {
    class_ = classes + row->event;
    time_ns_ = stream->ns_of(*row);
    cycles_ = row->clock;
    is_decoded_ = has_anchors_ = false;
    walk_ = {};
  }
  [[nodiscard]] const std::uint8_t* anchor(std::uint16_t number) const;
  [[nodiscard]] Field read(const FieldInfo& info, const FieldAccess& access) const;
  [[nodiscard]] Field find(ctf::Values values, const FieldInfo& info) const;
  [[nodiscard]] Field wrap(const FieldInfo& info, const ctf::Value& value) const;
  [[nodiscard]] const ctf::EventView& decode() const;

  ctf::Row own_row_{};  // of set_place()
  // The element of an array of structures, say, that was found last.
  struct Walk {
    const ctf::Value* array = nullptr;
    const ctf::Value* element = nullptr;
    std::size_t index = 0;
  };
  mutable Walk walk_{};
  mutable bool has_anchors_ = false, is_decoded_ = false;
  mutable ctf::Anchors anchors_{};
  mutable std::optional<ctf::RowReader> reader_{};
  mutable const ctf::Plan* plan_of_reader_ = nullptr;
  mutable const ctf::EventView* view_ = nullptr;
};

/// Losses and damages that were reported: other readers' threads may add some.
struct Reports {
  std::vector<Loss> losses{};
  std::vector<Error> damages{};
};

/// A batch as users see it, over one of columns.
class BatchMaker {
 public:
  BatchMaker(ctf::DataStream* stream, const Schema& schema);
  [[nodiscard]] const Batch* next();

 private:
  ctf::ColumnReader reader_;
  const Schema& schema_;
  std::size_t first_class_;
  std::vector<Column> columns_;
  Batch batch_;
};

struct ReaderState {
  explicit ReaderState(ctf::TraceReader opened) : reader(std::move(opened)) {}

  ctf::TraceReader reader;
  std::shared_ptr<const Schema> schema{};
  std::shared_ptr<Reports> reports = std::make_shared<Reports>();
  ctf::TimeRange range{};
  Event event{};
  Event event_at{};
  std::vector<ctf::DataStream*> streams{};  // for next_batch()
  std::size_t stream = 0;
  std::optional<BatchMaker> batches{};
};

}  // namespace sillage::trace::detail
