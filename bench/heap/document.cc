// SPDX-License-Identifier: MIT
/*
 * Documents made of nodes with children and attributes, printed and thrown away: what a JSON or XML
 * library does.
 */
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct node {
	std::string name;
	std::unordered_map<std::string, std::string> attributes;
	std::vector<std::unique_ptr<node>> children;
};

static std::unique_ptr<node> make(int depth)
{
	auto n = std::make_unique<node>();

	n->name = "an element of depth " + std::to_string(depth);
	n->attributes["identifier"] = n->name + " and more";
	for (int i = 0; depth > 0 && i < 4; i++)
		n->children.push_back(make(depth - 1));
	return n;
}

static size_t print(const node &n, std::string &to)
{
	size_t count = 1;

	to += "<" + n.name;
	for (const auto &a : n.attributes)
		to += " " + a.first + "=\"" + a.second + "\"";
	to += ">";
	for (const auto &c : n.children)
		count += print(*c, to);
	return count;
}

int main(int argc, char **argv)
{
	long scale = argc > 1 ? atol(argv[1]) : 100;
	size_t count = 0, length = 0;

	for (long i = 0; i < scale / 5 + 1; i++) {
		std::string text;
		count += print(*make(4), text);
		length += text.size();
	}
	printf("%zu %zu\n", count, length);
	return 0;
}
