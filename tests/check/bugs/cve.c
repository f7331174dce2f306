// SPDX-License-Identifier: MIT
/*
 * Shapes of bugs that were found in well-known programs, each reduced to a few lines of our own.
 * The CVE named is where the shape became famous.
 */
#include "bug.h"

#include <stdarg.h>

/* CVE-2014-0160, Heartbleed: the answer is as long as the request claims to be. */
struct heartbeat {
	unsigned char type, length_high, length_low;
	unsigned char payload[61];
};

static unsigned char *heartbeat_answer(const struct heartbeat *request, size_t received)
{
	size_t length = request->length_high << 8 | request->length_low;
	unsigned char *answer;
	if (!bad && length + 3 > received)
		return NULL;
	answer = malloc(length + 16);
	memcpy(answer, hide(request->payload), length);
	return answer;
}

BUG(heartbleed,
    "heap-overflow read ? at ? of 64; in=..,heartbeat_answer,heartbleed; alloc=heartbleed")
{
	struct heartbeat *request = calloc(1, sizeof(*request));
	request->length_high = 0x40;
	free(heartbeat_answer(request, sizeof(*request)));
	free(request);
}

/* CVE-2021-3156, sudo: a backslash at the end takes the copy past the NUL, and the target. */
static void unescape(char *to, const char *from)
{
	while (*from) {
		if (from[0] == '\\' && (bad || from[1]))
			from++;
		*(volatile char *)to++ = *from++;
	}
	*(volatile char *)to = 0;
}

BUG(baron_samedit, "heap-overflow write 1 at 16 of 16; in=unescape,baron_samedit")
{
	static const char args[] = "-s\0fourteen chars\\\0and then the environment";
	char *buffer = malloc(bad ? 16 : 32);
	unescape(buffer, args + 3);
	free(buffer);
}

/* CVE-2018-16864 and many others: space for the characters, but not for the NUL. */
BUG(off_by_one_nul, "heap-overflow write 1 at 32 of 32")
{
	const char *text = "thirty-two characters are here..";
	size_t length = strlen(text);
	char *copy = malloc(bad ? length : length + 1);
	memcpy(copy, text, length);
	((volatile char *)hide(copy))[length] = 0;
	free(copy);
}

/* CVE-2002-0639, OpenSSH: a count from the network times a size, in 32 bits. */
BUG(product_overflows, "heap-overflow write 8 at 16 of 16")
{
	uint32_t count = 0x20000002;
	uint64_t *items;
	size_t fill = bad ? 4 : 2;
	items = malloc((uint32_t)(count * sizeof(*items)));
	for (size_t i = 0; i < fill; i++)
		((volatile uint64_t *)items)[i] = i;
	free(items);
}

/* CVE-2015-0235, GHOST: space for two pointers is reserved, three are stored. */
BUG(ghost, "heap-overflow write ? at ? of 48; in=..,ghost")
{
	const char *name = "0000000000000000000000000000000";
	size_t pointers = bad ? 2 : 3, size = pointers * sizeof(char *) + strlen(name) + 1;
	char *buffer = malloc(size), *host = buffer + 3 * sizeof(char *);
	strcpy(hide(host), hide(name));
	free(buffer);
}

/* CVE-2019-11932, double free of a GIF's frames: a resize to nothing releases, the error path too.
 */
struct image {
	char *raster;
	int width;
};

static int image_resize(struct image *image, int width)
{
	char *raster;
	if (width == 0) {
		free(image->raster);
		if (!bad)
			image->raster = NULL;
		return -1;
	}
	raster = realloc(image->raster, width);
	image->raster = raster;
	return 0;
}

static void image_close(struct image *image)
{
	free(image->raster);
	free(image);
}

BUG(error_path, "double-free at 0 of 64; in=image_close,error_path; alloc=error_path; "
		"free=image_resize,error_path")
{
	struct image *image = calloc(1, sizeof(*image));
	image->raster = malloc(64);
	image_resize(image, 0);
	image_close(image);
}

/* CVE-2011-3026 and its kind: the vector grows while another function holds an element. */
struct vector {
	int *item;
	size_t used, size;
};

static int *vector_add(struct vector *v, int value)
{
	if (v->used == v->size) {
		v->size = v->size ? v->size * 2 : 16;
		v->item = realloc(v->item, v->size * sizeof(*v->item));
	}
	v->item[v->used] = value;
	return &v->item[v->used++];
}

BUG(growing_vector, "heap-use-after-realloc read 4 at 0 of 64; alloc=vector_add,growing_vector; "
		    "free=vector_add,growing_vector")
{
	struct vector v = {0};
	int *first = vector_add(&v, 7);
	for (int i = 0; i < 500; i++)
		vector_add(&v, i);
	sink = *(volatile int *)(bad ? hide(first) : v.item);
	free(v.item);
}

/* A callback that ends its own registration, which the caller still walks (CVE-2014-1776). */
struct timer {
	struct timer *next;
	void (*call)(struct timer *);
	long due;
};

static struct timer *timers;

static void fire_once(struct timer *t)
{
	timers = t->next;
	free(t);
}

static void run_timers(void)
{
	struct timer *t = timers, *next;
	while (t) {
		next = t->next;
		t->call(t);
		t = bad ? ((struct timer *)hide(t))->next : next;
	}
}

