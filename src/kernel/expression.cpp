// SPDX-License-Identifier: MIT
#include "kernel/expression.hpp"

#include "kernel/expression_syntax.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace sillage::kernel {
namespace {

struct FunctionName {
  std::string_view name;
  Function function;
  std::size_t arguments;
  std::uint32_t result_bytes;
};
constexpr std::array<FunctionName, 7> kFunctions{
    {{"highest_bit", Function::kHighestBit, 1, 8},
     {"swap16", Function::kSwap16, 1, 2},
     {"swap32", Function::kSwap32, 1, 4},
     {"jiffies", Function::kJiffies, 0, 8},
     {"cpu", Function::kCpu, 0, 4},
     {"interruptible", Function::kInterruptible, 0, 8},
     {"own_preemption", Function::kOwnPreemption, 0, 4}}};

bool is_composite(const TypeShape& shape) {
  return shape.kind == TypeKind::kStructure || shape.kind == TypeKind::kUnion;
}

bool is_scalar(const TypeShape& shape) {
  return shape.kind == TypeKind::kInteger || shape.kind == TypeKind::kBoolean ||
         shape.kind == TypeKind::kEnumeration || shape.kind == TypeKind::kPointer;
}

bool is_memory(const Node& node) { return node.kind == Node::Kind::kPlace && !node.is_pointer; }

Node constant(std::uint64_t value) {
  return {.kind = Node::Kind::kConstant, .is_signed = true, .constant = value};
}

Node operation(Operation which, Node left, Node right) {
  Node node{.kind = Node::Kind::kOperation, .operation = which};
  node.operands.push_back(std::move(left));
  node.operands.push_back(std::move(right));
  return node;
}

class Resolver {
 public:
  explicit Resolver(const Scope& scope) : scope_(scope), btf_(*scope.btf) {}

  Result<Node> resolve(const Syntax& syntax) const {
    switch (syntax.kind) {
      case Syntax::Kind::kNumber: return constant(syntax.number);
      case Syntax::Kind::kName: return name(syntax.text);
      case Syntax::Kind::kVariable: return variable(syntax.text);
      case Syntax::Kind::kSizeOf: return size_of(syntax.text);
      case Syntax::Kind::kCast: return cast(syntax);
      case Syntax::Kind::kArrow:
      case Syntax::Kind::kDot: return member(syntax);
      case Syntax::Kind::kIndex: return index(syntax);
      case Syntax::Kind::kEnumerator: return enumerator(syntax);
      case Syntax::Kind::kDereference: return dereference(syntax);
      case Syntax::Kind::kAddress: return address(syntax);
      case Syntax::Kind::kOperation: return compute(syntax);
      case Syntax::Kind::kChoice: return choice(syntax);
      case Syntax::Kind::kCall: return call(syntax);
      case Syntax::Kind::kAlternatives: return alternatives(syntax);
    }
    return mismatch("unknown syntax");
  }

 private:
  static tl::unexpected<Error> mismatch(std::string message) {
    return fail(Code::kInvalidArgument, std::move(message));
  }

  // A value of the type of `shape`, as an argument or a load has it.
  static void set_type(const TypeShape& shape, Node* node) {
    node->size_bytes = shape.size_bytes;
    node->is_signed = shape.is_signed;
    node->is_pointer = shape.kind == TypeKind::kPointer;
    node->type = node->is_pointer ? shape.target : shape.type;
  }

