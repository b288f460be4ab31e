/* SPDX-License-Identifier: MIT */
/* The C half of the program. */
#ifndef SILLAGE_TESTS_VALUES_VALUES_H
#define SILLAGE_TESTS_VALUES_VALUES_H

#ifdef __cplusplus
extern "C" {
#endif
void emit_from_c(void);
#ifdef __cplusplus
}
#endif
#endif
