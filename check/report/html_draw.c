// SPDX-License-Identifier: MIT
/*
 * Drawings as inline SVG; the style sheet has the colours. Addresses and sizes come from the guest
 * and may have any value, so positions are computed as doubles from differences that are clamped.
 */
#include <inttypes.h>
#include <math.h>
#include "check/report/html.h"
#include "check/report/words.h"

#define WIDTH  960.0 /* of a drawing, in its own units; the page scales it */
#define MARGIN 24.0
#define PAGE   4096UL

/* The range of addresses that a drawing shows. */
struct scale {
	u64 from, to;
};

static double at(const struct scale *s, u64 addr)
{
	double span = (double)(s->to - s->from);

	if (addr <= s->from)
		return MARGIN;
	if (addr >= s->to)
		return WIDTH - MARGIN;
	return MARGIN + (double)(addr - s->from) / span * (WIDTH - 2 * MARGIN);
}

static u64 add_clamped(u64 a, u64 b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static u64 subtract_clamped(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

static void begin_svg(FILE *out, double height, const char *what)
{
	fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n", WIDTH,
		height, what);
}

/* Begins a box that is at least two units wide, so that it is visible. */
static void put_box(FILE *out, const char *class, double x0, double x1, double y, double height)
{
	fprintf(out,
		"<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
		"rx=\"2\">",
		class, x0, y, fmax(x1 - x0, 2), height);
}

static void put_label(FILE *out, const char *class, double x, double y)
{
	const char *anchor = x < WIDTH / 4 ? "start" : x > WIDTH * 3 / 4 ? "end" : "middle";

	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class, x, y,
		anchor);
}

/* "1.5 MB" */
static void put_bytes(FILE *out, u64 n)
{
	static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)n;
	u32 unit = 0;

	while (value >= 1000 && unit < ARRAY_SIZE(units) - 1) {
		value /= 1000;
		unit++;
	}
	if (!unit)
		fprintf(out, "%" PRIu64 " byte%s", n, n == 1 ? "" : "s");
	else
		fprintf(out, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* Returns a power of two as the length of a step, with which range has at most the given number. */
static u64 nice_step(u64 range, u64 steps)
{
	u64 step = 1;

	while (range / step > steps && step < 1UL << 62)
		step *= 2;
	return step;
}

/* Draws a ruler below the bytes, with offsets from the start of the object. */
static void put_ruler(FILE *out, const struct scale *s, u64 start, double y)
{
	u64 step = nice_step(s->to - s->from, 14);
	s64 first = (s64)(s->from - start), last = (s64)(s->to - start);

	first -= first % (s64)step;
	fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", MARGIN, y, WIDTH - MARGIN);
	for (s64 offset = first; offset <= last && last - offset >= 0;) {
		double x = at(s, start + (u64)offset);

		if ((s64)(start + (u64)offset - s->from) >= 0) {
			fprintf(out, "<path class=\"axis\" d=\"M%.2f %.1fv5\"/>", x, y);
			fprintf(out,
				"<text class=\"tick\" x=\"%.2f\" y=\"%.1f\" "
				"text-anchor=\"middle\">%" PRId64 "</text>\n",
				x, y + 18, offset);
		}
		if (__builtin_add_overflow(offset, (s64)step, &offset))
			break;
	}
}

static const char *state_class(u32 state)
{
	static const char *const classes[] = {
		[0] = "live",
		[CHK_STATE_LIVE] = "live",
		[CHK_STATE_FREED] = "freed",
		[CHK_STATE_REALLOCATED] = "freed",
	};

	return classes[state];
}

static const char *state_word(u32 state)
{
	static const char *const words[] = {
		[0] = "",
		[CHK_STATE_LIVE] = "live",
		[CHK_STATE_FREED] = "freed",
		[CHK_STATE_REALLOCATED] = "moved by realloc",
	};

	return words[state];
}

/* Draws the unmapped memory behind a live object at level page. */
static void put_guard(FILE *out, const struct report_finding *f, const struct scale *s, double y,
		      double height)
{
	const struct check_object *o = &f->head.object;
	u64 guard = ALIGN_UP(o->start + o->size, PAGE);

	if (o->level != CHK_LEVEL_PAGE || o->state != CHK_STATE_LIVE || guard >= s->to ||
	    guard < o->start)
		return;
	put_box(out, "guard", at(s, guard), WIDTH - MARGIN, y, height);
	fputs("<title>no memory: the guard page</title></rect>\n", out);
}

void report_html_object(FILE *out, const struct report_finding *f)
{
	const struct check_object *o = &f->head.object;
	u64 addr = report_address(f), size = report_size(f) ? report_size(f) : 1;
	u64 end = o->start + o->size, access_end = add_clamped(addr, size);
	bool leak = f->head.kind == CHECK_LEAK || f->head.kind == CHECK_REACHABLE_AT_EXIT;
	struct scale s;
	double x;
	u64 pad;

	/* If object and access are too far apart for one drawing, the title has the numbers. */
	if (!o->state || leak || f->head.kind == CHECK_BAD_SIZE ||
	    subtract_clamped(o->start, access_end) > 1UL << 30 ||
	    subtract_clamped(addr, end) > 1UL << 30)
		return;
	s.from = MIN(o->start, addr);
	s.to = MAX(end, access_end);
	pad = MAX((s.to - s.from) / 10, 4UL);
	s.from = subtract_clamped(s.from, pad);
	s.to = add_clamped(s.to, pad);

	fputs("<figure><figcaption>The object, byte by byte</figcaption>\n", out);
	begin_svg(out, 132, "the object and the access, to scale");
	put_guard(out, f, &s, 44, 40);
	put_box(out, state_class(o->state), at(&s, o->start), at(&s, end), 44, 40);
	fputs("</rect>\n", out);
	x = (at(&s, o->start) + at(&s, end)) / 2;
	fprintf(out, "<text class=\"inside\" x=\"%.1f\" y=\"69\" text-anchor=\"middle\">", x);
	put_bytes(out, o->size);
	fprintf(out, ", %s</text>\n", state_word(o->state));

	put_box(out, "access", at(&s, addr), at(&s, access_end), 38, 52);
	fputs("</rect>\n", out);
	x = (at(&s, addr) + at(&s, access_end)) / 2;
	fprintf(out, "<path class=\"arrow\" d=\"M%.2f 34l-6 -9h12z\"/>", x);
	put_label(out, "access-label", x, 18);
	fprintf(out, "0x%" PRIx64 "</text>\n", addr);
	put_ruler(out, &s, o->start, 98);
	fputs("</svg></figure>\n", out);
}

static void put_neighbour(FILE *out, const struct scale *s, const struct check_object *o, bool self)
{
	char class[32];

	snprintf(class, sizeof(class), "%s%s", state_class(o->state), self ? " self" : "");
	put_box(out, class, at(s, o->start), at(s, o->start + o->size), self ? 20 : 28,
		self ? 40 : 24);
	fprintf(out, "<title>0x%" PRIx64 ": ", o->start);
	put_bytes(out, o->size);
	fprintf(out, ", %s</title></rect>\n", state_word(o->state));
}

void report_html_around(FILE *out, const struct report_finding *f)
{
	const struct check_object *self = &f->head.object;
	struct scale s = {UINT64_MAX, 0};
	u32 others = 0;

	if (!self->state)
		return;
	for (u32 i = 0; i < f->around_count; i++) {
		const struct check_object *o = &f->around[i];

		if (!o->state || o->start == self->start)
			continue;
		s.from = MIN(s.from, o->start);
		s.to = MAX(s.to, o->start + o->size);
		others++;
	}
	if (!others)
		return;
	s.from = MIN(s.from, self->start);
	s.to = MAX(s.to, add_clamped(self->start, MAX(self->size, 1UL)));
	fputs("<figure><figcaption>The heap around it, to scale</figcaption>\n", out);
	begin_svg(out, 92, "neighbouring objects, to scale");
	fprintf(out, "<path class=\"axis\" d=\"M%.1f 68H%.1f\"/>\n", MARGIN, WIDTH - MARGIN);
	for (u32 i = 0; i < f->around_count; i++)
		if (f->around[i].state && f->around[i].start != self->start)
			put_neighbour(out, &s, &f->around[i], false);
	put_neighbour(out, &s, self, true);
	fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"84\">0x%" PRIx64 "</text>", MARGIN,
		s.from);
	fprintf(out,
		"<text class=\"tick\" x=\"%.1f\" y=\"84\" text-anchor=\"end\">0x%" PRIx64
		"</text>\n",
		WIDTH - MARGIN, s.to);
	fputs("</svg></figure>\n", out);
}

