// SPDX-License-Identifier: MIT
/* See confine.h. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include "vm/jail/confine.h"
#include "vm/jail/inside.h"
#include "vm/jail/lookup.h"
#include "vm/jail/policy.h"
#include "vm/jail/proxy.h"
#include "vm/jail/view.h"
#include "vm/own_proc.h"
#include "vm/vm.h"

/*
 * What the monitor reads for itself: its own descriptors, by their names in procfs. Landlock judges
 * the file that such a name leads to by its own path.
 */
static const struct landlock_path own_paths[] = {
	{"/proc/self", false},
};

#define RESOLVER "/etc/resolv.conf"

struct lists {
	struct landlock_path *path;
	u32 paths, space;
	bool failed; /* memory is exhausted */
	struct landlock_port *connect, *bind;
	u32 connects, binds;
	bool any_connect;
};

/* Adds a path of the host; copies it. */
static void add_path(const char *path, bool write, void *arg)
{
	struct lists *l = arg;
	char *copy = strdup(path);

	if (copy && l->paths == l->space) {
		u32 space = l->space ? 2 * l->space : 64;
		struct landlock_path *more = reallocarray(l->path, space, sizeof(*more));

		if (more) {
			l->path = more;
			l->space = space;
		}
	}
	if (!copy || l->paths == l->space) {
		free(copy);
		l->failed = true;
		return;
	}
	l->path[l->paths++] = (struct landlock_path){copy, write};
}

/* The paths are those of the view (view.h): it has resolved them, and opened what they name. */
static int list_paths(struct lists *l)
{
	for (u32 i = 0; i < ARRAY_SIZE(own_paths); i++)
		add_path(own_paths[i].path, own_paths[i].write, l);
	view_each_right(add_path, l);
	return l->failed ? -ENOMEM : 0;
}

/* Landlock knows ports and no addresses: it allows each port that some rule allows. */
static int list_ports(struct lists *l, const struct net_rules *net)
{
	u32 most = 1;

	for (u32 i = 0; i < net->count; i++)
		most += net->rule[i].deny ? 0 : MAX(net->rule[i].port_count, 1U);
	l->connect = calloc(most, sizeof(*l->connect));
	l->bind = calloc(net->listen_count + 1, sizeof(*l->bind));
	if (!l->connect || !l->bind)
		return -ENOMEM;
	for (u32 i = 0; i < net->count; i++) {
		const struct net_rule *rule = &net->rule[i];

		if (rule->deny)
			continue;
		if (!rule->port_count)
			l->any_connect = true;
		for (u32 k = 0; k < rule->port_count; k++)
			l->connect[l->connects++] =
				(struct landlock_port){rule->ports[k].first, rule->ports[k].last};
	}
	for (u32 i = 0; i < net->listen_count; i++)
		l->bind[l->binds++] =
			(struct landlock_port){net->listen[i].first, net->listen[i].last};
	/* bind(2) with port 0, before connect(2): net_may_listen looks at the port itself. */
	l->bind[l->binds++] = (struct landlock_port){0, 0};
	return 0;
}

static bool has_rule(const struct jail_policy *p, const char *path)
{
	for (u32 i = 0; i < p->paths.count; i++)
		if (!strcmp(p->paths.rule[i].path, path))
			return true;
	return false;
}

/*
 * Shows the sandbox's own name server in /etc/resolv.conf, unless the policy has a file there. An
 * answer may take as long as the host's name servers take. Returns 0 or -errno.
 */
