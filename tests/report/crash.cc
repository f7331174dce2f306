// SPDX-License-Identifier: MIT
/* With crash.c: names that want demangling. */
namespace shop
{
template <class T> struct Basket {
	__attribute__((noipa)) int take(T *thing)
	{
		volatile T copy = *thing;
		return copy;
	}
};
} // namespace shop

extern "C" __attribute__((noinline)) int victim(void *p, int)
{
	volatile int result = shop::Basket<int>().take(static_cast<int *>(p));
	return result;
}