BUG(callback_frees_itself,
    "heap-use-after-free read 8 at 0 of 24; in=run_timers,callback_frees_itself; "
    "alloc=callback_frees_itself; free=fire_once,run_timers")
{
	for (int i = 0; i < 2; i++) {
		struct timer *t = malloc(sizeof(*t));
		*t = (struct timer){timers, fire_once, i};
		timers = t;
	}
	run_timers();
}

/* CVE-2016-0728: a count of references that wraps to zero releases what is in use. */
struct keyring {
	unsigned char uses;
	char name[31];
};

static void keyring_get(struct keyring *k)
{
	k->uses++;
}

static void keyring_put(struct keyring *k)
{
	if (--k->uses == 0)
		free(k);
}

BUG(count_wraps,
    "heap-use-after-free read 1 at 1 of 32; alloc=count_wraps; free=keyring_put,count_wraps")
{
	struct keyring *k = calloc(1, sizeof(*k));
	k->uses = 1;
	for (int i = 0; i < (bad ? 256 : 200); i++)
		keyring_get(k);
	for (int i = 0; i < (bad ? 1 : 200); i++)
		keyring_put(k);
	sink = ((volatile struct keyring *)hide(k))->name[0];
	if (!bad)
		keyring_put(k);
}

/* CVE-2017-14491, dnsmasq: an answer's header is added after the room was checked. */
static char *add_bytes(char *at, char *limit, const char *bytes, size_t count)
{
	if (at + count > limit)
		return at;
	for (size_t i = 0; i < count; i++)
		((volatile char *)at)[i] = bytes[i];
	return at + count;
}

BUG(header_after_check, "heap-overflow write 1 at 64 of 64; in=add_bytes,header_after_check")
{
	char *packet = malloc(64), *at = packet, *limit = packet + (bad ? 74 : 64);
	for (int i = 0; i < 7; i++)
		at = add_bytes(at, limit, "0123456789", 10);
	free(packet);
}

/* CVE-2018-6789, exim: the length of what base64 encodes, rounded the wrong way. */
BUG(base64_length, "heap-overflow write 1 at 48 of 48")
{
	const char *code = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3g";
	size_t length = strlen(code), out = 0;
	char *plain = malloc(bad ? length / 4 * 3 : (length / 4 + 1) * 3);
	for (size_t i = 0; i + 1 < length; i += 4) {
		size_t here = length - i < 4 ? length - i - 1 : 3;
		while (here--)
			((volatile char *)plain)[out++] = code[i];
	}
	free(plain);
}

/* CVE-2022-3602, OpenSSL punycode: one word more than the limit says. */
BUG(one_word_more, "heap-overflow write 4 at 2048 of 2048")
{
	enum { LIMIT = 512 };
	uint32_t *label = malloc(LIMIT * sizeof(*label));
	size_t n = 0;
	for (int i = 0; i < LIMIT + 1; i++)
		if (bad ? n <= LIMIT : n < LIMIT)
			((volatile uint32_t *)label)[n++] = i;
	free(label);
}

/* CVE-2023-4911, Looney Tunables: "name=name=value" is copied twice for its length. */
static void parse_tunable(char *to, const char *text)
{
	const char *p = text;
	while (p) {
		for (const char *c = p; *c; c++)
			*(volatile char *)to++ = *c;
		p = strchr(p, '=');
		if (p)
			p++;
		if (!bad)
			break;
	}
	*(volatile char *)to = 0;
}

BUG(parsed_twice,
    "heap-overflow write 1 at 32 of 32; in=parse_tunable,parsed_twice; alloc=parsed_twice")
{
	const char *text = "tunable=tunable=valuevaluevalue";
	char *copy = malloc(strlen(text) + 1);
	parse_tunable(copy, text);
	free(copy);
}

/* CVE-2006-5051, a signal's handler and the main program clean up the same: here in turn. */
static char *session;

static void clean_up(void)
{
	free(session);
	if (!bad)
		session = NULL;
}

BUG(cleaned_up_twice, "double-free at 0 of 200; in=clean_up,cleaned_up_twice; "
		      "free=clean_up,cleaned_up_twice")
{
	session = malloc(200);
	clean_up();
	clean_up();
}

/* CVE-2020-8597 and others: a negative length passes a signed check. */
static void copy_name(char *to, const char *from, int length)
{
	if (length > 16 || (!bad && length < 0))
		return;
	memcpy(to, hide(from), (unsigned short)length);
}

BUG(negative_length, "heap-overflow write|read ? at ? of 16|8192; in=..,copy_name,negative_length")
{
	char *name = malloc(16), *packet = calloc(1, 8192);
	copy_name(name, packet, -1);
	free(name);
	free(packet);
}

/* A queue keeps a message by address, and its buffer goes back to a pool that frees it. */
BUG(queued_by_address, "heap-use-after-free read 4 at 4 of 128; free=queued_by_address")
{
	struct message {
		int kind, length;
		char text[120];
	} * queue[4], *m;
	for (int i = 0; i < 4; i++) {
		queue[i] = calloc(1, sizeof(*m));
		queue[i]->length = i;
	}
	m = queue[2];
	if (bad)
		free(m);
	for (int i = 0; i < 4; i++)
		sink += ((volatile struct message *)hide(queue[i]))->length;
	for (int i = 0; i < 4; i++)
		if (!bad || i != 2)
			free(queue[i]);
}
