/* SPDX-License-Identifier: MIT */
/* The HTML page (html.c): its drawings (html_draw.c) and its style sheet (html_style.c). */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdio.h>
#include "check/report/finding.h"

extern const char report_html_style[];

/* Writes text with the special characters of HTML and XML escaped, also for use in attributes. */
void report_html_text(FILE *out, const char *text);

/* Draws the object and the access, byte by byte, to scale. Nothing if no object is known. */
void report_html_object(FILE *out, const struct report_finding *f);

/* Draws the objects around it, to scale. Nothing if there are none. */
void report_html_around(FILE *out, const struct report_finding *f);

/* Draws the heap's size over time, with the object's lifetime. Nothing without samples. */
void report_html_timeline(FILE *out, const struct report_finding *f);

#endif
