// SPDX-License-Identifier: MIT
/*
 * C++: objects that new makes, containers that move their elements, and releases that do not
 * match.
 */
#include "bug.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

template <typename T> static T look(const T *p)
{
	return *const_cast<const volatile T *>(static_cast<const T *>(hide(p)));
}

struct point {
	long x, y;
};

BUG(deleted_object, "heap-use-after-free read 8 at 8 of 16; in=look,deleted_object")
{
	point *p = new point{1, 2};
	long *y = &p->y;
	if (bad)
		delete p;
	sink = look(y);
	if (!bad)
		delete p;
}

BUG(deleted_array, "heap-use-after-free read 4 at 396 of 400; in=look,deleted_array")
{
	int *p = new int[100]();
	int *last = p + 99;
	if (bad)
		delete[] p;
	sink = look(last);
	if (!bad)
		delete[] p;
}

BUG(deleted_twice, "double-free at 0 of 16")
{
	point *p = new point, *again = static_cast<point *>(hide(p));
	delete p;
	if (bad)
		delete again;
}

BUG(array_past, "heap-overflow write 8 at 80 of 80")
{
	long *p = new long[10];
	static_cast<volatile long *>(hide(p))[bad ? 10 : 9] = 1;
	delete[] p;
}

BUG(free_of_new, "mismatched-free at 0 of 16")
{
	point *p = new point;
	if (bad)
		free(hide(p));
	else
		delete p;
}

BUG(delete_of_malloc, "mismatched-free at 0 of 16")
{
	point *p = static_cast<point *>(malloc(sizeof(point)));
	if (bad)
		delete static_cast<point *>(hide(p));
	else
		free(p);
}

BUG(delete_of_array, "mismatched-free at 0 of 64")
{
	long *p = new long[8];
	if (bad)
		delete static_cast<long *>(hide(p));
	else
		delete[] p;
}

BUG(array_delete_of_object, "mismatched-free at 0 of 8")
{
	long *p = new long;
	if (bad)
		delete[] static_cast<long *>(hide(p));
	else
		delete p;
}

BUG(free_of_array, "mismatched-free at 0 of 64")
{
	long *p = new long[8];
	if (bad)
		free(hide(p));
	else
		delete[] p;
}

BUG(realloc_of_new, "mismatched-free at 0 of 32")
{
	char *p = new char[32];
	if (bad)
		free(realloc(hide(p), 64));
	else
		delete[] p;
}

BUG(array_delete_of_strdup, "mismatched-free at 0 of 6; alloc=..,array_delete_of_strdup")
{
	char *p = strdup("hello");
	if (bad)
		delete[] static_cast<char *>(hide(p));
	else
		free(p);
}

struct with_destructor {
	~with_destructor()
	{
		sink = value;
	}
	long value = 3;
};

/* The array's count lies before its first element: delete without [] gets an interior pointer. */
BUG(count_before_array, "invalid-free interior at 8 of 40")
{
	with_destructor *p = new with_destructor[4];
	if (bad)
		free(hide(p));
	else
		delete[] p;
}

BUG(released_unique, "double-free at 0 of 8; in=..,released_unique; alloc=..,released_unique; "
		     "free=..,released_unique")
{
	auto first = std::make_unique<long>(4);
	if (bad) {
		std::unique_ptr<long> second(first.get());
	}
}

BUG(shared_from_plain,
    "double-free|heap-use-after-free at 0 of 8; in=..,shared_from_plain; free=..,shared_from_plain")
{
	long *plain = new long(1);
	std::shared_ptr<long> first(plain);
	if (bad) {
		std::shared_ptr<long> second(static_cast<long *>(hide(plain)));
	}
}

BUG(grown_vector, "heap-use-after-free read 4 at 0 of 4; in=look,grown_vector; "
		  "alloc=..,grown_vector; free=..,grown_vector")
{
	std::vector<int> v;
	v.push_back(1);
	const int *first = &v[0];
	for (int i = 0; i < 1000; i++)
		v.push_back(i);
	sink = look(bad ? first : &v[0]);
}

BUG(vector_past, "heap-overflow read 4 at 64 of 64; in=look,vector_past; alloc=..,vector_past")
{
	std::vector<int> v(16);
	sink = look(&*v.begin() + (bad ? 16 : 15));
}

BUG(iterator_over_erase, "heap-use-after-free read 8 at ? of ?; in=..,iterator_over_erase; "
			 "alloc=..,iterator_over_erase; free=..,iterator_over_erase")
{
	std::map<int, int> m;
	for (int i = 0; i < 10; i++)
		m[i] = i;
	for (auto i = m.begin(); i != m.end();) {
		if (i->first % 2) {
			auto gone = i;
			if (bad)
				m.erase(gone);
			i++;
			if (!bad)
				m.erase(gone);
		} else {
			i++;
		}
	}
}

BUG(list_element, "heap-use-after-free read 8 at 16 of 24; in=look,list_element; "
		  "alloc=..,list_element; free=..,list_element")
{
	std::list<long> l{1, 2, 3};
	const long *middle = &*std::next(l.begin());
	if (bad)
		l.remove(2);
	sink = look(middle);
}

BUG(cleared_deque, "heap-use-after-free read 8 at ? of 512; in=look,cleared_deque; "
		   "alloc=..,cleared_deque; free=..,cleared_deque")
{
	std::deque<long> d(1000);
	const long *some = &d[500];
	if (bad)
		d.resize(1);
	sink = look(some);
}

BUG(rehashed,
    "heap-use-after-free read 8 at 8 of 16; in=look,rehashed; alloc=..,rehashed; free=..,rehashed")
{
	std::unordered_map<long, point *> m;
	for (long i = 0; i < 100; i++)
		m[i] = new point{i, i};
	const long *y = &m[50]->y;
	if (bad) {
		delete m[50];
		m.erase(50);
	}
	sink = look(y);
	for (auto &entry : m)
		delete entry.second;
}

