/* SPDX-License-Identifier: MIT */
/* Counting and walking the arguments of a variadic macro. The first argument is not walked over: that way there is
 * always one, and no compiler complains of an empty list. */
#ifndef SILLAGE_DETAIL_EACH_H
#define SILLAGE_DETAIL_EACH_H

#define SILLAGE_I_JOIN(a, b) SILLAGE_I_JOIN_(a, b)
#define SILLAGE_I_JOIN_(a, b) a##b

/* clang-format off */
/* SILLAGE_I_COUNT(x, f1 ... fn) is n up to 32, then SILLAGE_ERROR_MORE_THAN_32_FIELDS, up to 63 of them. */
#define SILLAGE_I_COUNT(...) SILLAGE_I_COUNT_(__VA_ARGS__, \
  SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, \
  SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, \
  SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, \
  SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, \
  SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, SILLAGE_ERROR_MORE_THAN_32_FIELDS, \
  SILLAGE_ERROR_MORE_THAN_32_FIELDS, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, \
  10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
#define SILLAGE_I_COUNT_( \
  _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, _21, _22, \
  _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, _35, _36, _37, _38, _39, _40, _41, _42, _43, \
  _44, _45, _46, _47, _48, _49, _50, _51, _52, _53, _54, _55, _56, _57, _58, _59, _60, _61, _62, _63, n, ...) n

/* SILLAGE_I_EACH(m, x, f1 ... fn) is m(f1) ... m(fn). */
#define SILLAGE_I_EACH(m, ...) SILLAGE_I_JOIN(SILLAGE_I_EACH_, SILLAGE_I_COUNT(__VA_ARGS__))(m, __VA_ARGS__)
#define SILLAGE_I_EACH_SILLAGE_ERROR_MORE_THAN_32_FIELDS(m, ...)
#define SILLAGE_I_EACH_0(m, x)
#define SILLAGE_I_EACH_1(m, x, f) m(f)
#define SILLAGE_I_EACH_2(m, x, f, ...) m(f) SILLAGE_I_EACH_1(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_3(m, x, f, ...) m(f) SILLAGE_I_EACH_2(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_4(m, x, f, ...) m(f) SILLAGE_I_EACH_3(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_5(m, x, f, ...) m(f) SILLAGE_I_EACH_4(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_6(m, x, f, ...) m(f) SILLAGE_I_EACH_5(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_7(m, x, f, ...) m(f) SILLAGE_I_EACH_6(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_8(m, x, f, ...) m(f) SILLAGE_I_EACH_7(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_9(m, x, f, ...) m(f) SILLAGE_I_EACH_8(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_10(m, x, f, ...) m(f) SILLAGE_I_EACH_9(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_11(m, x, f, ...) m(f) SILLAGE_I_EACH_10(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_12(m, x, f, ...) m(f) SILLAGE_I_EACH_11(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_13(m, x, f, ...) m(f) SILLAGE_I_EACH_12(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_14(m, x, f, ...) m(f) SILLAGE_I_EACH_13(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_15(m, x, f, ...) m(f) SILLAGE_I_EACH_14(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_16(m, x, f, ...) m(f) SILLAGE_I_EACH_15(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_17(m, x, f, ...) m(f) SILLAGE_I_EACH_16(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_18(m, x, f, ...) m(f) SILLAGE_I_EACH_17(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_19(m, x, f, ...) m(f) SILLAGE_I_EACH_18(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_20(m, x, f, ...) m(f) SILLAGE_I_EACH_19(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_21(m, x, f, ...) m(f) SILLAGE_I_EACH_20(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_22(m, x, f, ...) m(f) SILLAGE_I_EACH_21(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_23(m, x, f, ...) m(f) SILLAGE_I_EACH_22(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_24(m, x, f, ...) m(f) SILLAGE_I_EACH_23(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_25(m, x, f, ...) m(f) SILLAGE_I_EACH_24(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_26(m, x, f, ...) m(f) SILLAGE_I_EACH_25(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_27(m, x, f, ...) m(f) SILLAGE_I_EACH_26(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_28(m, x, f, ...) m(f) SILLAGE_I_EACH_27(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_29(m, x, f, ...) m(f) SILLAGE_I_EACH_28(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_30(m, x, f, ...) m(f) SILLAGE_I_EACH_29(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_31(m, x, f, ...) m(f) SILLAGE_I_EACH_30(m, x, __VA_ARGS__)
#define SILLAGE_I_EACH_32(m, x, f, ...) m(f) SILLAGE_I_EACH_31(m, x, __VA_ARGS__)
/* clang-format on */

#endif
