/* SPDX-License-Identifier: MIT */
/*
 * FOR_EACH(m, a, b, ...) expands to m(a) m(b) ... It takes one to eight arguments after m; an
 * argument must not be empty.
 */
#ifndef COMMON_FOREACH_H
#define COMMON_FOREACH_H

#define FE_1(m, a)					   m(a)
#define FE_2(m, a, ...)					   m(a) FE_1(m, __VA_ARGS__)
#define FE_3(m, a, ...)					   m(a) FE_2(m, __VA_ARGS__)
#define FE_4(m, a, ...)					   m(a) FE_3(m, __VA_ARGS__)
#define FE_5(m, a, ...)					   m(a) FE_4(m, __VA_ARGS__)
#define FE_6(m, a, ...)					   m(a) FE_5(m, __VA_ARGS__)
#define FE_7(m, a, ...)					   m(a) FE_6(m, __VA_ARGS__)
#define FE_8(m, a, ...)					   m(a) FE_7(m, __VA_ARGS__)
#define FE_PICK(_1, _2, _3, _4, _5, _6, _7, _8, name, ...) name
#define FOR_EACH(m, ...)                                                                           \
	FE_PICK(__VA_ARGS__, FE_8, FE_7, FE_6, FE_5, FE_4, FE_3, FE_2, FE_1, )(m, __VA_ARGS__)

#define FC_1(m, a)	m(a)
#define FC_2(m, a, ...) m(a), FC_1(m, __VA_ARGS__)
#define FC_3(m, a, ...) m(a), FC_2(m, __VA_ARGS__)
#define FC_4(m, a, ...) m(a), FC_3(m, __VA_ARGS__)
#define FC_5(m, a, ...) m(a), FC_4(m, __VA_ARGS__)
#define FC_6(m, a, ...) m(a), FC_5(m, __VA_ARGS__)
#define FC_7(m, a, ...) m(a), FC_6(m, __VA_ARGS__)
#define FC_8(m, a, ...) m(a), FC_7(m, __VA_ARGS__)
/* Expands to m(a), m(b), ... with the same limits. */
#define FOR_EACH_COMMA(m, ...)                                                                     \
	FE_PICK(__VA_ARGS__, FC_8, FC_7, FC_6, FC_5, FC_4, FC_3, FC_2, FC_1, )(m, __VA_ARGS__)

#endif
