// SPDX-License-Identifier: MIT
/* See confine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "vm/jail/confine.h"
#include "vm/jail/policy.h"
#include "vm/own_proc.h"
#include "vm/vm.h"

/*
 * What the monitor reads for itself: its own descriptors, by their names in procfs. Landlock judges
 * the file that such a name leads to by its own path.
 */
static const struct landlock_path own_paths[] = {
	{"/proc/self", false},
};

struct lists {
	struct landlock_path *path;
	char **made; /* paths below --root, which are freed afterwards */
	u32 paths, made_count;
	struct landlock_port *connect, *bind;
	u32 connects, binds;
	bool any_connect;
};

/*
 * Adds the path of the host that a rule shows. With --root, paths of the sandbox are below that
 * directory. Returns false if memory is exhausted.
 */
static bool add_path(struct lists *l, const struct jail_policy *p, const struct path_rule *rule,
		     bool write)
{
	const char *path = rule->source ? rule->source : rule->path;

	if (p->root && !rule->source) {
		char *made;

		if (asprintf(&made, "%s/%s", p->root, rule->path) < 0)
			return false;
		l->made[l->made_count++] = made;
		path = made;
	}
	l->path[l->paths++] = (struct landlock_path){path, write};
	return true;
}

/* Returns true if the policy lets programs change what is shown at this path. */
static bool is_writable(const struct jail_policy *p, const char *path)
{
	for (u32 i = 0; i < p->paths.count; i++)
		if (p->paths.rule[i].kind == PATH_WRITE && !strcmp(p->paths.rule[i].path, path))
			return true;
	return false;
}

static int list_paths(struct lists *l, const struct jail_policy *p)
{
	u32 most = p->paths.count + ARRAY_SIZE(own_paths) + 1;
	bool fits = true;

	l->path = calloc(most, sizeof(*l->path));
	l->made = calloc(most, sizeof(*l->made));
	if (!l->path || !l->made)
		return -ENOMEM;
	for (u32 i = 0; i < ARRAY_SIZE(own_paths); i++)
		l->path[l->paths++] = own_paths[i];
	if (p->root)
		l->path[l->paths++] = (struct landlock_path){p->root, is_writable(p, "/")};
	for (u32 i = 0; fits && i < p->paths.count; i++) {
		const struct path_rule *rule = &p->paths.rule[i];

		switch (rule->kind) {
		case PATH_READ:
		case PATH_PROTECT:
			fits = add_path(l, p, rule, false);
			break;
		case PATH_BIND:
			fits = add_path(l, p, rule, is_writable(p, rule->path));
			break;
		case PATH_WRITE:
			fits = add_path(l, p, rule, true);
			break;
		case PATH_TMPFS: /* memory of the sandbox's own */
		case PATH_DENY:
		case PATH_HIDE:
		case PATH_KINDS:
			break;
		}
	}
	return fits ? 0 : -ENOMEM;
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

int confine_begin(struct sandbox *s)
{
	struct jail_policy *p = s->opt.policy;
	int ret;

	if (p->net.mode != NET_HOST && (p->net.count || p->net.listen_count))
		p->net.mode = NET_RULES;
	p->walls.network = p->net.mode != NET_OFF;
	if (p->walls.network && walls_require_netns(&p->walls)) {
		message("--require=netns: the network namespace would be without the host's "
			"network, which this policy allows");
		return EXIT_USAGE;
	}
	ret = net_resolve(&p->net);
	if (ret == 0)
		ret = walls_begin(&p->walls);
	if (ret == 0)
		net_enforce(&p->net);
	return ret;
}

int confine_last(struct sandbox *s)
{
	struct jail_policy *p = s->opt.policy;
	struct lists l = {0};
	struct landlock_rules rules;
	int ret = list_paths(&l, p);

	if (ret == 0)
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
	while (l.made_count > 0)
		free(l.made[--l.made_count]);
	free(l.made);
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