static void put_moment(FILE *out, const struct scale *s, u64 seq, const char *class,
		       const char *label, double y)
{
	double x = at(s, seq);

	if (!seq || seq < s->from || seq > s->to)
		return;
	fprintf(out, "<path class=\"%s\" d=\"M%.2f %.1fV150\"/>", class, x, y + 4);
	put_label(out, "moment", x, y);
	fprintf(out, "%s</text>\n", label);
}

void report_html_timeline(FILE *out, const struct report_finding *f)
{
	const struct check_object *o = &f->head.object;
	u64 most = 1, last = 0;
	struct scale s;

	if (f->samples_count < 2)
		return;
	for (u32 i = 0; i < f->samples_count; i++) {
		most = MAX(most, f->samples[i].live_bytes);
		last = MAX(last, f->samples[i].seq);
	}
	s.from = f->samples[0].seq;
	s.to = last;
	if (s.to <= s.from)
		return;
	fputs("<figure><figcaption>Bytes in use, by operation of the heap</figcaption>\n", out);
	begin_svg(out, 176, "size of the heap over time");
	fprintf(out, "<path class=\"area\" d=\"M%.1f 150", MARGIN);
	for (u32 i = 0; i < f->samples_count; i++)
		fprintf(out, "L%.2f %.2f", at(&s, f->samples[i].seq),
			150 - 100.0 * (double)f->samples[i].live_bytes / (double)most);
	fprintf(out, "L%.1f 150z\"/>\n", WIDTH - MARGIN);
	fprintf(out, "<path class=\"axis\" d=\"M%.1f 150H%.1f\"/>\n", MARGIN, WIDTH - MARGIN);
	fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"46\">", MARGIN);
	put_bytes(out, most);
	fputs("</text>", out);
	fprintf(out,
		"<text class=\"tick\" x=\"%.1f\" y=\"168\">%" PRIu64 "</text>"
		"<text class=\"tick\" x=\"%.1f\" y=\"168\" text-anchor=\"end\">%" PRIu64
		"</text>\n",
		MARGIN, s.from, WIDTH - MARGIN, s.to);
	put_moment(out, &s, o->alloc_seq, "born", "allocated", 14);
	put_moment(out, &s, o->free_seq, "died",
		   o->state == CHK_STATE_REALLOCATED ? "moved" : "freed", 30);
	fputs("</svg></figure>\n", out);
}
