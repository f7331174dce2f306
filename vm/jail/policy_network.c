// SPDX-License-Identifier: MIT
/* The words of policies on the network, time and walls (policy_words.h), and how they are shown. */
#include <ctype.h>
#include <json-c/json.h>
#include <string.h>
#include "vm/jail/policy_words.h"
#include "vm/vm.h"

static int wrong(const struct policy_word *word, const struct policy_value *v, const char *why)
{
	policy_error(&v->place, word->word, "%s: %s", v->text, why);
	return EXIT_USAGE;
}

int policy_read_net(struct jail_policy *p, const struct policy_word *word,
		    const struct policy_value *v)
{
	if (strcmp(v->text, "host") != 0)
		return wrong(word, v, "the only value is host");
	p->net.mode = NET_HOST;
	return 0;
}

/* word->min: 1 for a rule that denies. */
int policy_read_net_rule(struct jail_policy *p, const struct policy_word *word,
			 const struct policy_value *v)
{
	const char *why = net_add_rule(&p->net, word->min, v->text);

	return why ? wrong(word, v, why) : 0;
}

int policy_read_listen(struct jail_policy *p, const struct policy_word *word,
		       const struct policy_value *v)
{
	const char *why = net_add_listen(&p->net, v->text);

	return why ? wrong(word, v, why) : text_list_add(&p->listen, v->text) ? EXIT_HOST : 0;
}

/* A number, maybe with a fraction, and a unit. */
int policy_read_duration(struct jail_policy *p, const struct policy_word *word,
			 const struct policy_value *v)
{
	static const struct {
		const char *unit;
		u64 ns;
	} units[] = {
		{"", 1000000000UL},   {"s", 1000000000UL},    {"ms", 1000000UL},
		{"m", 60000000000UL}, {"h", 3600000000000UL}, {"d", 86400000000000UL},
	};
	const char *at = v->text;
	u64 number = 0, scale = 1, ns = 0;
	bool point = false;

	for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		number = number * 10 + (u64)(*at - '0');
		scale *= point ? 10 : 1;
		if (number > 1000000000000000000 || scale > 1000000000)
			return wrong(word, v, "the number is too large or too long");
	}
	for (u32 i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(at, units[i].unit))
			ns = (u64)((unsigned __int128)number * units[i].ns / scale);
	if (at == v->text || ns == 0)
		return wrong(word, v, "a time above 0 is a number with ms, s, m, h or d");
	*(u64 *)((char *)p + word->at) = ns;
	return 0;
}

int policy_read_walls(struct jail_policy *p, const struct policy_word *word,
		      const struct policy_value *v)
{
	if (!*v->text)
		return wrong(word, v, "a wall is missing");
	return walls_parse((u32 *)((char *)p + word->at), word->word, v->text);
}

int policy_settle_network(const struct jail_policy *p)
{
	const char *why = NULL;
	bool allows = false;

	for (u32 i = 0; i < p->net.count; i++)
		allows |= !p->net.rule[i].deny;
	if (!p->proxy)
		return 0;
	if (p->net.mode == NET_HOST)
		why = "--net=host, which needs no proxy";
	else if (p->net.listen_count)
		why = "--allow-listen: a proxy makes connections only";
	else if (!allows)
		why = "a policy without --allow-net, which allows no connection";
	if (why)
		message("--proxy contradicts %s", why);
	return why ? EXIT_USAGE : 0;
}

static void show_time(const char *word, u64 ns, FILE *to)
{
	if (ns)
		fprintf(to, "%s %lu.%09lus\n", word, ns / 1000000000, ns % 1000000000);
}

void policy_show_network(const struct jail_policy *p, FILE *to)
{
	const struct limits *l = &p->limits;
	char walls[128];

	if (l->fsize)
		fprintf(to, "fsize %lu\n", l->fsize);
	if (l->disk)
		fprintf(to, "disk %lu\n", l->disk);
	show_time("time", l->time_ns, to);
	show_time("cpu-time", l->cpu_ns, to);
	if (p->net.mode == NET_HOST)
		fputs("net host\n", to);
	for (u32 i = 0; i < p->net.count; i++)
		fprintf(to, "%s-net %s\n", p->net.rule[i].deny ? "deny" : "allow",
			p->net.rule[i].text);
	if (p->proxy)
		fputs("proxy\n", to);
	for (u32 i = 0; i < p->listen.count; i++)
		fprintf(to, "allow-listen %s\n", p->listen.text[i]);
	if (walls_names(p->walls.required, walls, sizeof(walls)))
		fprintf(to, "require %s\n", walls);
}

static void add_number(json_object *to, const char *name, u64 value)
{
	if (value)
		json_object_object_add(to, name, json_object_new_uint64(value));
}

void policy_show_network_json(const struct jail_policy *p, struct json_object *to)
{
	json_object *net = json_object_new_array(), *listen = json_object_new_array();
	char walls[128];

	add_number(to, "fsize", p->limits.fsize);
	add_number(to, "disk", p->limits.disk);
	add_number(to, "time_ns", p->limits.time_ns);
	add_number(to, "cpu_time_ns", p->limits.cpu_ns);
	if (p->net.mode == NET_HOST)
		json_object_object_add(to, "net", json_object_new_string("host"));
	for (u32 i = 0; i < p->net.count; i++) {
		json_object *row = json_object_new_object();

		json_object_object_add(
			row, "rule",
			json_object_new_string(p->net.rule[i].deny ? "deny-net" : "allow-net"));
		json_object_object_add(row, "to", json_object_new_string(p->net.rule[i].text));
		json_object_array_add(net, row);
	}
	for (u32 i = 0; i < p->listen.count; i++)
		json_object_array_add(listen, json_object_new_string(p->listen.text[i]));
	json_object_object_add(to, "network", net);
	if (p->proxy)
		json_object_object_add(to, "proxy", json_object_new_boolean(true));
	json_object_object_add(to, "listen", listen);
	if (walls_names(p->walls.required, walls, sizeof(walls)))
		json_object_object_add(to, "require", json_object_new_string(walls));
}