static int show_name_server(struct jail_policy *p)
{
	static const struct policy_place nowhere;
	char path[32];
	int fd;

	if (has_rule(p, RESOLVER))
		return 0;
	fd = memfd_create("resolv.conf", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	dprintf(fd, "nameserver " INSIDE_ADDRESS "\noptions timeout:15\n");
	fchmod(fd, 0444);
	/* The descriptor stays open: the view's rule is for the file that it names. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return policy_add_path(p, PATH_BIND, RESOLVER, path, false, &nowhere);
}

/* Adds NAME=VALUE to the environment, unless the policy says something about NAME. */
static int add_variable(struct jail_policy *p, const char *text)
{
	size_t len = strcspn(text, "=");

	for (u32 i = 0; i < p->env.count; i++)
		if (!strncmp(p->env.text[i], text, len) &&
		    (!p->env.text[i][len] || p->env.text[i][len] == '='))
			return 0;
	return text_list_add(&p->env, text);
}

#define TEXT(number)  TEXT_(number)
#define TEXT_(number) #number

/* Tells programs of the proxy. Names go to it unresolved: "socks5h". Returns 0 or -errno. */
static int show_proxy(struct jail_policy *p)
{
	static const char *const variables[] = {
		"http_proxy=http://" INSIDE_ADDRESS ":" TEXT(INSIDE_PROXY_HTTP),
		"https_proxy=http://" INSIDE_ADDRESS ":" TEXT(INSIDE_PROXY_HTTP),
		"HTTP_PROXY=http://" INSIDE_ADDRESS ":" TEXT(INSIDE_PROXY_HTTP),
		"HTTPS_PROXY=http://" INSIDE_ADDRESS ":" TEXT(INSIDE_PROXY_HTTP),
		"all_proxy=socks5h://" INSIDE_ADDRESS ":" TEXT(INSIDE_PROXY_SOCKS),
		"ALL_PROXY=socks5h://" INSIDE_ADDRESS ":" TEXT(INSIDE_PROXY_SOCKS),
	};
	int ret = 0;

	for (u32 i = 0; ret == 0 && i < ARRAY_SIZE(variables); i++)
		ret = add_variable(p, variables[i]);
	return ret;
}

/*
 * Starts what serves the sandbox's network from outside of its walls: lookups of names and the
 * proxy. Returns 0 or an exit_status after a message.
 */
static int start_services(struct jail_policy *p)
{
	struct lists l = {0};
	int lookups = -1, proxy = -1, ret = 0;

	if (p->net.mode != NET_RULES && p->net.mode != NET_PROXY)
		return 0;
	ret = lookup_all(&p->net);
	if (ret == 0)
		ret = lookup_start(&p->net, &lookups);
	if (ret == 0 && p->net.mode == NET_PROXY) {
		if (list_ports(&l, &p->net) || show_proxy(p)) {
			message("no memory for the proxy");
			ret = EXIT_HOST;
		} else {
			const struct landlock_rules walls = {.any_connect = l.any_connect,
							     .connect = l.connect,
							     .connects = l.connects};

			ret = proxy_start(&p->net, &walls, lookups, &proxy);
		}
		free(l.connect);
		free(l.bind);
		lookups = -1;
	}
	if (ret == 0 && lookups >= 0 && show_name_server(p)) {
		message("cannot make the sandbox's " RESOLVER);
		ret = EXIT_HOST;
	}
	if (ret == 0)
		inside_serve(&p->net, lookups, proxy);
	return ret;
}

/*
 * Leaves the process as many of its CPUs as --cpus says, so that the host itself keeps the limit
 * and programs count them. Which ones is chosen at random, since sandboxes do not know of each
 * other. Returns 0 or -errno.
 */
static int take_cpus(u32 most)
{
	cpu_set_t set;
	u32 have, skip;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	have = (u32)CPU_COUNT(&set);
	if (!most || most >= have)
		return 0;
	if (getrandom(&skip, sizeof(skip), 0) != sizeof(skip))
		return -EIO;
	/* Removes CPUs one by one, from a random one on. */
	for (skip %= CPU_SETSIZE; have > most; skip = (skip + 1) % CPU_SETSIZE) {
		if (!CPU_ISSET(skip, &set))
			continue;
		CPU_CLR(skip, &set);
		have--;
	}
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

void confine_prepare(struct jail_policy *p)
{
	if (p->net.mode != NET_HOST && (p->net.count || p->net.listen_count))
		p->net.mode = p->proxy ? NET_PROXY : NET_RULES;
	p->walls.network = p->net.mode;
	walls_prepare(&p->walls);
}

int confine_begin(struct sandbox *s)
{
	struct jail_policy *p = s->opt.policy;
	int ret;

	if (net_is_hosts(p->net.mode) && walls_require_netns(&p->walls)) {
		message("--require=netns: the network namespace would be without the host's "
			"network, which this policy allows");
		return EXIT_USAGE;
	}
	ret = take_cpus(p->cpus);
	if (ret) {
		message("--cpus: %s", host_error(-ret));
		return EXIT_HOST;
	}
	ret = start_services(p);
	if (ret == 0)
		ret = walls_begin(&p->walls);
	if (ret == 0 && p->walls.up & WALL_BIT(WALL_policy))
		net_enforce(&p->net);
	return ret;
}

int confine_last(struct sandbox *s)
{
	struct jail_policy *p = s->opt.policy;
	struct lists l = {0};
	struct landlock_rules rules;
	int ret = list_paths(&l);

	if (ret == 0 && p->net.mode != NET_PROXY)
		ret = list_ports(&l, &p->net);
	rules = (struct landlock_rules){
		.path = l.path,
		.paths = l.paths,
		.any_connect = p->net.mode == NET_HOST || l.any_connect,
		.any_bind = p->net.mode == NET_HOST,
		.connect = l.connect,
		.connects = l.connects,
		.bind = l.bind,
		.binds = l.binds,
	};
	own_proc_confine();
	if (ret == 0) {
		ret = walls_confine(&p->walls, &rules);
	} else {
		message("no memory for the sandbox's walls");
		ret = EXIT_HOST;
	}
	while (l.paths > 0)
		free(UNCONST(l.path[--l.paths].path));
	free(l.path);
	free(l.connect);
	free(l.bind);
	if (ret)
		return ret;
	walls_describe(&p->walls, s);
	/* The clock starts when the program does. */
	ret = limits_start(s, &p->limits);
	if (ret)
		message("cannot keep the time of --time: %s", host_error(-ret));
	return ret ? EXIT_HOST : 0;
}
