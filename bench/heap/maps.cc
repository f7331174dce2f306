// SPDX-License-Identifier: MIT
/*
 * C++ containers: maps of strings to vectors, as a parser or a database's front makes them.
 */
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
	long scale = argc > 1 ? atol(argv[1]) : 100, sum = 0;
	std::map<std::string, std::vector<int>> m;
	unsigned state = 1;

	for (long i = 0; i < scale * 200; i++) {
		state = state * 1103515245 + 12345;
		std::string key = "a key of some length " + std::to_string((state >> 8) % 5000);
		auto &v = m[key];
		v.push_back(i);
		if (v.size() > 8)
			m.erase(key);
	}
	for (const auto &entry : m)
		sum += entry.second.size();
	printf("%zu %ld\n", m.size(), sum);
	return 0;
}