static std::string_view view_of_temporary()
{
	std::string text(64, 'x');
	static std::string kept;
	if (bad)
		return text;
	kept = text;
	return kept;
}

BUG(view_of_dead_string, "heap-use-after-free read 1 at 5 of 65; in=look,view_of_dead_string; "
			 "alloc=..,view_of_temporary,..; free=..,view_of_temporary,..")
{
	std::string_view view = view_of_temporary();
	sink = look(view.data() + 5);
}

BUG(appended_string, "heap-use-after-free read 1 at 0 of ?; in=look,appended_string; "
		     "alloc=..,appended_string; free=..,appended_string")
{
	std::string text(40, 'a');
	const char *start = text.c_str();
	text.append(1000, 'b');
	sink = look(bad ? start : text.c_str());
}

struct shape {
	virtual ~shape() = default;
	virtual long area() const
	{
		return 1;
	}
	long padding = 0;
};

struct square : shape {
	long area() const override
	{
		return side * side;
	}
	long side = 3;
};

BUG(virtual_call, "heap-use-after-free read 8 at 0 of 24; free=..,virtual_call")
{
	shape *s = new square;
	if (bad)
		delete s;
	s = static_cast<shape *>(hide(s));
	sink = s->area();
	if (!bad)
		delete s;
}

struct window {
	std::function<void()> on_close;
	long handle = 7;
};

/* The callback deletes the window that holds it, and goes on with its captures. */
BUG(callback_deletes_itself,
    "heap-use-after-free read 8 at 32 of 40; in=look,..,callback_deletes_itself; "
    "alloc=callback_deletes_itself; free=..,callback_deletes_itself")
{
	window *w = new window;
	w->on_close = [] {};
	auto close = [w] {
		long *handle = &w->handle;
		if (bad)
			delete w;
		sink = look(handle);
		if (!bad)
			delete w;
	};
	close();
}

BUG(aligned_new, "heap-overflow write 1 at 128 of 128")
{
	struct alignas(64) block {
		char bytes[128];
	};
	block *b = new block;
	static_cast<volatile char *>(hide(b))[bad ? 128 : 127] = 1;
	delete b;
}

BUG(nothrow_new, "heap-use-after-free write 1 at 0 of 100")
{
	char *p = new (std::nothrow) char[100];
	if (bad)
		delete[] p;
	*static_cast<volatile char *>(hide(p)) = 1;
	if (!bad)
		delete[] p;
}

/* An exception passes the delete. */
static void may_throw()
{
	throw std::runtime_error("thrown");
}

static void leak_by_exception()
{
	auto *p = new point[3]();
	std::unique_ptr<point[]> owner;
	if (!bad)
		owner.reset(p);
	may_throw();
	delete[] p;
}

static void forget()
{
	volatile char space[16384];
	for (size_t i = 0; i < sizeof(space); i++)
		space[i] = 0;
}

BUG(exception_leaks, "leak of 48; in=-; alloc=leak_by_exception,exception_leaks; with --leaks")
{
	try {
		leak_by_exception();
	} catch (const std::runtime_error &) {
	}
	forget();
}

struct cycle {
	std::shared_ptr<cycle> other;
	std::weak_ptr<cycle> back;
	long payload[4];
};

static void make_cycle()
{
	auto a = std::make_shared<cycle>(), b = std::make_shared<cycle>();
	a->other = b;
	if (bad)
		b->other = a;
	else
		b->back = a;
}

BUG(cycle_of_shared,
    "leak of ?; 1 objects; in=-; alloc=..,make_cycle,cycle_of_shared; with --leaks; 2 reports")
{
	make_cycle();
	forget();
}

BUG(thread_reference, "heap-use-after-free write 8 at 0 of 8; in=..; alloc=thread_reference; "
		      "free=thread_reference")
{
	long *counter = new long(0);
	volatile long *stale = static_cast<long *>(hide(counter));
	if (bad)
		delete counter;
	std::thread t([stale] { *stale = 1; });
	t.join();
	if (!bad)
		delete counter;
}

/* The static object's destructor runs after that of what it uses. */
struct registry {
	~registry();
	long *entry = new long(5);
};

static registry *made;

registry::~registry()
{
	delete entry;
	if (bad && made == this)
		sink = look(entry);
}

BUG(static_destructor,
    "heap-use-after-free read 8 at 0 of 8; in=look,..; alloc=..,static_destructor; free=..")
{
	static registry r;
	made = &r;
}

BUG(sorted_past_end,
    "heap-overflow read ? at ? of 64; in=..,sorted_past_end; alloc=..,sorted_past_end")
{
	std::vector<long> v(8, 1);
	long *end = &v[0] + (bad ? 9 : 8);
	sink = *std::max_element(&v[0], static_cast<long *>(hide(end)));
}

BUG(set_end_of_erased, "heap-use-after-free read 4 at 32 of 40; in=look,set_end_of_erased; "
		       "alloc=..,set_end_of_erased; free=..,set_end_of_erased")
{
	std::set<int> s{1, 2, 3};
	const int *two = &*s.find(2);
	if (bad)
		s.clear();
	sink = look(two);
}

BUG(moved_from_vector, "heap-use-after-free read 4 at 12 of 32; in=look,moved_from_vector; "
		       "alloc=..,moved_from_vector; free=..,moved_from_vector")
{
	auto *v = new std::vector<int>(8, 1);
	const int *third = &(*v)[3];
	std::vector<int> other;
	if (!bad)
		other = std::move(*v);
	delete v;
	sink = look(third);
}