  Result<Node> name(const std::string& wanted) const {
    if (wanted == "current") {
      const auto task = btf_.find_tag("task_struct");
      if (!task)
        return fail(Code::kNotFound,
                    "the types of kernel " + btf_.release() + " have no struct task_struct");
      return Node{
          .kind = Node::Kind::kCurrent, .is_pointer = true, .is_known = true, .type = *task};
    }
    const auto& arguments = *scope_.arguments;
    const auto found =
        std::find_if(arguments.begin(), arguments.end(),
                     [&](const Parameter& argument) { return argument.name == wanted; });
    if (found == arguments.end())
      return fail(Code::kNotFound, "there is no argument " + wanted + " in kernel " +
                                       btf_.release() + ": " + argument_list());
    const TypeShape shape = btf_.shape(found->type);
    if (!is_scalar(shape))
      return mismatch("argument " + wanted + " is " + btf_.c_name(found->type) +
                      ", neither a number nor a pointer");
    Node node{.kind = Node::Kind::kArgument,
              .index = static_cast<std::uint32_t>(found - arguments.begin())};
    set_type(shape, &node);
    if (node.is_pointer) {
      // kernel/bpf/btf.c btf_ctx_access(): structures are followed, of others these are numbers.
      const TypeShape target = btf_.shape(shape.target);
      // What a cast names is the structure itself, and the kernel's own.
      node.is_known = is_composite(target) && !shape.is_user_memory && target.type.object == 0;
      if (node.is_known) node.type = target.type;
      node.is_refused = !is_composite(target) && target.kind != TypeKind::kInteger &&
                        target.kind != TypeKind::kBoolean && shape.target.id != 0;
    }
    return node;
  }

  [[nodiscard]] std::string argument_list() const {
    std::string list = "its arguments are (";
    for (const Parameter& argument : *scope_.arguments)
      list += (list.ends_with('(') ? "" : ", ") + (argument.name.empty() ? "?" : argument.name);
    return list + ")";
  }

  Result<Node> variable(const std::string& wanted) const {
    const auto found = scope_.variable ? scope_.variable(wanted) : std::nullopt;
    if (!found)
      return fail(Code::kNotFound, "kernel " + btf_.release() + " has no variable " + wanted +
                                       ", or hides its address (kernel.kptr_restrict)");
    return Node{.kind = Node::Kind::kVariable, .constant = *found};
  }

  Result<Node> size_of(const std::string& type) const {
    const auto found = btf_.find_type(type);
    if (!found) return tl::unexpected(found.error());
    return constant(btf_.shape(*found).size_bytes);
  }

  Result<Node> enumerator(const Syntax& syntax) const {
    const std::string& wanted = syntax.operands.front().text;
    if (const auto tag = btf_.find_tag(syntax.text)) {
      for (const Enumerator& one : btf_.enumerators(*tag))
        if (one.name == wanted) return constant(static_cast<std::uint64_t>(one.value));
    }
    return fail(Code::kNotFound,
                "enum " + syntax.text + " of kernel " + btf_.release() + " has no " + wanted);
  }

  Result<Node> cast(const Syntax& syntax) const {
    auto value = value_of(syntax.operands.front());
    if (!value) return value;
    const auto type = btf_.find_type(syntax.text);
    if (!type) return tl::unexpected(type.error());
    if (syntax.number == 1) {
      value->is_pointer = true;
      value->is_known = value->is_known && btf_.shape(value->type).type == btf_.shape(*type).type;
      value->type = *type;
      return value;
    }
    const TypeShape shape = btf_.shape(*type);
    if (!is_scalar(shape)) return mismatch("there are no values of type " + syntax.text);
    if (shape.kind != TypeKind::kPointer && shape.size_bytes < 8) {
      // Up, so that what is cut off falls out, and down again with the right sign.
      const std::uint64_t shift = 64 - 8 * std::uint64_t{shape.size_bytes};
      *value = operation(Operation::kShiftLeft, std::move(*value), constant(shift));
      value->is_signed = shape.is_signed;
      *value = operation(Operation::kShiftRight, std::move(*value), constant(shift));
    }
    const bool is_pointer = shape.kind == TypeKind::kPointer;
    // An address that is a number from here on, and no memory.
    if (!is_pointer && value->kind == Node::Kind::kPlace)
      *value = operation(Operation::kAdd, std::move(*value), constant(0));
    value->is_signed = shape.is_signed;
    value->is_pointer = is_pointer;
    value->is_known = false;
    value->type = is_pointer ? shape.target : shape.type;
    return value;
  }

  // Whether memory at `offset` from the pointer `base` can be loaded by the chunks that programs use.
  [[nodiscard]] bool is_loadable(const Node& base, std::uint32_t offset,
                                 std::uint32_t bytes) const {
    if (!base.is_known) return false;
    for (std::uint32_t at = 0; at < bytes;) {
      const std::uint32_t left = bytes - at;
      const std::uint32_t step = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      const auto load = btf_.verified_load(base.type, offset + at, step);
      if (load.kind == VerifiedLoad::Kind::kRefused) return false;
      at += step;
    }
    return true;
  }

