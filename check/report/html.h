/* SPDX-License-Identifier: MIT */
/* Parts of the page (html.c) that are drawings (html_draw.c), and the style sheet (html_style.c).
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdio.h>
#include "check/report/finding.h"

extern const char report_html_style[];

/* Text as HTML, also inside of attributes. */
void report_html_text(FILE *out, const char *text);

/* The object and the access, byte by byte, to scale. Nothing where no object is known. */
void report_html_object(FILE *out, const struct report_finding *f);

/* The objects around it, to scale. Nothing where there are none. */
void report_html_around(FILE *out, const struct report_finding *f);

/* The heap's size over time, with the object's life. Nothing without samples. */
void report_html_timeline(FILE *out, const struct report_finding *f);

#endif