  // What is at `offset` bytes from where `pointer` points, and is of type `type`.
  Result<Node> at(Node pointer, std::int64_t offset, const MemberPlace& place) const {
    if (pointer.kind == Node::Kind::kPlace) {  // an address of something: from its base
      offset += pointer.offset;
      Node base = std::move(pointer.operands.front());
      pointer = std::move(base);
    }
    offset += place.offset_bytes;
    if (offset < 0 || offset > std::numeric_limits<std::int16_t>::max() * std::int64_t{64})
      return mismatch("a place more than 2 MiB from where a pointer points");
    const TypeShape shape = btf_.shape(place.type);
    Node node{.offset = static_cast<std::int32_t>(offset)};
    if (!is_scalar(shape)) {
      if (shape.kind == TypeKind::kVoid || shape.kind == TypeKind::kFunction)
        return mismatch("there are no values of type " + btf_.c_name(place.type));
      node.kind = Node::Kind::kPlace;
      node.size_bytes = shape.size_bytes;
      node.type = shape.type;
      node.is_known = is_loadable(pointer, static_cast<std::uint32_t>(offset), shape.size_bytes);
      node.operands.push_back(std::move(pointer));
      return node;
    }
    node.kind = Node::Kind::kLoad;
    set_type(shape, &node);
    if (place.bit_count != 0) {
      place_bit_field(pointer, place, &node);
    } else {
      node.load_bytes = shape.size_bytes;
      check_load(&pointer, shape, &node);
    }
    node.operands.push_back(std::move(pointer));
    return node;
  }

  // Through a pointer that the verifier follows, if it lets this load pass.
  void check_load(Node* pointer, const TypeShape& shape, Node* node) const {
    if (!pointer->is_known) return;
    const auto load = btf_.verified_load(pointer->type, static_cast<std::uint32_t>(node->offset),
                                         node->load_bytes);
    pointer->is_known = load.kind != VerifiedLoad::Kind::kRefused;
    node->is_known = load.kind == VerifiedLoad::Kind::kPointer && node->is_pointer &&
                     load.target == btf_.shape(shape.target).type;
  }

  // The smallest aligned load that has all bits of a field.
  void place_bit_field(Node& pointer, const MemberPlace& place, Node* node) const {
    const std::uint64_t begin = std::uint64_t(node->offset) * 8 + place.bit_shift;
    const std::uint64_t end = begin + place.bit_count;
    bool is_placed = false;
    for (std::uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
      const std::uint64_t first = begin / 8 / bytes * bytes;
      if ((first + bytes) * 8 < end) continue;
      const bool is_allowed =
          pointer.is_known &&
          btf_.verified_load(pointer.type, static_cast<std::uint32_t>(first), bytes).kind ==
              VerifiedLoad::Kind::kScalar;
      if (is_placed && !is_allowed) continue;
      node->offset = static_cast<std::int32_t>(first);
      node->load_bytes = bytes;
      node->bit_shift = static_cast<std::uint32_t>(begin - first * 8);
      node->bit_count = place.bit_count;
      is_placed = true;
      if (is_allowed) return;
    }
    pointer.is_known = false;
  }

  Result<Node> member(const Syntax& syntax) const {
    auto base = resolve(syntax.operands.front());
    if (!base) return base;
    const bool is_arrow = syntax.kind == Syntax::Kind::kArrow;
    if (is_arrow ? !base->is_pointer : !is_memory(*base))
      return mismatch(
          std::string(is_arrow ? "-> behind what is no pointer" : ". behind what is no structure") +
          ", before " + syntax.text);
    if (!is_composite(btf_.shape(base->type)))
      return mismatch("member " + syntax.text + " of " + btf_.c_name(base->type) +
                      ", which is no structure");
    const auto place = btf_.member(base->type, syntax.text);
    if (!place) return tl::unexpected(place.error());
    return at(std::move(*base), 0, *place);
  }

  Result<Node> index(const Syntax& syntax) const {
    auto base = resolve(syntax.operands.front());
    if (!base) return base;
    TypeRef element = base->type;
    if (!base->is_pointer) {
      const TypeShape shape = btf_.shape(base->type);
      if (!is_memory(*base) || shape.kind != TypeKind::kArray)
        return mismatch("[ ] behind what is neither an array nor a pointer");
      element = shape.target;
    }
    auto number = value_of(syntax.operands.back());
    if (!number) return number;
    const std::uint32_t bytes = btf_.shape(element).size_bytes;
    if (number->kind == Node::Kind::kConstant) {
      if (bytes == 0 || number->constant > (1u << 20) / bytes)
        return mismatch("index " + std::to_string(number->constant) + " of " +
                        btf_.c_name(element));
      return at(std::move(*base), static_cast<std::int64_t>(number->constant * bytes),
                {.type = element});
    }
    // What is at a place that is known only when the program runs, the verifier does not know.
    const bool is_refused = base->is_known;
    base->is_pointer = true;
    base->is_known = false;
    Node place = operation(Operation::kAdd, std::move(*base),
                           operation(Operation::kMultiply, std::move(*number), constant(bytes)));
    place.is_pointer = true;
    place.is_refused = is_refused;
    place.type = element;
    return at(std::move(place), 0, {.type = element});
  }

  Result<Node> dereference(const Syntax& syntax) const {
    auto base = resolve(syntax.operands.front());
    if (!base) return base;
    if (!base->is_pointer) return mismatch("* before what is no pointer");
    const TypeRef target = base->type;
    return at(std::move(*base), 0, {.type = target});
  }

  Result<Node> address(const Syntax& syntax) const {
    auto what = resolve(syntax.operands.front());
    if (!what) return what;
    const bool is_member = what->kind == Node::Kind::kLoad && what->bit_count == 0;
    if (!is_member && !is_memory(*what)) return mismatch("& before what has no address");
    if (is_member && what->is_pointer) return mismatch("& before a pointer");
    what->kind = Node::Kind::kPlace;
    what->is_pointer = true;
    what->is_signed = false;
    what->is_known = false;
    what->size_bytes = 8;
    return what;
  }

  // An array or a structure as its address.
  Result<Node> value_of(const Syntax& syntax) const {
    auto value = resolve(syntax);
    if (!value || !is_memory(*value)) return value;
    const TypeShape shape = btf_.shape(value->type);
    if (shape.kind != TypeKind::kArray)
      return mismatch(btf_.c_name(value->type) + " is not a number");
    value->is_pointer = true;
    value->is_known = false;
    value->size_bytes = 8;
    value->type = shape.target;
    return value;
  }

  Result<Node> compute(const Syntax& syntax) const {
    Node node{.kind = Node::Kind::kOperation, .operation = syntax.operation};
    for (const Syntax& operand : syntax.operands) {
      auto value = value_of(operand);
      if (!value) return value;
      node.operands.push_back(std::move(*value));
    }
    const bool is_comparison =
        syntax.operation == Operation::kEqual || syntax.operation == Operation::kNotEqual ||
        syntax.operation == Operation::kLogicalAnd || syntax.operation == Operation::kLogicalOr ||
        syntax.operation == Operation::kNot;
    node.is_refused = !is_comparison && std::any_of(node.operands.begin(), node.operands.end(),
                                                    [](const Node& n) { return n.is_known; });
    if (syntax.operation == Operation::kNegate &&
        node.operands.front().kind == Node::Kind::kConstant)
      return constant(0 - node.operands.front().constant);
    switch (syntax.operation) {
      case Operation::kEqual:
      case Operation::kNotEqual:
      case Operation::kLess:
      case Operation::kLessOrEqual:
      case Operation::kGreater:
      case Operation::kGreaterOrEqual:
      case Operation::kLogicalAnd:
      case Operation::kLogicalOr:
      case Operation::kNot: node.is_signed = true; break;
      case Operation::kShiftLeft:
      case Operation::kShiftRight: node.is_signed = node.operands.front().is_signed; break;
      case Operation::kNegate: node.is_signed = true; break;
      default:
        node.is_signed = std::all_of(node.operands.begin(), node.operands.end(),
                                     [](const Node& operand) { return operand.is_signed; });
    }
    return node;
  }

  Result<Node> choice(const Syntax& syntax) const {
    Node node{.kind = Node::Kind::kChoice};
    for (const Syntax& operand : syntax.operands) {
      auto value = value_of(operand);
      if (!value) return value;
      node.operands.push_back(std::move(*value));
    }
    const Node& yes = node.operands[1];
    const Node& no = node.operands[2];
    node.is_signed = yes.is_signed && no.is_signed;
    node.is_pointer = yes.is_pointer || no.is_pointer;
    if (node.is_pointer) node.type = yes.is_pointer ? yes.type : no.type;
    return node;
  }

  // id_in(map, id): the first three ranges, one more than anybody has; outside of them the overflow id.
  static Syntax id_in(const Syntax& map, const Syntax& id) {
    const auto number = [](std::uint64_t value) {
      return Syntax{.kind = Syntax::Kind::kNumber, .number = value};
    };
    const auto member = [](Syntax of, const char* name) {
      return Syntax{.kind = Syntax::Kind::kDot, .text = name, .operands = {std::move(of)}};
    };
    const auto compute = [](Operation which, Syntax left, Syntax right) {
      return Syntax{.kind = Syntax::Kind::kOperation,
                    .operation = which,
                    .operands = {std::move(left), std::move(right)}};
    };
    Syntax value = number(65534);
    for (std::uint64_t n = 3; n-- > 0;) {
      const Syntax range{.kind = Syntax::Kind::kIndex,
                         .operands = {member(map, "extent"), number(n)}};
      const Syntax first = member(range, "lower_first");
      const Syntax inside = compute(Operation::kSubtract, id, first);
      Syntax is_in =
          compute(Operation::kLogicalAnd,
                  compute(Operation::kLogicalAnd,
                          compute(Operation::kGreater, member(map, "nr_extents"), number(n)),
                          compute(Operation::kGreaterOrEqual, id, first)),
                  compute(Operation::kLess, inside, member(range, "count")));
      value = Syntax{
          .kind = Syntax::Kind::kChoice,
          .operands = {std::move(is_in), compute(Operation::kAdd, inside, member(range, "first")),
                       std::move(value)}};
    }
    return value;
  }

  Result<Node> call(const Syntax& syntax) const {
    if (syntax.text == "id_in" && syntax.operands.size() == 2)
      return resolve(id_in(syntax.operands.front(), syntax.operands.back()));
    const auto* found =
        std::find_if(kFunctions.begin(), kFunctions.end(),
                     [&](const FunctionName& known) { return known.name == syntax.text; });
    if (found == kFunctions.end()) return mismatch("there is no function " + syntax.text);
    if (found->arguments != syntax.operands.size())
      return mismatch(syntax.text + "() has " + std::to_string(found->arguments) + " arguments");
    Node node{
        .kind = Node::Kind::kCall, .size_bytes = found->result_bytes, .function = found->function};
    if (node.function == Function::kInterruptible) {
      node.is_signed = true;
      const auto disable = btf_.find_function("bpf_local_irq_save");
      const auto enable = btf_.find_function("bpf_local_irq_restore");
      if (disable && enable) {
        node.index = disable->id;
        node.constant = enable->id;
      }
    }
    for (const Syntax& operand : syntax.operands) {
      auto value = value_of(operand);
      if (!value) return value;
      node.operands.push_back(std::move(*value));
    }
    return node;
  }

  Result<Node> alternatives(const Syntax& syntax) const {
    std::optional<Error> first;
    for (const Syntax& operand : syntax.operands) {
      auto value = resolve(operand);
      if (value) return value;
      if (!first) first = std::move(value).error();
    }
    return tl::unexpected(std::move(*first));
  }

  const Scope& scope_;
  const Btf& btf_;
};

}  // namespace

Result<Node> resolve(const Syntax& syntax, const Scope& scope) {
  return Resolver(scope).resolve(syntax);
}

void forget_argument_types(Node* node) {
  for (Node& operand : node->operands) forget_argument_types(&operand);
  if (node->kind == Node::Kind::kArgument ||
      (!node->operands.empty() && !node->operands.front().is_known))
    node->is_known = false;
}

bool needs_raw_arguments(const Node& node) {
  return node.is_refused ||
         std::any_of(node.operands.begin(), node.operands.end(), needs_raw_arguments);
}

}  // namespace sillage::kernel
